"""How several shapes become one: PyTorch's broadcasting, exact for the sizes 0 and 1 too."""

from __future__ import annotations

from archlint.ops.registry import Path, refuse
from archlint.symbolic import Expr, Size
from archlint.symbolic.formula import disj, eq

Dims = tuple[Size, ...]
TEXT = "sizes {} and {} at dimension %d equal, or one of them 1"


def broadcast(path: Path, *shapes: Dims) -> Dims:
    """The common shape. Claims that each pair of aligned sizes is equal or has a 1."""
    result = shapes[0]
    for dims in shapes[1:]:
        if dims != result:
            result = _pair(path, result, dims)
    return result


def _pair(path: Path, left: Dims, right: Dims) -> Dims:
    ndim = max(len(left), len(right))
    a = (1,) * (ndim - len(left)) + left
    b = (1,) * (ndim - len(right)) + right
    result: list[Size] = [0] * ndim
    for k in range(ndim - 1, -1, -1):  # PyTorch names the last dimension that does not fit
        result[k] = _size(path, a[k], b[k], k)
    return tuple(result)


def _size(path: Path, a: Size, b: Size, k: int) -> Size:
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    both, a_one, b_one = eq(a, b), eq(a, 1), eq(b, 1)
    if path.known(both):
        return _simpler(a, b)
    if getattr(path, "ignores_claims", False):  # the size of the input, not that of a weight
        path.claim(disj(both, a_one, b_one), TEXT % k, a, b)
        return a if isinstance(a, Expr) else b
    if path.known(a_one) is False:
        path.claim(disj(both, b_one), TEXT % k, a, b)
        return a
    if path.known(b_one) is False:
        path.claim(disj(both, a_one), TEXT % k, a, b)
        return b
    path.claim(disj(both, a_one, b_one), TEXT % k, a, b)
    if path.branch(both):
        return _simpler(a, b)
    return b if path.branch(a_one) else a


def _simpler(a: Size, b: Size) -> Size:
    """One of two equal sizes: a number if there is one, else the shorter formula."""
    if isinstance(a, Expr) and (isinstance(b, int) or len(str(b)) < len(str(a))):
        return b
    return a


def broadcast_onto(path: Path, dims: Dims, target: Dims, text: str = TEXT) -> None:
    """Claim that ``dims`` expands to ``target`` (what an in-place operator or ``expand`` needs).

    ``text`` holds ``{}`` for the two sizes and ``%d`` for the dimension of ``target``.
    """
    extra = len(target) - len(dims)
    if extra < 0:
        refuse(path, f"at most {len(target)} dimensions to broadcast, gets {len(dims)}")
    for k in range(len(dims) - 1, -1, -1):
        a, b = dims[k], target[k + extra]
        if a != b and a != 1:
            path.claim(disj(eq(a, b), eq(a, 1)), text % (k + extra), a, b)
