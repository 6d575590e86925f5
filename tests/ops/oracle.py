"""The oracle of shape rules: the real operator on CPU tensors.

A test writes a call once, with :class:`T` for tensors and :class:`S` for size arguments, their
sizes given as numbers or as expressions over named sizes (``"h"``, ``H // 2``). :func:`agree` then

1. runs the real operator at sizes ``env`` and at sizes ``other``,
2. runs the rule on integers at both: same shapes and dtypes, or both refuse,
3. runs the rule ONCE on symbols, at the hint ``env``, collecting claims and branches. At every
   point where the branches go the same way, the claims must hold iff the real operator accepts,
   and the formulas must give its shapes,
4. runs the rule on symbols at both, with and without memory: what it asked and returned once has to
   be what it asks and returns again.

``@covers(op, ...)`` lists the operators that a test is about; a registered operator that no test
covers fails ``test_every_rule_has_an_oracle``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import torch

from archlint.ops.registry import RULES, NoRule, Refused, RefusedCall, TensorSpec
from archlint.ops.rule_answers import NotRemembered, computed, remembered
from archlint.ops.shapes.strides import DeferredStrides, settled_strides
from archlint.symbolic import Expr, Size, evaluate, symbol
from archlint.symbolic.formula import Bool, holds
from archlint.symbolic.intervals import Box

COVERED: set[Callable[..., Any]] = set()
REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, ZeroDivisionError, AssertionError)


def covers(*functions: Callable[..., Any]) -> Callable[[Any], Any]:
    """Declare that a test checks these operators against the real ones."""
    COVERED.update(functions)
    return lambda test: test


class T:
    """A tensor of the call. ``dims``: ints, names or expressions. ``perm`` permutes a contiguous
    tensor of the permuted-back shape, so that the result has ``dims`` but is strided. ``part``: of
    a tensor that is so many times as large in its innermost dimension, the first part.
    ``fill`` is an int or a function (shape -> tensor) for the values."""

    def __init__(
        self,
        *dims: int | str | Expr,
        dtype: torch.dtype = torch.float32,
        perm: tuple[int, ...] | None = None,
        part: int = 1,
        fill: Any = None,
        values: Any = None,
    ) -> None:
        self.dims = tuple(symbol(d) if isinstance(d, str) else d for d in dims)
        self.part = part
        self.dtype, self.perm, self.fill, self.values = dtype, perm, fill, values

    def real(self, env: Mapping[str, int]) -> torch.Tensor:
        shape = tuple(evaluate(d, env) for d in self.dims)
        if self.fill is not None and callable(self.fill):
            return self.fill(shape)
        order = self.perm or tuple(range(len(shape)))
        back = [0] * len(order)
        for i, p in enumerate(order):
            back[p] = i
        inner = [shape[b] for b in back]
        large = (*inner[:-1], inner[-1] * self.part) if inner else ()
        base = torch.full(large, self.fill or 0, dtype=self.dtype)
        return (base[..., : inner[-1]] if inner else base).permute(order)

    def spec(self, env: Mapping[str, int] | None) -> TensorSpec:
        def size(d: Size) -> Size:
            return d if env is None else evaluate(d, env)

        dims = tuple(map(size, self.dims))
        strides = None
        if self.perm is not None or self.part != 1:
            order = self.perm or tuple(range(len(dims)))
            back = [0] * len(dims)
            for i, p in enumerate(order):
                back[p] = i
            inner = [dims[b] for b in back]
            if inner:
                inner[-1] = inner[-1] * self.part
            steps: list[Size] = [1] * len(dims)
            for i in range(len(dims) - 2, -1, -1):
                steps[i] = steps[i + 1] * inner[i + 1]
            strides = tuple(steps[p] for p in order)
        values = self.values
        if isinstance(values, tuple):
            values = tuple(v if v is None else size(v) for v in values)
        return TensorSpec(dims, self.dtype, strides, values, torch.device("cpu"))


class S:
    """A size argument of the call: a name or an expression."""

    def __init__(self, size: str | Expr | int) -> None:
        self.size = symbol(size) if isinstance(size, str) else size


def _build(value: Any, tensor: Callable[[T], Any], size: Callable[[Size], Any]) -> Any:
    if isinstance(value, T):
        return tensor(value)
    if isinstance(value, S):
        return size(value.size)
    if isinstance(value, (list, tuple)):
        return type(value)(_build(v, tensor, size) for v in value)
    if isinstance(value, slice):
        return slice(*(_build(v, tensor, size) for v in (value.start, value.stop, value.step)))
    return value


class HintPath:
    """A path of concrete sizes that records its claims and branches in order."""

    def __init__(self, env: Mapping[str, int], box: Box | None = None) -> None:
        self.env = env
        self.box = box or Box({})
        self.events: list[tuple[str, Bool, bool]] = []
        self.caveats: list[str] = []

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        text.format(*sizes)  # a message must be printable
        held = holds(formula, self.env)
        self.events.append(("claim", formula, held))
        if not held:
            raise RefusedCall(text.format(*sizes))

    def branch(self, formula: Bool) -> bool:
        taken = holds(formula, self.env)
        self.events.append(("branch", formula, taken))
        return taken

    def known(self, formula: Bool) -> bool | None:
        return self.box.decide(formula)

    def unproved(self, text: str) -> None:
        self.caveats.append(text)

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        raise NoRule("depends on values: tests/ops/values/test_int_ranges.py")

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        raise NoRule("depends on values: tests/ops/values/test_int_ranges.py")

    def unknown_outcome(self, text: str) -> NoReturn:
        raise NoRule(text)


def _settled(path: HintPath, rule: Any, args: Any, kwargs: Any, layout: bool) -> Any:
    """The result of the rule, with ``layout`` its deferred strides settled."""

    def settle(value: Any) -> Any:
        if isinstance(value, TensorSpec):
            strides = settled_strides(path, value)
            return value.like(value.dims, strides=strides, values=value.values)
        return type(value)(map(settle, value)) if type(value) in (list, tuple) else value

    result = rule(path, *args, **kwargs)
    return settle(result) if layout else result


def _shapes(result: Any, env: Mapping[str, int]) -> Any:
    if isinstance(result, torch.Tensor):
        return (tuple(result.shape), result.dtype)
    if isinstance(result, TensorSpec):
        return (tuple(evaluate(d, env) for d in result.dims), result.dtype)
    if isinstance(result, (list, tuple)):
        return [_shapes(r, env) for r in result]
    if isinstance(result, Expr):
        return evaluate(result, env)
    return result


def _leaves(result: Any) -> list[Any]:
    if isinstance(result, (list, tuple)):
        return list(itertools.chain.from_iterable(map(_leaves, result)))
    return [result]


def _layout(spec: TensorSpec, real: torch.Tensor, env: Mapping[str, int]) -> None:
    if real.numel() == 0:
        return
    if spec.strides is None:
        assert real.is_contiguous(), f"contiguous by the rule, strides are {real.stride()}"
        return
    ours = [evaluate(s, env) for s in spec.strides]
    for n, a, b in zip(real.shape, ours, real.stride(), strict=True):
        assert n == 1 or a == b, f"strides {ours}, real {real.stride()} for {tuple(real.shape)}"


def real_call(
    function: Callable[..., Any], args: Any, kwargs: Any, env: Mapping[str, int]
) -> tuple[Any, Exception | None]:
    """The real operator's result at ``env``, or what it raised."""
    a, k = _build((args, tuple(kwargs.items())), lambda t: t.real(env), lambda s: evaluate(s, env))
    try:
        return function(*a, **dict(k)), None
    except REFUSALS as e:
        return None, e


def agree(
    function: Callable[..., Any],
    *args: Any,
    env: Mapping[str, int],
    other: Mapping[str, int] | None = None,
    layout: bool = False,
    box: Box | None = None,
    may_lack_rule: bool = False,
    **kwargs: Any,
) -> None:
    """Check one call of ``function`` as described at the top of this module.

    ``layout`` compares strides too. ``box`` is what the path knows of the sizes beforehand.
    ``may_lack_rule`` accepts :class:`NoRule` (the kernel would answer).
    """
    rule = RULES[function]
    points = [env] if other is None else [env, other]
    reals = [real_call(function, args, kwargs, p) for p in points]
    for point, (real, error) in zip(points, reals, strict=True):
        a, k = _build(
            (args, tuple(kwargs.items())),
            lambda t, at=point: t.spec(at),
            lambda s, at=point: evaluate(s, at),
        )
        where = f"{function} on integers {args} {kwargs} at {dict(point)}"
        try:
            ours = _settled(HintPath(point), rule, a, dict(k), layout)
        except NoRule:
            assert may_lack_rule, f"no rule: {where}"
            return
        except Refused as e:
            refused = f"rule refuses ({e}), operator accepts: {where}"
            if error is None:
                raise AssertionError(refused) from e
            continue
        assert error is None, f"rule accepts, operator refuses ({error}): {where}"
        _compare(ours, real, point, layout, where)
    path = HintPath(env, box)
    a, k = _build((args, tuple(kwargs.items())), lambda t: t.spec(None), lambda s: s)
    symbolic: Any = None
    try:
        symbolic = _settled(path, rule, a, dict(k), layout)
    except NoRule:
        assert may_lack_rule, f"no rule on symbols: {function} {args} {kwargs}"
        return
    except Refused:
        pass
    _agrees_with_its_memory(rule, a, dict(k), points, box)
    for point, (real, error) in zip(points, reals, strict=True):
        where = f"{function} on symbols traced at {dict(env)}, {args} {kwargs}, at {dict(point)}"
        verdict = None
        for kind, formula, held in path.events:
            if holds(formula, point) != held or (kind == "claim" and not held):
                verdict = kind
                break
        if verdict == "branch":
            continue  # a point of another path
        if verdict == "claim" and not holds(formula, point):
            assert error is not None, f"claim {formula} fails, operator accepts: {where}"
            continue
        if verdict == "claim":
            continue  # the path was refused at env; this point needs a path of its own
        assert error is None, f"all claims hold, operator refuses ({error}): {where}"
        _compare(symbolic, real, point, layout, where)


def _agrees_with_its_memory(
    rule: Any, args: Any, settings: Any, points: list[Mapping[str, int]], box: Box | None
) -> None:
    key = object()

    def remember(path: HintPath, *args: Any, **settings: Any) -> Any:
        try:
            return remembered(key, path)
        except NotRemembered:
            path.events.clear()
            return computed(key, rule, path, args, settings)

    for point in (*points, points[0]):
        plain, path = HintPath(point, box), HintPath(point, box)
        wanted, got = (_end(r, p, args, settings) for r, p in ((rule, plain), (remember, path)))
        assert got == wanted, f"{rule} remembers {got}, gives {wanted}"
        asked = [e for e in plain.events if not isinstance(e[1], bool)]
        assert [e for e in path.events if not isinstance(e[1], bool)] == asked


def _end(rule: Any, path: HintPath, args: Any, settings: Any) -> Any:
    try:
        return _described(rule(path, *args, **settings))
    except (NoRule, Refused) as e:
        return repr(e)


def _described(result: Any) -> Any:
    if isinstance(result, TensorSpec):
        facts = {name: getattr(result, name) for name in TensorSpec.__slots__}
        if isinstance(result.strides, DeferredStrides):  # of which no two are equal
            facts["strides"] = tuple(result.strides)
        return facts
    if isinstance(result, (list, tuple)):
        return [_described(part) for part in result]
    return result


def _compare(ours: Any, real: Any, env: Mapping[str, int], layout: bool, where: str) -> None:
    mine, theirs = _shapes(ours, env), _shapes(real, env)
    if isinstance(mine, tuple) != isinstance(theirs, tuple):
        theirs = list(theirs) if isinstance(theirs, (list, tuple)) else theirs
    assert mine == theirs, f"rule gives {mine}, operator {theirs}: {where}"
    for spec, tensor in zip(_leaves(ours), _leaves(real), strict=True):
        if not isinstance(spec, TensorSpec):
            continue
        if layout:
            _layout(spec, tensor, env)
        if isinstance(spec.values, tuple) and tensor.numel() and not tensor.is_floating_point():
            low, high = spec.values
            least, most = int(tensor.min()), int(tensor.max())
            assert low is None or evaluate(low, env) <= least, f"values below {low}: {where}"
            assert high is None or evaluate(high, env) >= most, f"values above {high}: {where}"
