"""Ranges in JSON or YAML: a mapping of tensors to ``min``, ``opt`` and ``max`` shapes.

``{"images": {"min": [1, 3, 32, 32], "opt": [1, 3, 224, 224], "max": [8, 3, 1024, 1024]}}``, a list
of such mappings, or ``{"min": {"images": […]}, "max": …}``, or a list of tensors with a ``name``.
They may be inside of other mappings; ``min_shape`` and ``minShapes`` are ``min``. ``max`` may hold
null for no end; ``step`` holds the multiples, ``names`` the names of dimensions that are equal, or
``2*h+1``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import (
    DeclaredTensor,
    Profile,
    Span,
    dtype_of,
    linear_name,
    mistake,
)
from archlint.contracts.rulefile.tensor_schema import DTYPES
from archlint.contracts.rulefile.yaml_source import Place, Source, parse
from archlint.errors import RuleFileError

_KIND = re.compile(r"(min|opt|max)(?:_?[sS]hapes?)?")
_LISTS = ("step", "names")
_EXPECTED = '{"images": {"min": [1, 3, 32, 32], "opt": […], "max": […]}}'


def read(text: str, file: str) -> list[Profile]:
    """The profiles of a file.

    Raises:
        RuleFileError: every mistake that reading finds before the first profile ends.
    """
    if not text.strip():
        raise mistake(file, 1, "found an empty file", _EXPECTED)
    source, mistakes = parse(text.replace("\t", " "), file)
    if mistakes:
        raise RuleFileError(mistakes)
    return _Reader(source).profiles(source.data, ())


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def refusal(self, place: Place, found: str, expected: str = _EXPECTED) -> RuleFileError:
        return RuleFileError([self.source.mistake(place, found, expected)])

    def profiles(self, data: Any, place: Place) -> list[Profile]:
        """The profiles of a mapping or list, or of those in it that have any."""
        found = self.found(data, place)
        if not found and not isinstance(data, (dict, list)):
            raise self.refusal(place, "found no mapping of tensors")
        if not found:
            first = next(iter(data), None) if isinstance(data, dict) else None
            of = f"shapes of {first}" if isinstance(first, str) else "mapping of tensors"
            raise self.refusal((*place, first) if first else place, f"found no {of}")
        return found

    def found(self, data: Any, place: Place) -> list[Profile]:
        if isinstance(data, list):
            if data and all(_states(p) and isinstance(p.get("name"), str) for p in data):
                parts = [(p["name"], p, (*place, i)) for i, p in enumerate(data)]
                return [self.profile(parts, place)]
            return [p for i, part in enumerate(data) for p in self.found(part, (*place, i))]
        if not isinstance(data, dict) or not data:
            return []
        kinds = {k: part for k, part in data.items() if _kind(k) and isinstance(part, dict)}
        if len(kinds) > 1:
            names = dict.fromkeys(name for part in kinds.values() for name in part)
            parts = [
                (n, {k: p[n] for k, p in kinds.items() if n in p},
                 (*place, next(k for k in kinds if n in kinds[k]), n))
                for n in names
            ]  # fmt: skip
            return [self.profile(parts, place)]
        if any(_states(part) for part in data.values()):
            mappings = {n: part for n, part in data.items() if isinstance(part, dict)}
            return [self.profile([(n, t, (*place, n)) for n, t in mappings.items()], place)]
        return [p for key, part in data.items() for p in self.found(part, (*place, key))]

    def profile(self, tensors: Sequence[tuple[str, Any, Place]], place: Place) -> Profile:
        read = tuple(self.tensor(name, data, at) for name, data, at in tensors)
        return Profile("json", read, self.source.where(place))

    def tensor(self, name: str, data: Any, place: Place) -> DeclaredTensor:
        for key in data:
            if not _kind(key) and key not in (*_LISTS, "dtype", "name"):
                raise self.refusal(
                    (*place, key), f"found the key {key!r}", "min, opt, max, step, names or dtype"
                )
        shapes = {_kind(k): v for k, v in data.items() if _kind(k)}
        for kind in ("min", "max"):
            if not isinstance(shapes.get(kind), list):
                what = f"{shapes[kind]!r} as" if kind in shapes else "no"
                raise self.refusal(place, f"found {what} {kind} shape of {name}", "a list of sizes")
        rank = len(shapes["min"])
        lists = shapes | {k: data[k] for k in _LISTS if k in data}
        for key, sizes in lists.items():
            if not isinstance(sizes, list) or len(sizes) != rank:
                raise self.refusal(place, f"found {key} of {name}: {sizes}", f"{rank} entries")
        spans = tuple(
            self.span(name, i, {k: v[i] for k, v in lists.items()}, place) for i in range(rank)
        )
        dtype = dtype_of(str(data.get("dtype", "")))
        if dtype and dtype not in DTYPES:
            raise self.refusal((*place, "dtype"), f"found {dtype!r}", f"one of {', '.join(DTYPES)}")
        return DeclaredTensor(name, spans, self.source.where(place), dtype)

    def span(self, name: str, index: int, at: dict[str, Any], place: Place) -> Span:
        low, high, opt, step = at["min"], at["max"], at.get("opt"), at.get("step") or 1
        numbers = [low, step, *(v for v in (high, opt) if v is not None)]
        whole = all(isinstance(v, int) and not isinstance(v, bool) for v in numbers)
        ordered = (
            whole
            and 0 <= low <= (low if opt is None else opt)
            and (high is None or max(low, opt or 0) <= high)
            and step >= 1
        )
        if not ordered:
            shown = ", ".join(f"{k} {at[k]}" for k in ("min", "opt", "max", "step") if k in at)
            raise self.refusal(
                place, f"found the sizes {shown} for dimension {index} of {name}",
                "min <= opt <= max, each at least 0" if whole else "whole numbers",
            )  # fmt: skip
        factor, word, offset = linear_name(str(at.get("names") or ""))
        return Span(low, high, opt, step, word, factor, offset)


def _kind(key: object) -> str:
    """``min`` for ``min``, ``min_shape`` and ``minShapes``; empty for another key."""
    match = _KIND.fullmatch(str(key))
    return match[1] if match else ""


def _states(data: Any) -> bool:
    """Whether a mapping has shapes of one tensor."""
    if not isinstance(data, dict):
        return False
    return any(_kind(k) and not isinstance(v, dict) for k, v in data.items())


def write(profiles: Sequence[Profile]) -> str:
    """The profiles as JSON; one profile is a mapping, several are a list."""
    data = [{t.name: _entry(t) for t in p.tensors} for p in profiles]
    return _text(data[0] if len(data) == 1 else data) + "\n"


def _entry(tensor: DeclaredTensor) -> dict[str, Any]:
    spans = tensor.spans or ()
    entry: dict[str, Any] = {
        "min": [s.low for s in spans],
        "opt": [s.typical for s in spans],
        "max": [s.high for s in spans],
    }
    if any(s.step > 1 for s in spans):
        entry["step"] = [s.step for s in spans]
    if any(s.name for s in spans):
        entry["names"] = [s.of_variable(s.name) if s.name else None for s in spans]
    if tensor.dtype not in ("", "float32"):
        entry["dtype"] = tensor.dtype
    return entry


def _text(data: Any, indent: str = "") -> str:
    """JSON with one line for each shape."""
    if isinstance(data, dict):
        inner = indent + "  "
        parts = [f"{inner}{json.dumps(k)}: {_text(v, inner)}" for k, v in data.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return "[" + ", ".join(_text(v, indent) for v in data) + "]"
    return json.dumps(data)
