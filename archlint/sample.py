"""The real model at chosen sizes: what it answers, to hold against what was decided."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archlint.bounds import Box
from archlint.contract import Input, TensorInput
from archlint.dims import evaluate
from archlint.formula import Bool, holds
from archlint.frames import first_line, user_line
from archlint.keep import keep, keep_world
from archlint.structure import structure

Sizes = dict[str, int]

_CLASSES = 16  # residue classes tried per modulus
_GRID = 1500  # points of the region looked at, smallest first, when choosing
_LOOKED_AT = 6 * _GRID  # points in all, those outside the region included
_SPAN = 64  # how far above its smallest value a random size goes, at least


@dataclass(frozen=True)
class Outcome:
    """What the real model did at ``sizes``.

    ``accepted`` is ``None`` when the run says nothing about the sizes (memory, device, a kernel
    that this machine lacks); ``error`` is then the reason. ``output`` are nested lists and dicts
    of shapes. ``error`` is ``Type: first line``, ``source`` the user's ``file:line`` that raised.
    """

    sizes: Sizes
    accepted: bool | None
    output: Any = None
    error: str = ""
    source: str = ""
    said: str = ""  # what the model printed


# -- where to run -------------------------------------------------------------------------------


def choose_sizes(
    symbols: Sequence[str],
    region: Bool,
    box: Box,
    moduli: Mapping[str, set[int]],
    count: int,
    seed: int = 0,
    points: Iterable[Mapping[str, int]] = (),
) -> list[Sizes]:
    """At most ``count`` different points of ``region``, the same for the same arguments.

    In this order: the given ``points``, the smallest corner, points that between them have every
    residue of each symbol's ``moduli`` (up to 16 each, small points first), the largest corner
    where the box has one, random points. About a fifth of the points are random.
    """
    wanted = _Chosen(symbols, region, count)
    for point in points:
        wanted.add(point)
    if region is False or not symbols:
        if not symbols:
            wanted.add({})
        return wanted.points
    values = {s: _values(box, s, moduli.get(s, set())) for s in symbols}
    grid = list(_inside(symbols, values, region))
    if grid:
        wanted.add(grid[0])
    fifth = count // 5
    for point in _covering(grid, moduli, count - len(wanted.points) - fifth):
        wanted.add(point)
    high = {s: box.ranges.get(s, (1, None))[1] for s in symbols}
    if None not in high.values():
        wanted.add({s: h for s, h in high.items() if h is not None})
    draw = random.Random(seed)
    for _ in range(200 * count):
        if len(wanted.points) >= count:
            break
        wanted.add(_random_point(draw, symbols, values, box, wanted.points))
    for point in grid:
        wanted.add(point)
    return wanted.points


class _Chosen:
    """Points of the region, each once, at most ``count``."""

    def __init__(self, symbols: Sequence[str], region: Bool, count: int) -> None:
        self.points: list[Sizes] = []
        self._symbols, self._region, self._count = symbols, region, count
        self._seen: set[tuple[int, ...]] = set()

    def add(self, point: Mapping[str, int]) -> None:
        if len(self.points) >= self._count or any(s not in point for s in self._symbols):
            return
        key = tuple(point[s] for s in self._symbols)
        if key not in self._seen and _holds(self._region, point):
            self._seen.add(key)
            self.points.append(dict(zip(self._symbols, key, strict=True)))


def _holds(region: Bool, point: Mapping[str, int]) -> bool:
    try:
        return holds(region, point)
    except ZeroDivisionError:
        return False


def _values(box: Box, symbol: str, moduli: set[int]) -> list[int]:
    """Small values of one symbol: from its smallest on, and around multiples of its moduli."""
    low, high = box.ranges.get(symbol, (1, None))
    low = 1 if low is None else low
    found = {low, low + 1, low + 2}
    for m in moduli:
        first = -(-low // m) * m  # the first multiple
        found.update((first, first + m, first + 2 * m, first + 1, first + m - 1))
        found.update(low + r for r in range(min(m, _CLASSES)))
    return sorted(v for v in found if high is None or v <= high)


def _inside(
    symbols: Sequence[str], values: Mapping[str, list[int]], region: Bool
) -> Iterator[Sizes]:
    """Points of the grid that lie in the region, by growing total rank of their values."""
    ranks = [range(len(values[s])) for s in symbols]
    found = 0
    looked = 0
    for total in range(sum(max(len(r) - 1, 0) for r in ranks) + 1):
        for rank in _summing(ranks, total):
            point = {s: values[s][i] for s, i in zip(symbols, rank, strict=True)}
            looked += 1
            if _holds(region, point):
                found += 1
                yield point
            if found >= _GRID or looked >= _LOOKED_AT:
                return


def _summing(ranks: Sequence[range], total: int) -> Iterator[tuple[int, ...]]:
    if not ranks:
        if total == 0:
            yield ()
        return
    for first in ranks[0]:
        if first > total:
            return
        for rest in _summing(ranks[1:], total - first):
            yield (first, *rest)


def _covering(grid: list[Sizes], moduli: Mapping[str, set[int]], count: int) -> Iterator[Sizes]:
    """Points whose residues no earlier one had: always the one with most, of those the first."""
    classes = [
        frozenset((s, m, point[s] % m) for s, ms in moduli.items() if s in point for m in ms)
        for point in grid
    ]
    covered: set[tuple[str, int, int]] = set(classes[0]) if classes else set()
    for _ in range(count):
        best = max(range(len(grid)), key=lambda i: len(classes[i] - covered), default=None)
        if best is None or not classes[best] - covered:
            return
        covered |= classes[best]
        yield grid[best]


def _random_point(
    draw: random.Random,
    symbols: Sequence[str],
    values: Mapping[str, list[int]],
    box: Box,
    points: list[Sizes],
) -> Sizes:
    base = draw.choice(points) if points else {}
    point: Sizes = {}
    for s in symbols:
        low, high = box.ranges.get(s, (1, None))
        low = 1 if low is None else low
        most = low + max(_SPAN, 2 * (values[s][-1] - low)) if values[s] else low
        how = draw.random()
        if how < 0.2 and s in base:
            point[s] = base[s]
        elif how < 0.4 and values[s]:
            point[s] = draw.choice(values[s])
        elif how < 0.5 and point:  # regions such as H == W
            point[s] = draw.choice(list(point.values()))
        else:  # the smaller of two draws: small runs are cheap
            bound = most if high is None else min(most, high)
            point[s] = min(draw.randint(low, max(low, bound)) for _ in range(2))
    return point


# -- running ------------------------------------------------------------------------------------


def run_at(
    model: nn.Module,
    input: Input,
    sizes: Mapping[str, int],
    memory: int = 4 << 30,
    device: str = "cpu",
) -> Outcome:
    """Run ``model`` once; it and the world are afterwards as before.

    Values are random, the same at every call; integers are below their bound, or 0 without one.
    ``memory`` bounds the bytes of the inputs (what the activations take is the caller's to
    estimate). ``device`` may be "meta". ``KeyboardInterrupt`` passes.
    """
    where = dict(sizes)
    needed = _bytes(input, where)
    if needed > memory:
        return Outcome(where, None, error=f"the input alone takes {needed >> 20} MiB")
    with keep_world() as said, keep(model):
        try:
            output = _run(model, input, where, device)
        except (Exception, SystemExit) as e:
            text = type(e).__name__ + (f": {first_line(e)}" if first_line(e) else "")
            reason = _says_nothing(e)
            accepted = None if reason else False
            text = f"{reason} ({text})" if reason else text
            return Outcome(where, accepted, None, text, user_line(e) or "", said.text)
    return Outcome(where, True, output, said=said.text)


def _run(model: nn.Module, input: Input, sizes: Sizes, device: str) -> Any:
    torch.manual_seed(0)
    made = build_input(input, sizes, device)
    # A default device is a TorchFunctionMode, which turns the fast path of attention layers off.
    elsewhere = device != "cpu" or torch.get_default_device().type != "cpu"
    with torch.no_grad(), torch.device(device) if elsewhere else nullcontext():
        output = model(**made) if isinstance(made, dict) else model(made)
    return structure(output, lambda t: tuple(t.shape), lambda v: isinstance(v, Tensor))


def build_input(input: Input, sizes: Mapping[str, int], device: str = "cpu") -> Any:
    """The tensors of ``input`` at ``sizes``: one, or nested lists and dicts of them."""
    draw = torch.Generator().manual_seed(0)

    def build(part: Input) -> Any:
        if isinstance(part, list):
            return [build(p) for p in part]
        if isinstance(part, dict):
            return {name: build(p) for name, p in part.items()}
        return _tensor(part, sizes, device, draw)

    return build(input)


def _tensor(
    part: TensorInput, sizes: Mapping[str, int], device: str, draw: torch.Generator
) -> Tensor:
    shape = [evaluate(d, sizes) for d in part.dims]
    dtype: torch.dtype = getattr(torch, part.dtype)
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        plain = dtype if dtype in (torch.float32, torch.float64) else torch.float32
        return torch.randn(shape, generator=draw, dtype=plain).mul_(0.1).to(device, dtype)
    if dtype.is_complex:
        parts = torch.randn([*shape, 2], generator=draw).mul_(0.1)
        return torch.view_as_complex(parts).to(device, dtype)
    if dtype is torch.bool:
        return torch.randint(0, 2, shape, generator=draw).to(device, dtype)
    below = 1 if part.below is None else max(evaluate(part.below, sizes), 1)
    most = torch.iinfo(dtype).max
    return torch.randint(0, min(below, most), shape, generator=draw).to(device, dtype)


def _bytes(input: Input, sizes: Mapping[str, int]) -> int:
    if isinstance(input, TensorInput):
        elements = 1
        for d in input.dims:
            elements *= evaluate(d, sizes)
        return elements * int(getattr(torch, input.dtype).itemsize)
    return sum(_bytes(p, sizes) for p in (input.values() if isinstance(input, dict) else input))


_NO_MEMORY = re.compile(
    r"not enough memory|can't allocate|out of memory|DefaultCPUAllocator|"
    r"Storage size calculation overflowed|numel: integer multiplication overflow",
    re.IGNORECASE,
)
_NO_DEVICE = re.compile(
    r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver|CUDA (driver|error)|"
    r"from the '(CUDA|Meta|QuantizedCUDA|MPS|XPU)' backend|"
    r"not linked with support for \w+ devices|Attempting to deserialize object on a CUDA",
    re.IGNORECASE,
)
_NO_VALUES = re.compile(
    r"Cannot copy out of meta tensor|(on|for|with) meta tensors?\b|\bmeta device\b|"
    r"devices?\b.*\bmeta\b|\bmeta\b.*\bdevices?\b|data-dependent",
    re.IGNORECASE,
)
_NO_KERNEL = re.compile(r"not implemented for '(Half|BFloat16|Float8\w*|ComplexHalf)'")


def _says_nothing(error: BaseException) -> str:
    """Why a failed run is no answer about the sizes; empty if it is one."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "not enough memory"
    if not isinstance(error, (RuntimeError, AssertionError)):
        return ""
    text = str(error)
    if _NO_MEMORY.search(text):
        return "not enough memory"
    if _NO_DEVICE.search(text):
        return "it needs a device that is not here"
    if _NO_VALUES.search(text):
        return "it needs values, and ran without"
    return "this machine has no such kernel" if _NO_KERNEL.search(text) else ""
