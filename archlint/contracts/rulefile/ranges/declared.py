"""Declared ranges of input sizes: what a profile of a deployment tool states for each tensor."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archlint.errors import Location, Mistake, RuleFileError


@dataclass(frozen=True)
class Span:
    """The sizes of one dimension: ``low``, ``low + step``, … up to ``high`` (``None``: no end).

    ``opt``: the size that the tool optimizes for, if it states one. ``name``: the variable that the
    size is ``factor * name + offset`` of, empty without one; dimensions of one variable depend on
    each other.
    """

    low: int
    high: int | None
    opt: int | None = None
    step: int = 1
    name: str = ""
    factor: int = 1
    offset: int = 0

    @classmethod
    def fixed(cls, size: int) -> Span:
        """One size only."""
        return cls(size, size, size)

    @property
    def is_fixed(self) -> bool:
        return self.low == self.high

    def __contains__(self, size: int) -> bool:
        inside = self.low <= size and (self.high is None or size <= self.high)
        return inside and (size - self.low) % self.step == 0

    def of_variable(self, name: str) -> str:
        """``2*h+1``: what the size is of the variable ``name``."""
        factor = f"{self.factor}*" if self.factor != 1 else ""
        return f"{factor}{name}" + (f"{self.offset:+}" if self.offset else "")

    def bounds_text(self) -> str:
        """``min=32, max=1024``, as arguments in Python."""
        return f"min={self.low}" + ("" if self.high is None else f", max={self.high}")

    @property
    def typical(self) -> int:
        """The size to optimize for: ``opt``, else that of an example."""
        return self.example if self.opt is None else self.opt

    @property
    def example(self) -> int:
        """``opt``, or the smallest size.

        If possible, the variable that it is a multiple of is at least 2: traces fix 0 and 1.
        """
        derived = (self.factor, self.offset) != (1, 0)
        unit, start = (self.factor, self.offset) if derived else (self.step, self.low % self.step)
        size = self.low if self.opt is None else self.opt
        while (size - start) // unit < 2 and (self.high is None or size + self.step <= self.high):
            size += self.step
        return size


@dataclass(frozen=True)
class DeclaredTensor:
    """One input tensor: its name, the spans of its dimensions and where they stand.

    ``spans`` is ``None`` where the tool accepts any shape. ``dtype`` as in a rule file; empty where
    the form has none. ``partial``: dimension to span, where the form names only some dimensions
    and not their number; ``spans`` is then ``None``. ``shapes``: where the form lists shapes.
    """

    name: str
    spans: tuple[Span, ...] | None
    where: Location
    dtype: str = ""
    partial: tuple[tuple[int, Span], ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Profile:
    """Ranges that hold together: one optimization profile, or the inputs of one model."""

    form: str
    tensors: tuple[DeclaredTensor, ...]
    where: Location


_SHORT = {
    "half": "float16", "fp16": "float16", "float": "float32", "fp32": "float32",
    "bf16": "bfloat16", "long": "int64", "int": "int32",
}  # fmt: skip


def linear_name(text: str) -> tuple[int, str, int]:
    """``2*h + 1`` as factor, name and offset; any other text is a name without spaces."""
    words = text.replace(" ", "")
    match = re.fullmatch(r"(?:(\d+)\*)?([^\W\d]\w*?)([+-]\d+)?", words)
    return (int(match[1] or 1), match[2], int(match[3] or 0)) if match else (1, words, 0)


def dtype_of(word: str) -> str:
    """The dtype of a rule file that a word means, such as ``FP16``; else the word."""
    return _SHORT.get(word.lower(), word)


def mistake(
    file: str, line: int, found: str, expected: str, source: str = "", column: int = 0
) -> RuleFileError:
    """The error of a file that does not declare what its form requires.

    ``source`` is the line's text, ``column`` by default that of its first word.
    """
    column = column or len(source) - len(source.lstrip()) + 1
    return RuleFileError([Mistake(Location(file, line, column), found, expected, source.rstrip())])


def box(
    name: str,
    sizes: Mapping[str, Sequence[int]],
    where: Location,
    dtype: str = "",
) -> DeclaredTensor:
    """A tensor from its ``min``, ``opt`` and ``max`` shapes.

    Raises:
        RuleFileError: the shapes have different numbers of sizes, or are not in order.
    """
    low, opt, high = sizes["min"], sizes.get("opt", ()), sizes["max"]
    if len(low) != len(high) or (opt and len(opt) != len(low)):
        ranks = ", ".join(f"{k} {len(v)}" for k, v in sizes.items())
        raise mistake(where.file, where.line, f"found shapes of {name} with different numbers of "
                      f"sizes ({ranks})", "min, opt and max of one length")  # fmt: skip
    spans = []
    for i, (least, most) in enumerate(zip(low, high, strict=True)):
        best = opt[i] if opt else None
        if least < 0 or least > most or (best is not None and not least <= best <= most):
            shown = f"{least}, {best}, {most}" if best is not None else f"{least}, {most}"
            raise mistake(where.file, where.line, f"found the sizes {shown} for dimension {i} of "
                          f"{name}", "min <= opt <= max, each at least 0")  # fmt: skip
        spans.append(Span(least, most, best))
    return DeclaredTensor(name, tuple(spans), where, dtype)
