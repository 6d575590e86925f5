"""Reads the nested input and output shapes of a contract and checks the sizes they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.contract import Input, Output, TensorInput, TensorOutput, Wildcard
from archlint.contracts.rulefile.grammar import symbols_of
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.phrase_parser import NO_BOUNDS, parse_shape, parse_size
from archlint.contracts.rulefile.tensor_schema import DTYPES, is_list_of_sizes, is_tensor_entry
from archlint.contracts.rulefile.yaml_source import Place, scalars
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import PhraseError
from archlint.symbolic import Size
from archlint.symbolic.intervals import Interval


def read_input(
    collector: MistakeCollector, place: Place, value: object, symbols: set[str]
) -> Input | None:
    """Parse the input at ``place`` and add its size names to ``symbols``; ``None`` on a mistake.

    A list of single sizes is one shape: ``[N, 3, H, W]`` is ``N 3 H W``.
    """
    if isinstance(value, dict) and not is_tensor_entry(value):
        parts = {k: read_input(collector, (*place, k), v, symbols) for k, v in value.items()}
        good = {k: p for k, p in parts.items() if p is not None}
        return good if value and len(good) == len(parts) else None
    if isinstance(value, list) and not is_list_of_sizes(value):
        items = [read_input(collector, (*place, i), v, symbols) for i, v in enumerate(value)]
        known = [p for p in items if p is not None]
        return known if value and len(known) == len(items) else None
    details: dict[str, Any] = value if isinstance(value, dict) else {}
    shape = details.get("shape") if details else value
    at = (*place, "shape") if details else place
    dims = _dims(collector, at, shape, symbols)
    if dims is None:
        return None
    dtype = str(details.get("dtype", "float32"))
    below = _text_of(details.get("below"))
    limit: Size | None = None
    if below:
        try:
            limit = parse_size(below)
        except PhraseError as error:
            collector.add_phrase((*place, "below"), below, error)
        if not dtype.startswith(("int", "uint")):
            expected = "an integer dtype, such as int64"
            collector.add(
                (*place, "below"), f"found 'below' for a {dtype} tensor", expected, key=True
            )
    return TensorInput(dims, dtype, limit, _text_of(shape))


def _dims(
    collector: MistakeCollector, place: Place, shape: object, symbols: set[str]
) -> tuple[Size, ...] | None:
    """The sizes of a shape, ``N 3 H W`` or ``[N, 3, H, W]``; ``None`` on a mistake."""
    if isinstance(shape, list):
        parts = [_dims(collector, (*place, i), size, symbols) for i, size in enumerate(shape)]
        known = [size for part in parts for size in part or ()]
        return tuple(known) if all(parts) else None
    text = _text_of(shape)
    if not text:
        return None
    try:
        dims = tuple(d for d in parse_shape(text) if not isinstance(d, Wildcard))
    except PhraseError as error:
        collector.add_phrase(place, text, error)
        return None
    names = symbols_of(text)
    for name in names.keys() & set(DTYPES):
        found = f"found the dtype {name} among the sizes"
        sizes = " ".join(word for word in text.split() if word != name)
        expected = f"{{shape: {sizes}, dtype: {name}}}"
        collector.add_in_text(place, text, names[name], found, expected)
        return None
    if "None" in names:
        expected = "the name of a size; leave out an argument that is None"
        collector.add_in_text(place, text, names["None"], "found None among the sizes", expected)
        return None
    symbols.update(names)
    return dims


def read_output(
    collector: MistakeCollector,
    place: Place,
    value: object,
    bounds: Mapping[str, Interval] = NO_BOUNDS,
) -> Output | None:
    """Parse the output at ``place``; parts with mistakes are left out.

    ``bounds`` are those of the contract's sizes: no divisor may be 0 there.
    """
    if isinstance(value, dict):
        fields = {k: read_output(collector, (*place, k), v, bounds) for k, v in value.items()}
        return {k: p for k, p in fields.items() if p is not None}
    if isinstance(value, list):
        items = [read_output(collector, (*place, i), v, bounds) for i, v in enumerate(value)]
        return [p for p in items if p is not None]
    text = _text_of(value)
    if not text:
        return None
    try:
        return TensorOutput(tuple(parse_shape(text, wildcards=True, bounds=bounds)), text)
    except PhraseError as error:
        collector.add_phrase(place, text, error)
        return None


def check_symbols(
    collector: MistakeCollector, place: Place, entry: dict[str, Any], symbols: set[str]
) -> None:
    """Report size names in accepts, rejects, output and below that the input does not have."""
    leaves = [
        leaf
        for key in ("accepts", "rejects", "output", "input")
        if key != "accepts" or isinstance(entry.get(key), str)
        for leaf in scalars(entry.get(key), (*place, key))
        if key != "input" or leaf[0][-1] == "below"
    ]
    known = sorted(symbols)
    expected = f"one of {', '.join(known)}" if known else "a number: the input has no named sizes"
    for at, value in leaves:
        text = _text_of(value)
        for name, column in symbols_of(text).items() if at not in collector.invalid_phrases else ():
            if name not in symbols:
                found = f"found {name!r}, which is not a size of the input"
                found += did_you_mean(name, known)
                collector.add_in_text(at, text, column, found, expected)


def _text_of(value: object) -> str:
    """A shape or size as text; YAML reads a shape of one number as an int."""
    if isinstance(value, list) and is_list_of_sizes(value):
        return " ".join(map(_text_of, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
