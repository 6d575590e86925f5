"""As :mod:`.reach`, of operators that move elements: subscripts, joins, permutations, shuffles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archlint.ops.read_positions import SAME, Along, Reach, nearest, slid, slide
from archlint.ops.registry import NoRule


def cat(result: Any, tensors: Any, dim: Any = 0, **_: Any) -> Reach:
    at = dim % result.ndim
    return {
        (0, i): {d: (d, None if d == at else SAME) for d in range(t.ndim)}
        for i, t in enumerate(tensors)
        if t.ndim == result.ndim
    }


def stacked(result: Any, tensors: Any, dim: Any = 0) -> Reach:
    at = dim % result.ndim
    return {
        (0, i): {d + (d >= at): (d, SAME) for d in range(t.ndim)} for i, t in enumerate(tensors)
    }


def reshaped(result: Any, input: Any, *_: Any, **__: Any) -> Reach:
    """All elements in their order, in other dimensions: these are found from the sizes."""
    raise NoRule("a reshape, whose dimensions follow from sizes")


def permuted(result: Any, input: Any, *dims: Any, **named: Any) -> Reach:
    order = named.get("dims", dims)
    order = order[0] if len(order) == 1 and isinstance(order[0], (tuple, list)) else order
    return {0: {i: (d % input.ndim, SAME) for i, d in enumerate(order)}}


def swapped(result: Any, input: Any, dim0: Any = -2, dim1: Any = -1) -> Reach:
    order = list(range(input.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return {0: {i: (d, SAME) for i, d in enumerate(order)}}


def pieces(result: Any, input: Any, size: Any, dim: Any = 0) -> Reach:
    at = dim % input.ndim
    return {0: {d: (d, None if d == at else SAME) for d in range(input.ndim)}}


def unbound(result: Any, input: Any, dim: Any = 0, *_: Any) -> Reach:
    at = dim % input.ndim
    along: Along = {d - (d > at): (d, SAME) for d in range(input.ndim) if d != at}
    return {0: along | {-1: (at, None)}}


def subscript(result: Any, input: Any, index: Any) -> Reach:
    items = list(index) if isinstance(index, tuple) else [index]
    spoken = sum(i is not None and i is not ... for i in items)
    if ... in [i for i in items if i is None or i is ...]:
        at = next(k for k, i in enumerate(items) if i is ...)
        items[at : at + 1] = [slice(None)] * (input.ndim - spoken)
    else:
        items += [slice(None)] * (input.ndim - spoken)
    along: Along = {}
    out = place = 0
    for item in items:
        if item is None:
            out += 1
        elif isinstance(item, slice):
            start, step = item.start or 0, item.step or 1
            if item == slice(None):
                along[out] = (place, SAME)
                out, place = out + 1, place + 1
                continue
            sure = type(start) is int and start >= 0 and type(step) is int and step > 0
            crops = start != 0 or item.stop is not None
            taps = replace(slide(1, step, -start, 1), crops=crops) if sure else None
            along[out] = (place, taps)
            out, place = out + 1, place + 1
        elif type(item) is int:
            along[-1 - place] = (place, None)
            place += 1
        else:
            raise NoRule("a subscript by tensors")
    return {0: along}


def shuffled(result: Any, input: Any, factor: Any) -> Reach:
    channels, taps = result.ndim - 3, nearest(1, factor)
    return {0: slid(result, 2, [taps, taps]) | {channels: (channels, None)}}


def unshuffled(result: Any, input: Any, factor: Any) -> Reach:
    channels, taps = result.ndim - 3, slide(factor, factor, 0, 1)
    return {0: slid(result, 2, [taps, taps]) | {channels: (channels, None)}}
