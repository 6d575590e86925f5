"""``torch.einsum``: sizes by letter, and the layout that its pairwise products leave."""

from __future__ import annotations

import string
from typing import Any, NoReturn

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes import type_promotion as promote
from archlint.ops.shapes.broadcast import broadcast
from archlint.ops.shapes.strides import (
    DeferredStrides,
    Strides,
    contiguous_strides,
    decide,
    deferred,
    elementwise_strides,
    known_strides,
    settled,
    settled_strides,
)
from archlint.ops.traits import View
from archlint.symbolic import Size, product
from archlint.symbolic.formula import disj, eq, ne

Labels = tuple[str, ...]  # one per dimension; those of an ellipsis are "...0" (the last), "...1"


def _flops(result: TensorSpec, *args: Any) -> Size:
    """Two for each element of a product and of the sizes that it sums, pair by pair from the left.

    A pair that sums nothing is multiplied elementwise, which counts nothing.
    """
    unused: Any = None  # as many operands as subscripts: the call was made
    inputs, output, operands = _parsed(unused, args)
    if len(operands) > 2 and _order_is_chosen():
        raise NoRule("einsum of more than two operands, in an order that opt_einsum chooses")
    dots = [
        max(o.ndim - len(t.replace("...", "")), 0) for t, o in zip(inputs, operands, strict=True)
    ]
    each = [_labels(t, d) for t, d in zip(inputs, dots, strict=True)]
    target = set(_target(unused, each, output, max(dots, default=0)))
    total: Size = 0
    left: dict[str, Size] = {}
    for i, (labels, operand) in enumerate(zip(each, operands, strict=True)):
        right = dict(zip(labels, operand.dims, strict=True))
        needed = target.union(*each[i + 1 :])
        both = [s for s in left if s in right and 1 not in (left[s], right[s])]
        summed = [s for s in both if s not in needed]
        sizes = left | {s: size for s, size in right.items() if left.get(s, 1) == 1}
        kept = {s: size for s, size in sizes.items() if s in needed}
        if summed:
            total = total + product((2, *kept.values(), *(sizes[s] for s in summed)))
        left = kept
    return total


@shape_rule(
    torch.functional.einsum,
    view=View.ALONE,
    raises=(RuntimeError,),
    flops=_flops,
    reads_settings=True,
)
def einsum(path: Path, *args: Any) -> TensorSpec:
    """Of more than two operands only where opt_einsum chooses the order of the products."""
    inputs, output, operands = _parsed(path, args)
    if any(type(o) is not TensorSpec for o in operands):
        raise NoRule("an operand that is not a tensor")
    if len(operands) > 2 and not _order_is_chosen():
        raise NoRule("more than two operands")
    subscripts = [_spread(path, t, o) for t, o in zip(inputs, operands, strict=True)]
    dots = max((sum(label.startswith("...") for label in s) for s in subscripts), default=0)
    target = _target(path, subscripts, output, dots)
    views = [_diagonal(path, s, o) for s, o in zip(subscripts, operands, strict=True)]
    if len(views) == 1:
        return _alone(path, *views[0], target)
    for operand in operands:
        if (
            len(views) < 3 or not operand.dtype.is_complex
        ):  # of two it matters how they lie in memory
            promote.same(path, "einsum", operand.dtype)
    if len(views) > 2:
        return _several(path, views, target)
    return _pair(path, views[0], views[1], target)


def _parsed(path: Path, args: tuple[Any, ...]) -> tuple[list[str], str | None, list[Any]]:
    if args and isinstance(args[0], str):
        operands = list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = list(operands[0])
        left, arrow, right = args[0].replace(" ", "").partition("->")
        inputs, output = left.split(","), right if arrow else None
    else:  # operand, [labels], operand, [labels], …, [labels of the output]
        count = len(args) // 2
        operands = list(args[0 : 2 * count : 2])
        inputs = [_letters(a) for a in args[1 : 2 * count : 2]]
        output = _letters(args[-1]) if len(args) % 2 else None
    if len(inputs) != len(operands):
        refuse(path, f"{len(inputs)} operands, one for each subscript, gets {len(operands)}")
    return inputs, output, operands


def _letters(sublist: Any) -> str:
    if not isinstance(sublist, (list, tuple)):
        raise NoRule(f"subscripts {sublist!r}")
    alphabet = string.ascii_uppercase + string.ascii_lowercase
    return "".join("..." if i is Ellipsis else alphabet[i] for i in sublist)


def _labels(text: str, dots: int) -> Labels:
    head, ellipsis, tail = text.partition("...")
    if not set(head + tail) <= set(string.ascii_letters):
        raise NoRule(f"subscripts {text!r}")
    middle = tuple(f"...{i}" for i in range(dots - 1, -1, -1)) if ellipsis else ()
    return (*head, *middle, *tail)


def _spread(path: Path, text: str, operand: TensorSpec) -> Labels:
    named = len(text.replace("...", ""))
    labels = _labels(text, max(operand.ndim - named, 0))
    path.claim(
        len(labels) == operand.ndim, f"{named} dimensions for {text!r}, gets {{}}", operand.ndim
    )
    return labels


def _target(path: Path, subscripts: list[Labels], output: str | None, dots: int) -> Labels:
    every = [label for labels in subscripts for label in labels]
    if output is not None:
        target = _labels(output, dots)
        if len(set(target)) < len(target) or not set(target) <= set(every):
            refuse(path, f"output subscripts that occur once, and in an operand, gets {output!r}")
        return target
    once = sorted(s for s in set(every) if every.count(s) == 1 and not s.startswith("..."))
    return (*_labels("...", dots), *once)


def _diagonal(path: Path, labels: Labels, operand: TensorSpec) -> tuple[Labels, TensorSpec]:
    """A repeated letter takes the diagonal, whose step is the sum of the steps."""
    if len(set(labels)) == len(labels):
        return labels, operand
    operand = settled(path, operand)
    sizes: dict[str, Size] = {}
    steps: dict[str, Size] = {}
    for label, size, step in zip(labels, operand.dims, known_strides(operand), strict=True):
        if label in sizes:
            have = sizes[label]
            path.claim(eq(have, size), f"sizes {{}} and {{}} of repeated {label} equal", have, size)
        sizes.setdefault(label, size)
        steps[label] = steps.get(label, 0) + step
    diagonal = operand.like(tuple(sizes.values()), strides=tuple(steps.values()))
    return tuple(sizes), diagonal


def arranged(labels: Labels, operand: TensorSpec, order: Labels) -> TensorSpec:
    """The operand as a view with its dimensions in ``order``; size 1 for those it lacks."""
    own = dict(zip(labels, zip(operand.dims, known_strides(operand), strict=True), strict=True))
    dims = tuple(own[s][0] if s in own else 1 for s in order)
    strides = tuple(own[s][1] if s in own else 0 for s in order)
    return operand.like(dims, strides=None if strides == contiguous_strides(dims) else strides)


def _alone(path: Path, labels: Labels, operand: TensorSpec, target: Labels) -> TensorSpec:
    view = arranged(labels, settled(path, operand), target)
    if set(target) == set(labels):
        return view
    return operand.like(view.dims, promote.summed(path, "einsum", operand.dtype))


def _order_is_chosen() -> bool:
    return torch.backends.opt_einsum.is_available() and bool(torch.backends.opt_einsum.enabled)


def _several(path: Path, views: list[tuple[Labels, TensorSpec]], target: Labels) -> TensorSpec:
    sizes: dict[str, Size] = {}
    first = views[0][1]
    for labels, operand in views:
        if operand.dtype is not first.dtype or operand.dtype is torch.bool:
            raise NoRule("mixed dtypes, or bool")
        for label, size in zip(labels, operand.dims, strict=True):
            have = sizes.setdefault(label, size)
            if have != size:
                (sizes[label],) = broadcast(path, (have,), (size,))
    dims = tuple(sizes[s] for s in target)
    return first.like(dims, strides=_open_strides(dims))


def _open_strides(dims: tuple[Size, ...]) -> DeferredStrides:
    """A layout that is not known; nothing can be known about what depends on it."""

    def settle(path: Path) -> NoReturn:
        path.unknown_outcome("opt_einsum chooses the memory layout of the result of einsum")

    return DeferredStrides.of(contiguous_strides(dims), settle, [])


def _pair(
    path: Path, a: tuple[Labels, TensorSpec], b: tuple[Labels, TensorSpec], target: Labels
) -> TensorSpec:
    left = dict(zip(a[0], a[1].dims, strict=True))
    right = dict(zip(b[0], b[1].dims, strict=True))
    sizes = {**left, **right}
    for label in sizes:
        if label in left and label in right:
            m, n = left[label], right[label]
            if m != n:
                (sizes[label],) = broadcast(path, (m,), (n,))
                for mine, other in ((left, n), (right, m)):
                    if not decide(path, eq(mine[label], other)) and decide(
                        path, eq(mine[label], 1)
                    ):
                        del mine[label]
    dims = tuple(sizes[s] for s in target)
    contracted = [s for s in sizes if s not in target and s in left and s in right]
    lone = set(sizes) - set(target) - set(contracted)
    if a[1].dtype is not b[1].dtype or (contracted and a[1].dtype is torch.bool):
        raise NoRule("mixed dtypes, or bool")
    several = disj(*(ne(sizes[s], 1) for s in contracted))
    if contracted and path.known(several):

        def multiplied(path: Path) -> Strides | None:
            return _product_strides(path, left, right, sizes, target)

        return a[1].like(dims, strides=deferred(path, dims, [], multiplied))
    if lone:
        raise NoRule("a plain product with sums")

    def laid_out(path: Path) -> Strides | None:
        views = [arranged(labels, settled(path, operand), target) for labels, operand in (a, b)]
        plain = elementwise_strides(path, views, dims)
        if contracted:
            product = _product_strides(path, left, right, sizes, target)
            if product != plain and decide(path, several):
                plain = product
        return settled_strides(path, a[1].like(dims, strides=plain))

    return a[1].like(dims, strides=deferred(path, dims, [a[1], b[1]], laid_out))


def _product_strides(
    path: Path,
    left: dict[str, Size],
    right: dict[str, Size],
    sizes: dict[str, Size],
    target: Labels,
) -> tuple[Size, ...] | None:
    """The batched matrix product makes [shared, left's, right's]; the output is a view of it."""
    both = [s for s in target if s in left and s in right]
    mine = [s for s in target if s in left and s not in right]
    yours = [s for s in target if s not in left]
    swapped = mine and yours and _SWAPS and _right_is_first(path, mine, yours, sizes, target)
    made = (*both, *yours, *mine) if swapped else (*both, *mine, *yours)
    inner = contiguous_strides(tuple(sizes[s] for s in made))
    strides = tuple(inner[made.index(s)] for s in target)
    return None if strides == contiguous_strides(tuple(sizes[s] for s in target)) else strides


def _swaps_operands() -> bool:
    """Whether this version of PyTorch multiplies the right operand with the left one if it can."""
    left, right = (torch.empty(n, 3, device="cpu") for n in (2, 4))
    return torch.einsum("ab,cb->ca", left, right).is_contiguous()


_SWAPS = _swaps_operands()  # measured, once


def _right_is_first(
    path: Path, mine: list[str], yours: list[str], sizes: dict[str, Size], target: Labels
) -> bool:
    """Whether the right operand's dimensions precede the left one's in the output.

    A dimension of size 1 counts as the right one's, wherever it is from.
    """
    last = max(map(target.index, yours))
    if not all(decide(path, eq(sizes[s], 1)) for s in target[:last] if s in mine):
        return False
    rest = target[last + 1 :]
    left_follows = False
    for at, label in enumerate(rest):
        if left_follows:
            if decide(path, eq(sizes[label], 1)):
                return False
        elif label in mine:  # where the last one is of size 1, either order lies alike
            left_follows = at == len(rest) - 1 or not decide(path, eq(sizes[label], 1))
    return left_follows
