"""The text of ``export-ranges``: proved boxes in the form of a deployment tool, with comments."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from archlint.contracts.accepted_set import input_text
from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import leaves
from archlint.contracts.region import input_symbols
from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span
from archlint.contracts.rulefile.ranges.forms import (
    CHECK,
    ONE_PROFILE,
    WITH_ARGUMENTS,
    WITHOUT_INFINITY,
    WITHOUT_STEPS,
    WRITERS,
    Writer,
)
from archlint.contracts.rulefile.ranges.range_contract import phrase
from archlint.errors import ArchlintError, Location
from archlint.symbolic import Expr, Size, Symbol

_NOWHERE = Location("", 1)


def exported(
    boxes: Mapping[str, Any],
    input: Input,
    form: str,
    model: str,
    options: str = "",
    write: Writer | None = None,
) -> tuple[str, str]:
    """The file's text, and its comments, which are part of the text unless the form has none.

    ``boxes`` is as :func:`archlint.engine.infer.export_boxes.boxes_of` returns it; ``model`` is the
    target and ``options`` are further ones of the command that the file says to be written by.
    ``write``: how the form is written, where there are several.

    Raises:
        ArchlintError: the form cannot state the ranges: one has no end, or a size is not linear.
    """
    kind = "plain" if form in WITHOUT_STEPS else "steps"
    pieces = _spans(boxes, kind)
    lost = boxes[kind]["lost"]
    if form in ONE_PROFILE and len(pieces) > 1:
        lost = " or ".join(f"({phrase(list(p.items()))})" for p in pieces[1:])
        pieces = pieces[:1]
    open_ = {n for p in pieces for n, s in p.items() if s.high is None}
    endless = [n for n in input_symbols(input) if n in open_] or sorted(open_)
    if endless and form in WITHOUT_INFINITY:
        raise ArchlintError(
            f"{form} needs an upper bound for {', '.join(endless)}: add --within, as in --within "
            f"'{' and '.join(f'{n} <= {1024 if i else 16}' for i, n in enumerate(endless))}'"
        )
    if form in WITH_ARGUMENTS and not _is_flat(input):
        raise ArchlintError(f"{form} is not written for tensors in lists or mappings; wrap the "
                            "model so that each tensor is an argument")  # fmt: skip
    names = boxes["parameters"][:1] or ["input"]
    profiles = [_profile(input, piece, names[0], form) for piece in pieces]
    command = f"archlint export-ranges {model} --to {form}{options}"
    notes = _notes(boxes, kind, pieces, lost, form, command)
    notes += _dependent_sizes(input, form)
    notes.append(f"{CHECK} --model {model} --input {shlex.quote(input_text(input))}")
    comments = "".join(f"# {note}\n" for note in notes)
    text = (write or WRITERS[form])(profiles)
    return (text, comments) if form == "json" else (comments + text, comments)


def sizes_with_multiples(boxes: Mapping[str, Any]) -> str:
    """All boxes with their multiples in words: what code for torch.export allows."""
    return " or ".join(phrase(list(piece.items())) for piece in _spans(boxes, "steps"))


def _spans(boxes: Mapping[str, Any], kind: str) -> Sequence[dict[str, Span]]:
    return [{name: Span(**span) for name, span in box.items()} for box in boxes[kind]["boxes"]]


def _is_flat(input: Input) -> bool:
    parts = input.values() if isinstance(input, dict) else [input]
    return all(isinstance(part, TensorInput) for part in parts)


def _notes(
    boxes: Mapping[str, Any],
    kind: str,
    pieces: Sequence[dict[str, Span]],
    lost: str,
    form: str,
    command: str,
) -> list[str]:
    notes = [f"Written by {command}."]
    if boxes["accepts"]:
        how = "exactly" if boxes["exact"] else "at least"
        notes.append(f"The model accepts {how}: {boxes['accepts']}.")
    for number, piece in enumerate(pieces):
        what = "This file" if len(pieces) == 1 else f"Profile {number}"
        notes.append(f"{what} allows: {phrase(list(piece.items()))}.")
    if lost:
        box = "the largest box around opt" if boxes[kind]["largest"] else "a box around opt"
        notes.append(f"It is {box}. The model also accepts: {lost}.")
    stepped = boxes["steps"]["boxes"][0]
    steps = {n: Span(**s).step for n, s in stepped.items()}
    if kind == "plain" and max(steps.values(), default=1) > 1:
        spans = [(n, Span(**s)) for n, s in stepped.items()]
        notes.append(f"With multiples, which {form} cannot state: {phrase(spans)}.")
    if form == "triton":
        notes.append("Triton has no bounds for -1: check sizes before they are sent.")
    return notes


def _dependent_sizes(input: Input, form: str) -> list[str]:
    """A note if dimensions depend on each other and the form cannot state that."""
    if form in ("torch-export", "shapes-spec", "onnx", "json"):
        return []
    sizes = [d for _, t in leaves(input) for d in t.dims if not isinstance(d, int)]
    notes = []
    for symbol in sorted({s for d in sizes for s in d.symbols()}):
        own = [str(d) for d in sizes if symbol in d.symbols()]
        if len(own) > 1:
            notes.append(f"All sizes {', '.join(dict.fromkeys(own))} must have the same {symbol}, "
                         f"which {form} cannot state.")  # fmt: skip
    return notes


def _profile(input: Input, spans: Mapping[str, Span], first: str, form: str) -> Profile:
    tensors = []
    for name, part in leaves(input):
        dims = tuple(_dimension(d, spans) for d in part.dims)
        dtype = "" if part.dtype == "float32" else part.dtype
        tensors.append(DeclaredTensor(name or first, dims, _NOWHERE, dtype))
    return Profile(form, tuple(tensors), _NOWHERE)


def _dimension(size: Size, spans: Mapping[str, Span]) -> Span:
    """The span of a dimension, which is a number or a multiple of one size plus a number."""
    if isinstance(size, int):
        return Span.fixed(size)
    name, factor = _linear(size)
    span, offset = spans[name], size.const
    if (factor, offset) == (1, 0):
        return replace(span, name=name)
    if span.step > 1:
        raise ArchlintError(f"the size {size} of the input, with {name} a multiple of {span.step}, "
                            "cannot be written; use --input with a name for it")  # fmt: skip
    high = None if span.high is None else factor * span.high + offset
    opt = None if span.opt is None else factor * span.opt + offset
    return Span(factor * span.low + offset, high, opt, factor, name, factor, offset)


def _linear(size: Expr) -> tuple[str, int]:
    if len(size.terms) == 1:
        ((monomial, factor),) = size.terms
        if len(monomial) == 1 and isinstance(monomial[0], Symbol) and factor > 0:
            return monomial[0].name, factor
    raise ArchlintError(f"the size {size} of the input cannot be written as a range; use --input "
                        "with a name for it")  # fmt: skip
