"""Nested output shapes: a tuple of sizes for each tensor, in lists and dicts.

A size that depends on tensor values is the wildcard ``_``. A part that is not a tensor is ``None``
or the name of its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archlint.contracts.accepted_set import Words
from archlint.contracts.contract import Wildcard
from archlint.contracts.nested import map_leaves
from archlint.contracts.output_match import NamedFields
from archlint.contracts.rulefile.phrase_parser import parse_shape
from archlint.contracts.size_text import shape_words
from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import Bool, conj, eq

_DTYPE = re.compile(r"bool|[a-z]*(?:int|float|complex|bits)\d+\w*")


def words(shape: Any) -> Words | None:
    """The shape as YAML data for a rule file: ``N 2048 ceil(H/32) ceil(W/32)``.

    A named tuple is a mapping. ``None`` if a rule file cannot state it: a scalar, or a part that is
    not a tensor.
    """
    if isinstance(shape, NamedFields):
        shape = dict(zip(shape.names, shape, strict=True))
    if isinstance(shape, tuple):
        return shape_words(shape) or None
    if isinstance(shape, list):
        parts = [words(s) for s in shape]
        known = [p for p in parts if p is not None]
        return known if known and len(known) == len(parts) else None
    if isinstance(shape, dict):
        fields = {k: words(s) for k, s in shape.items()}
        named = {k: w for k, w in fields.items() if w is not None and isinstance(k, str)}
        return named if named and len(named) == len(fields) else None
    return None


def whole_words(shape: Any) -> Words:
    """A whole output as YAML data: every part, and each dtype that is not float32.

    ``shape`` is nested as above, but each tuple starts with the tensor's dtype. A part that is not
    a tensor is ``<None>`` or the name of its type, ``<int>``; a named tuple is a mapping.
    """
    if isinstance(shape, tuple):
        dtype, *dims = shape
        return shape_words(dims if dims and dtype == "float32" else [dtype, *dims])
    if isinstance(shape, NamedFields):
        return dict(zip(shape.names, map(whole_words, shape), strict=True))
    if isinstance(shape, list):
        return [whole_words(s) for s in shape]
    if isinstance(shape, dict):
        return {str(k): whole_words(s) for k, s in shape.items()}
    return f"<{shape}>"


def parse_whole(data: Words) -> Any:
    """The inverse of :func:`whole_words`. Raises ``PhraseError`` on a syntax error."""
    return map_leaves(data, _parse_part)


def _parse_part(data: object) -> Any:
    text = str(data)
    if text.startswith("<"):
        return text
    dtype, _, dims = text.partition(" ")
    if not _DTYPE.fullmatch(dtype):
        dtype, dims = "float32", text
    return (dtype, *(parse_shape(dims, bounds=None) if dims else ()))


def parse(data: Words) -> Any:
    """The inverse of :func:`words`. Raises ``PhraseError`` on a syntax error."""
    return map_leaves(data, lambda words: tuple(parse_shape(str(words), bounds=None)))


def equal(one: Any, other: Any, same: Callable[[Any, Any], Bool] | None = None) -> Bool:
    """The input sizes at which two shapes are equal. ``same`` compares two entries."""
    same = same or _same
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and conj(*map(same, one, other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and conj(
            *(equal(a, b, same) for a, b in zip(one, other, strict=True))
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and conj(*(equal(one[k], other[k], same) for k in one))
    return bool(one == other)


def covers(one: Any, other: Any) -> Bool:
    """Like :func:`equal`, but a wildcard in ``one`` matches any entry of ``other``."""
    return equal(one, other, lambda a, b: True if isinstance(a, Wildcard) else _same(a, b))


def _same(one: Size | Wildcard | str, other: Size | Wildcard | str) -> Bool:
    if isinstance(one, (Wildcard, str)) or isinstance(other, (Wildcard, str)):
        return one is other or one == other
    return eq(one, other)


def at(shape: Any, sizes: Mapping[str, int]) -> Any:
    """The shape at concrete input sizes."""
    return mapped(
        shape,
        lambda dims: tuple(d if isinstance(d, Wildcard) else evaluate(d, sizes) for d in dims),
    )


def fits(shape: Any, real: Any) -> bool:
    """Whether a shape of numbers equals ``real``; wildcards match any size."""
    if isinstance(shape, tuple) and isinstance(real, tuple):
        pairs = zip(shape, real, strict=False)
        return len(shape) == len(real) and all(isinstance(s, Wildcard) or s == r for s, r in pairs)
    if isinstance(shape, list) and isinstance(real, list):
        return len(shape) == len(real) and all(map(fits, shape, real))
    if isinstance(shape, dict) and isinstance(real, dict):
        return list(shape) == list(real) and all(fits(shape[k], real[k]) for k in shape)
    return bool(shape == real)


def mapped(shape: Any, change: Callable[[tuple[Any, ...]], Any]) -> Any:
    """The shape with ``change`` applied to the sizes of each tensor."""
    return map_leaves(shape, lambda part: change(part) if isinstance(part, tuple) else part)
