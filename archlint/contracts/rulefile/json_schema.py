"""The JSON Schema of rule files and packs, made from the pydantic model that validates them."""

from __future__ import annotations

from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTHING: tuple[object, ...] = (None, "", [], {})
_TENSOR = {"$ref": "#/$defs/TensorEntry"}
# What is_tensor_entry of the schema says, for mappings.
_IS_TENSOR = {
    "type": "object",
    "anyOf": [{"required": [key]} for key in ("shape", "dtype", "below")],
    "not": {"required": ["shape"], "properties": {"shape": {"type": "object"}}},
}


def document(pack: bool = False) -> dict[str, Any]:
    """The schema of rule files, or of packs."""
    from archlint.contracts.rulefile.pack_schema import PackEntry
    from archlint.contracts.rulefile.schema import RuleFileEntry

    made = (PackEntry if pack else RuleFileEntry).model_json_schema()
    title = "archlint pack" if pack else "archlint rule file"
    return {"$schema": DIALECT, **_plain(made), "title": title}


def _plain(schema: Any) -> Any:
    """Without what only pydantic means.

    Its titles are the keys again; nothing as a default says that the key may be left out, which
    ``required`` says already.
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
    """One of several kinds of values. A tensor is a mapping too: its keys tell it from others."""
    others = {"anyOf": [_plain(part) for part in parts if part != _TENSOR]}
    return {"if": _IS_TENSOR, "then": _TENSOR, "else": others} if _TENSOR in parts else others
