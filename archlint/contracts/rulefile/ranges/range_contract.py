"""A declared profile as a contract: its input, and ``accepts`` as a phrase."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import leaves
from archlint.contracts.rulefile.grammar import RESERVED
from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span
from archlint.errors import ArchlintError
from archlint.symbolic import Size

_LETTERS = {1: "N", 2: "NT", 3: "NTC", 4: "NCHW", 5: "NCTHW"}
"""Names of dimensions that have none, by the number of dimensions."""


@dataclass(frozen=True)
class RangeContract:
    """A profile in the words of a rule file.

    ``input``: the value of that key. ``accepts``: a clause such as ``any N in 1..64``. ``opt``: the
    sizes to optimize for, by name. ``tensors``: for each argument, the tensor of the profile.
    ``steps``: the multiples of sizes, by name.
    """

    input: object
    accepts: str
    opt: dict[str, int]
    tensors: dict[str, str]
    steps: dict[str, int]


def contract_of_profile(profile: Profile, input: Input | None = None) -> RangeContract:
    """The contract that a model accepts all sizes of a profile.

    ``input``: the input in the names of the contract; its tensors are matched with those of the
    profile by name, else by order. Without it, dimensions get the names that the profile has, or
    N, C, H, W; unnamed dimensions of the same position and range in several tensors are one size.

    Raises:
        ArchlintError: the input does not fit the profile, or the profile lacks the number of
            dimensions.
    """
    if input is None:
        for tensor in profile.tensors:
            if tensor.spans is None:
                raise ArchlintError(
                    f"{tensor.where}: the number of sizes of {tensor.name} is not stated here; "
                    "state the input, as in --input 'N 3 H W'"
                )
        shapes, ranges = _named(profile.tensors)
    else:
        shapes, ranges = {}, []
    words: object
    if input is not None:
        words, tensors = None, {}
        for name, part, tensor in _matched(profile, input):
            ranges += _fitted(name, part, tensor)
            tensors[name] = tensor.name
    else:
        tensors = {t.name: t.name for t in profile.tensors}
        entries = {
            t.name: {"shape": shapes[t.name], "dtype": t.dtype} if t.dtype else shapes[t.name]
            for t in profile.tensors
        }
        words = next(iter(entries.values())) if len(entries) == 1 else entries
    conditions = _conditions(ranges)
    conditions += _listed(profile, shapes, input)
    accepts = f"any {' and '.join(conditions)}" if conditions else "any size"
    opt = {n: s.opt for n, s in ranges if n.isidentifier() and s.opt is not None}
    steps = {text: span.step for text, span in ranges if text.isidentifier() and span.step > 1}
    return RangeContract(words, accepts, opt, tensors, steps)


def _named(
    tensors: Sequence[DeclaredTensor],
) -> tuple[dict[str, str], list[tuple[str, Span]]]:
    """A shape for each tensor, and the span of each of its sizes that is not fixed."""
    names: dict[tuple[object, ...], str] = {}
    plain = {s.name for t in tensors for s in t.spans or () if s.name and s.factor == 1}
    used: set[str] = set()
    shapes: dict[str, str] = {}
    ranges: list[tuple[str, Span]] = []
    for tensor in tensors:
        spans = tensor.spans or ()
        letters = _LETTERS.get(len(spans), "")
        sizes = []
        own: set[tuple[object, ...]] = set()
        for i, span in enumerate(spans):
            if span.is_fixed:
                sizes.append(str(span.low))
                continue
            key: tuple[object, ...] = (i, span.low, span.high, span.opt, span.step)
            derived = span.name in plain and (span.factor != 1 or span.offset != 0)
            if derived:
                sizes.append(span.of_variable(_identifier(span.name)))
                ranges.append((sizes[-1], span))
                continue
            if span.name:
                key = (span.name, span.factor, span.offset)
            if key not in names or (not span.name and key in own):
                wanted = _identifier(span.name) if span.name else (
                    letters[i] if letters else f"D{i}")  # fmt: skip
                names[key] = _free(wanted, used)
            own.add(key)
            sizes.append(names[key])
            ranges.append((names[key], span))
        shapes[tensor.name] = " ".join(sizes)
    return shapes, ranges


def _identifier(name: str) -> str:
    word = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "d"
    word = word if not word[0].isdigit() else f"d{word}"
    return f"{word}_" if word.lower() in RESERVED else word


def _free(wanted: str, used: set[str]) -> str:
    name, number = wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}{number}"
    used.add(name)
    return name


def _matched(profile: Profile, input: Input) -> list[tuple[str, TensorInput, DeclaredTensor]]:
    parts = list(leaves(input))
    by_name = {t.name: t for t in profile.tensors}
    if all(name in by_name for name, _ in parts):
        return [(name, part, by_name[name]) for name, part in parts]
    if len(parts) != len(profile.tensors):
        raise ArchlintError(
            f"{profile.where}: the profile is about {', '.join(by_name)}, and the input about "
            f"{', '.join(name or 'one tensor' for name, _ in parts)}; expected the same names, or "
            "one tensor for each"
        )
    return [(n, p, t) for (n, p), t in zip(parts, profile.tensors, strict=True)]


def _fitted(name: str, part: TensorInput, tensor: DeclaredTensor) -> list[tuple[str, Span]]:
    """The span of each size of an argument, by the size's text."""
    spans = dict(enumerate(tensor.spans)) if tensor.spans is not None else dict(tensor.partial)
    if tensor.spans is not None and len(part.dims) != len(spans):
        raise ArchlintError(
            f"{tensor.where}: {tensor.name} has {len(spans)} sizes, and the input "
            f"{part.text!r} has {len(part.dims)}"
        )
    fitted = []
    for i, size in enumerate(part.dims):
        span = spans.get(i if i in spans else i - len(part.dims))
        if span is None:
            continue
        if isinstance(size, int):
            if size not in span:
                raise ArchlintError(
                    f"{tensor.where}: size {i} of {tensor.name} is {_range(span)}, and the input "
                    f"{part.text!r} has {size} there"
                )
            continue
        fitted.append((str(size).replace(" ", ""), span))
    return fitted


def phrase(ranges: Sequence[tuple[str, Span]]) -> str:
    """The condition that each size is in its span; ``any size`` without a condition."""
    return " and ".join(_conditions(ranges)) or "any size"


def _conditions(ranges: Sequence[tuple[str, Span]]) -> list[str]:
    """The conditions of a phrase; sizes of the same range stand together: ``H, W in 32..64``.

    ``H % 32, W % 32 == 0`` has the remainder of each.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for text, span in ranges:
        for remainder, condition in _of_span(span):
            names = groups.setdefault((remainder, condition), [])
            size = f"({text})" if remainder and not text.isidentifier() else text
            if size + remainder not in names:
                names.append(size + remainder)
    return [f"{', '.join(names)} {condition}" for (_, condition), names in groups.items()]


def _of_span(span: Span) -> Iterator[tuple[str, str]]:
    """What stands behind a size, as `` % 32``, and what is said of it."""
    if span.is_fixed:
        yield "", f"== {span.low}"
    elif span.high is None:
        yield "", f">= {span.low}"
        if span.step > 1:
            yield f" % {span.step}", f"== {span.low % span.step}"
    else:
        last = span.high - (span.high - span.low) % span.step
        yield "", f"in {span.low}..{last}" + (f" step {span.step}" if span.step > 1 else "")


def _range(span: Span) -> str:
    return next(iter(_of_span(span)))[1].removeprefix("in ").removeprefix("== ")


def _listed(profile: Profile, shapes: dict[str, str], input: Input | None) -> Iterator[str]:
    """The conditions that the sizes of tensors are those of one of their listed shapes."""
    matched = [(part, t) for _, part, t in _matched(profile, input)] if input is not None else [
        (None, t) for t in profile.tensors]  # fmt: skip
    for part, tensor in matched:
        sizes: Sequence[Size | str] = part.dims if part else shapes[tensor.name].split()
        points = dict.fromkeys(
            tuple((str(s), n) for s, n in zip(sizes, shape, strict=True)
                  if not isinstance(s, int) and not str(s).isdigit())
            for shape in tensor.shapes
        )  # fmt: skip
        if any(points):
            yield f"({_points(list(points))})"


def _points(points: Sequence[tuple[tuple[str, int], ...]]) -> str:
    """Points as a condition, those that only differ in the last size together."""
    rows: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for point in points:
        rows.setdefault(point[:-1], []).append(point[-1][1])
    last = points[0][-1][0]
    alike: dict[tuple[int, ...], list[tuple[tuple[str, int], ...]]] = {}
    for row, values in rows.items():
        alike.setdefault(tuple(sorted(set(values))), []).append(row)
    parts = []
    for chosen, heads in alike.items():
        within = f"{last} {_choice(chosen)}"
        parts.append(f"{_points(heads)} and {within}" if heads[0] else within)
    return " or ".join(parts) if len(parts) == 1 else " or ".join(f"({p})" for p in parts)


def _choice(values: tuple[int, ...]) -> str:
    steps = {b - a for a, b in itertools.pairwise(values)}
    if len(values) == 1:
        return f"== {values[0]}"
    if len(values) > 2 and len(steps) == 1:
        return f"in {values[0]}..{values[-1]} step {steps.pop()}"
    return "in {" + ", ".join(map(str, values)) + "}"
