"""Input and output shapes of a contract, however nested, and the sizes that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archlint.contracts.contract import Input, Output, TensorInput, TensorOutput, Wildcard
from archlint.contracts.rulefile.grammar import symbols_of
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.phrase_parser import parse_shape, parse_size
from archlint.contracts.rulefile.tensor_schema import is_tensor_entry
from archlint.contracts.rulefile.yaml_source import Place
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import PhraseError
from archlint.symbolic import Size


def read_input(
    notes: MistakeCollector, place: Place, value: object, symbols: set[str]
) -> Input | None:
    """The input at ``place``, its symbols added; ``None`` if it has mistakes."""
    if isinstance(value, dict) and not is_tensor_entry(value):
        parts = {k: read_input(notes, (*place, k), v, symbols) for k, v in value.items()}
        good = {k: p for k, p in parts.items() if p is not None}
        return good if value and len(good) == len(parts) else None
    if isinstance(value, list):
        items = [read_input(notes, (*place, i), v, symbols) for i, v in enumerate(value)]
        known = [p for p in items if p is not None]
        return known if value and len(known) == len(items) else None
    details: dict[str, Any] = value if isinstance(value, dict) else {}
    shape = details.get("shape") if details else value
    text = _words(shape)
    if not text:
        return None
    at = (*place, "shape") if details else place
    try:
        dims = tuple(d for d in parse_shape(text) if not isinstance(d, Wildcard))
    except PhraseError as error:
        notes.add_phrase(at, text, error)
        return None
    symbols.update(symbols_of(text))
    dtype = str(details.get("dtype", "float32"))
    below = _words(details.get("below"))
    limit: Size | None = None
    if below:
        try:
            limit = parse_size(below)
        except PhraseError as error:
            notes.add_phrase((*place, "below"), below, error)
        if not dtype.startswith(("int", "uint")):
            expected = "an integer dtype, such as int64"
            notes.add((*place, "below"), f"found below for {dtype}", expected, key=True)
    return TensorInput(dims, dtype, limit, text)


def read_output(notes: MistakeCollector, place: Place, value: object) -> Output | None:
    if isinstance(value, dict):
        fields = {k: read_output(notes, (*place, k), v) for k, v in value.items()}
        return {k: p for k, p in fields.items() if p is not None}
    if isinstance(value, list):
        items = [read_output(notes, (*place, i), v) for i, v in enumerate(value)]
        return [p for p in items if p is not None]
    text = _words(value)
    if not text:
        return None
    try:
        return TensorOutput(tuple(parse_shape(text, wildcards=True)), text)
    except PhraseError as error:
        notes.add_phrase(place, text, error)
        return None


def check_symbols(
    notes: MistakeCollector, place: Place, entry: dict[str, Any], symbols: set[str]
) -> None:
    """Refuse a size that the input does not have, in the promise, the output or a bound."""
    leaves = [
        leaf
        for key in ("accepts", "rejects", "output", "input")
        for leaf in _leaves((*place, key), entry.get(key))
        if key != "input" or leaf[0][-1] == "below"
    ]
    known = sorted(symbols)
    expected = f"one of {', '.join(known)}" if known else "a number: the input names no sizes"
    for at, value in leaves:
        text = _words(value)
        for name, column in symbols_of(text).items() if at not in notes.invalid_phrases else ():
            if name not in symbols:
                found = f"found {name!r}, which the input does not have"
                found += did_you_mean(name, known)
                notes.add_in_text(at, text, column, found, expected)


def _words(value: object) -> str:
    """A phrase as text; YAML reads a shape of one number as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _leaves(place: Place, value: object) -> Iterator[tuple[Place, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves((*place, key), child)
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from _leaves((*place, i), child)
    else:
        yield place, value
