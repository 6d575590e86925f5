"""The JSON Schema of rule files and packs, generated from the pydantic models."""

from __future__ import annotations

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTHING: tuple[object, ...] = (None, "", [], {})
_TENSOR = {"$ref": "#/$defs/TensorEntry"}
# The condition of tensor_schema.is_tensor_entry, for mappings.
_IS_TENSOR = {
    "type": "object",
    "anyOf": [{"required": [key]} for key in ("shape", "dtype", "below")],
    "not": {"required": ["shape"], "properties": {"shape": {"type": "object"}}},
}


def document(pack: bool = False) -> dict[str, Any]:
    """The JSON Schema of rule files, or with ``pack`` of packs."""
    from archlint.contracts.rulefile.pack_schema import PackEntry
    from archlint.contracts.rulefile.schema import RuleFileEntry

    made = (PackEntry if pack else RuleFileEntry).model_json_schema()
    title = "archlint pack" if pack else "archlint rule file"
    return {"$schema": DIALECT, **_plain(made), "title": title}


def _plain(schema: Any) -> Any:
    """The schema without what only pydantic needs: titles, discriminators and empty defaults.

    Titles repeat the keys. An empty default means that the key is optional, and ``required`` states
    that already.
    """
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "patternProperties"):
            plain[key] = {name: _plain(part) for name, part in value.items()}
        elif key == "oneOf":
            plain |= _union(value)
        elif key not in ("title", "discriminator") and not (key == "default" and value in _NOTHING):
            plain[key] = _plain(value)
    return plain


def _union(parts: list[Any]) -> dict[str, Any]:
    """A union. A tensor entry is a mapping too, so it is recognized by its keys."""
    others = {"anyOf": [_plain(part) for part in parts if part != _TENSOR]}
    return {"if": _IS_TENSOR, "then": _TENSOR, "else": others} if _TENSOR in parts else others
