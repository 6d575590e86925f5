"""torch.export with dynamic dims: exported for the whole range means yes, refused means no."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from archlint.symbolic import Expr, Size

from .answer import Answer
from .case import Case, Point, Range
from .truth import matches, run

_REFUSALS = ("UserError", "ConstraintViolationError", "GuardOnDataDependentSymNode")
_EXAMPLE = {"N": 3, "H": 224, "W": 256, "A": 192, "B": 160, "T": 480, "S": 240, "F": 64}


def ask(case: Case, model: nn.Module, deferred: bool = False) -> Answer:
    """Its answer to an ``accepts: any``; it has no words for the other kinds."""
    if case.kind != "any" or case.also:
        return Answer(None, "cannot be asked")
    dims = {name: _dim(name, r) for name, r in case.ranges.items()}
    example = {name: r.near(_EXAMPLE[name]) for name, r in case.ranges.items()}
    try:
        asked = tuple(
            {i: d for i, s in enumerate(shape) if (d := _dynamic(s, dims)) is not None}
            for shape in case.dims().values()
        )
    except ValueError as e:
        return Answer(None, f"cannot be asked: {e}")
    try:
        program = torch.export.export(
            model,
            _inputs(case, example),
            dynamic_shapes=asked,
            prefer_deferred_runtime_asserts_over_guards=deferred,
        )
    except Exception as e:
        return _failed(e, case, model, example)
    return _read(case, program, asked)


def ask_deferred(case: Case, model: nn.Module) -> Answer:
    """With ``prefer_deferred_runtime_asserts_over_guards``."""
    return ask(case, model, deferred=True)


def ask_oblivious(case: Case, model: nn.Module) -> Answer:
    """With ``backed_size_oblivious``: sizes are not compared with 0 and 1."""
    from torch.fx.experimental import _config

    with _config.patch(backed_size_oblivious=True):
        return ask(case, model)


def ask_spec(case: Case, model: nn.Module) -> Answer:
    """With a ``ShapesSpec``: ranges and multiples that are to be valid, or the export fails."""
    from torch.fx.experimental.dynamic_spec import ShapesSpec, ShapeVar, TensorSpec

    if case.kind != "any" or case.also:
        return Answer(None, "cannot be asked")
    variables = {
        name: None if r.low == r.high else ShapeVar(name, min=r.low, max=r.high)
        for name, r in case.ranges.items()
    }
    example = {name: r.near(_EXAMPLE[name]) for name, r in case.ranges.items()}
    assumptions = [v % r.step == r.low % r.step for v, r in zip(variables.values(),
                   case.ranges.values(), strict=True) if r.step > 1]  # fmt: skip
    asked, sizes = [], []
    for shape, known in zip(case.dims().values(), case.shapes(example).values(), strict=True):
        dims = [_dynamic(s, variables) for s in shape]
        asked.append({i: d for i, d in enumerate(dims) if d is not None})
        sizes.append(TensorSpec([k if d is None else d for d, k in zip(dims, known, strict=True)]))
    names = list(inspect.signature(model.forward).parameters)[: len(sizes)]
    try:
        program = torch.export.export(
            model, _inputs(case, example), strict=True,
            dynamic_shapes=ShapesSpec(dict(zip(names, sizes, strict=True)),
                                      assumptions=assumptions),
        )  # fmt: skip
    except Exception as e:
        return _failed(e, case, model, example)
    return _read(case, program, tuple(asked))


def _inputs(case: Case, example: Point) -> tuple[torch.Tensor, ...]:
    return tuple(
        torch.zeros(shape, dtype=torch.int64) if name in case.below else torch.randn(shape)
        for name, shape in case.shapes(example).items()
    )


def _failed(error: Exception, case: Case, model: nn.Module, example: Point) -> Answer:
    kind = type(error).__name__
    if any(c.__name__ in _REFUSALS for c in type(error).__mro__):
        return Answer(False, "refuses")
    if run(case, model, example) is None:  # then its user sees the model's own error
        return Answer(False, f"the model fails at the example, {example}")
    return Answer(None, f"raises {kind}")


def _dim(name: str, r: Range) -> Any:
    """A Dim, a multiple of one, or None where there is one value only."""
    if r.high == r.low:
        return None
    if r.low % r.step:
        raise ValueError("a residue")
    high = None if r.high is None else r.high // r.step
    dim = torch.export.Dim(name, min=r.low // r.step, max=high)
    return r.step * dim if r.step > 1 else dim


def _dynamic(size: Size, dims: Mapping[str, Any]) -> Any:
    """The size over the Dims: ``2*H``; None for a number."""
    if not isinstance(size, Expr):
        return None
    (name,) = size.symbols()
    factor = size.evaluate({name: 1})
    dim = dims[name]
    return dim if factor == 1 or dim is None else factor * dim


def _read(case: Case, program: Any, asked: tuple[dict[int, Any], ...]) -> Answer:
    """Whether the program is for all that was asked, and says the output that was promised."""
    vals = [n.meta["val"] for n in program.graph.nodes if n.op == "placeholder"]
    user = program.graph_signature.user_inputs
    names = [n.name for n in program.graph.nodes if n.op == "placeholder"]
    images = [vals[names.index(u)] for u in user]
    for shape, image in zip(asked, images, strict=True):
        for place in shape:
            if isinstance(image.shape[place], int):
                return Answer(False, f"makes size {place} the constant {image.shape[place]}")
    asserts = sum("_assert_scalar" in str(n.target) for n in program.graph.nodes)
    note = f", with {asserts} asserts at run time" if asserts else ""
    for point in case.points(12, seed=2):
        values = _values(case, images, point)
        for symbol, value in values.items():
            bound = program.range_constraints.get(symbol)
            if bound is not None and not (bound.lower <= value <= bound.upper):
                return Answer(False, f"narrows to {bound}{note}")
        if case.output is not None and not matches(case.output, _output(program, values), point):
            return Answer(False, f"says another output{note}")
    return Answer(True, f"exports{note}")


def _values(case: Case, images: list[Any], point: Point) -> dict[Any, int]:
    """What each symbol of the program stands for at these sizes."""
    values = {}
    for image, shape in zip(images, case.shapes(point).values(), strict=True):
        for symbolic, size in zip(image.shape, shape, strict=True):
            if isinstance(symbolic, int):
                continue
            expr = symbolic.node.expr
            for symbol in expr.free_symbols:
                coefficient = expr.coeff(symbol)
                values[symbol] = int((size - expr.subs(symbol, 0)) // coefficient)
    return values


def _output(program: Any, values: Mapping[Any, int]) -> object:
    """The output's shapes at these sizes, nested as the model nests them."""
    (node,) = (n for n in program.graph.nodes if n.op == "output")
    flat = [tuple(_number(s, values) for s in v.meta["val"].shape) for v in node.args[0]]
    return torch.utils._pytree.tree_unflatten(flat, program.call_spec.out_spec)


def _number(size: Any, values: Mapping[Any, int]) -> int:
    return size if isinstance(size, int) else int(size.node.expr.subs(values))
