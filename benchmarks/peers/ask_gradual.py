"""PyTorch's gradual tensor types (torch.fx.experimental.migrate_gradual_types), decided by Z3.

Its constraints say that some typing exists. The contract asks for all sizes, so this asks Z3 for a
size of the range for which none exists: the reading that is most to its credit.
"""

from __future__ import annotations

import warnings
from typing import Any

from torch import fx, nn

from archlint.symbolic import Expr, Size

from .answer import Answer
from .case import Case, parse

_MILLISECONDS = 10_000


def ask(case: Case, model: nn.Module) -> Answer:
    """Its answer to an ``accepts: any`` about one float tensor."""
    import z3
    from torch.fx.experimental.migrate_gradual_types.z3_types import D, tensor_type

    if case.kind != "any" or case.below or case.mode != "eval":
        return Answer(None, "cannot be asked")
    sizes = {name: z3.Int(f"size_{name}") for name in case.ranges}
    try:
        constraints, inputs, output = _constraints(model)
    except Exception as e:
        return Answer(None, f"raises {type(e).__name__}: {e}"[:90])
    tensors = {
        1: tensor_type.tensor1,
        2: tensor_type.tensor2,
        3: tensor_type.tensor3,
        4: tensor_type.tensor4,
    }

    def tensor(dims: tuple[Size, ...]) -> Any:
        return tensors[len(dims)](*(D(1, _size(d, sizes)) for d in dims))

    shapes = list(case.dims().values())
    promised = case.output if isinstance(case.output, str) else None
    if len(inputs) != len(shapes) or any(len(s) > 4 for s in shapes):
        return Answer(None, "has no type for this input")
    typed = z3.substitute(
        constraints, *((i, tensor(s)) for i, s in zip(inputs, shapes, strict=True))
    )
    if promised is not None:
        try:
            typed = z3.And(typed, output == tensor(parse(promised)))
        except ValueError as e:
            return Answer(None, f"cannot be asked: {e}")
    own = {str(s): s for s in sizes.values()}
    rest = [c for c in _constants(typed) if str(c) not in own]
    region = [_within(sizes[name], r) for name, r in case.ranges.items()]
    if case.also:
        region.append(sizes["H"] * sizes["W"] <= 4096)
    solver = z3.Solver()
    solver.set("timeout", _MILLISECONDS)
    solver.add(*region, z3.Not(z3.Exists(rest, typed) if rest else typed))
    found = str(solver.check())
    if found == "unknown":
        return Answer(None, "Z3 says unknown")
    return Answer(
        found == "unsat", "a typing for every size" if found == "unsat" else "a size without typing"
    )


def _constraints(model: nn.Module) -> tuple[Any, list[Any], Any]:
    """The formula, the inputs' variables and the output's."""
    import z3
    from torch.fx.experimental.migrate_gradual_types.constraint_generator import ConstraintGenerator
    from torch.fx.experimental.migrate_gradual_types.transform_to_z3 import (
        iterate_till_fixed_point,
        transform_to_z3,
    )
    from torch.fx.experimental.migrate_gradual_types.z3_types import tensor_type
    from torch.fx.tensor_type import Dyn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = fx.symbolic_trace(model)
    for node in traced.graph.nodes:
        node.type = Dyn
    generator = ConstraintGenerator(traced)
    constraints, counter = generator.generate_constraints(0)
    constraints, counter = iterate_till_fixed_point(constraints, counter)
    formula, _ = transform_to_z3(constraints, counter, {})
    nodes = list(traced.graph.nodes)
    names = {
        n: z3.Const(t.tvar, tensor_type)
        for n, t in generator.symbol_dict.items()
        if hasattr(t, "tvar")
    }
    inputs = [names[n] for n in nodes if n.op == "placeholder"]
    return formula, inputs, names[nodes[-1].args[0]]


def _within(size: Any, r: Any) -> Any:
    import z3

    bounds = [size >= r.low, (size - r.low) % r.step == 0]
    return z3.And(*bounds, size <= r.high) if r.high is not None else z3.And(*bounds)


def _size(size: Size, sizes: dict[str, Any]) -> Any:
    if not isinstance(size, Expr):
        return size
    names = size.symbols()
    if len(names) != 1 or str(size).count("//"):
        raise ValueError(f"the size {size}")
    (name,) = names
    return size.evaluate({name: 1}) * sizes[name]


def _constants(formula: Any) -> list[Any]:
    """The free constants of a formula."""
    import z3

    found: dict[int, Any] = {}
    seen: set[int] = set()
    todo = [formula]
    while todo:
        part = todo.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        if z3.is_const(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[part.get_id()] = part
        todo += part.children()
    return list(found.values())
