"""TorchScript, followed through its graph: each operator as a call of ``torch.ops``.

A traced or scripted module has no Python code, and neither has a scripted function. The graph, in
which the calls of submodules are inlined, consists of operators of ``aten``, which have shape rules
by :mod:`archlint.ops.overloads`, of arithmetic on sizes, and of branches and loops, which are those
of Python here.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import operator
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archlint.ops.registry import Refused
from archlint.runtime.user_frames import first_line, summary
from archlint.tracing.python.module_calls import (
    ModuleCall,
    replaced_module_call,
    replaced_script_call,
)
from archlint.tracing.run import TraceRun
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_DTYPES = (
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32,
    torch.float64, torch.complex32, torch.complex64, torch.complex128, torch.bool, torch.qint8,
    torch.quint8, torch.qint32, torch.bfloat16,
)  # fmt: skip
_NUMBERED: dict[str, tuple[Any, ...]] = {
    "dtype": _DTYPES,
    "layout": (torch.strided,),
    "memory_format": (
        torch.contiguous_format,
        torch.preserve_format,
        torch.channels_last,
        torch.channels_last_3d,
    ),
}
"""Arguments that TorchScript writes as numbers, by name: PyTorch's enumerations in ``c10``."""


def _same(value: Any, *_: Any) -> Any:
    return value


def _scaled(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda left, right, alpha=1: combine(left, right if alpha == 1 else right * alpha)


class _Message(str):
    """A text that states sizes, for a message: their values are not in it."""


def _text(pattern: str, written: Callable[..., str], values: tuple[Any, ...]) -> str:
    symbolic = any(isinstance(v, (_Message, *_SYMBOLIC)) for v in _flat(values))
    return _Message(pattern) if symbolic else written(*values)


_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)
_MESSAGES = ("aten::format", "aten::warn", "prim::Print", "prim::RaiseException", "aten::str")
_IMPLICIT = ("IntImplicit", "FloatImplicit", "ScalarImplicit")

_PLAIN: dict[str, Callable[..., Any]] = {
    "add": _scaled(operator.add),
    "sub": _scaled(operator.sub),
    "rsub": lambda left, right, alpha=1: right - left * alpha,
    "mul": operator.mul,
    "div": lambda left, right, rounding_mode=None: (
        left / right if rounding_mode is None else left // right
    ),
    "floordiv": operator.floordiv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "neg": operator.neg,
    "pow": operator.pow,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__not__": operator.not_,
    "__is__": operator.is_,
    "__isnot__": operator.is_not,
    "__contains__": operator.contains,
    "__getitem__": operator.getitem,
    "len": len,
    "list": list,
    "append": lambda entries, value: (entries.append(value), entries)[1],
    "slice": lambda entries, start, end, step: entries[start:end:step],
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "Int": lambda number: number if isinstance(number, torch.SymInt) else math.trunc(number),
    "Float": lambda number: number * 1.0,
    "Bool": bool,
    **dict.fromkeys(_IMPLICIT, _same),
    "format": lambda pattern, *values: _text(pattern, pattern.format, values),
    "str": lambda value: _text("{}", str, (value,)),
    "warn": lambda *_: None,
}
"""Operators of ``aten`` on numbers, texts and lists."""

_OF_LISTS = ("__getitem__", "add", "append", "len", "list", "slice")
"""Of these, operators on lists, also on lists of tensors."""

_PRIM: dict[str, Callable[..., Any]] = {
    "ListConstruct": lambda *values: list(values),
    "TupleConstruct": lambda *values: values,
    "TupleIndex": operator.getitem,
    "NumToTensor": _same,
    "unchecked_cast": _same,
    "unchecked_unwrap_optional": _same,
    "Uninitialized": lambda: None,
    "Print": lambda *_: None,
    "min": lambda *values: min(*values),
    "max": lambda *values: max(*values),
    "abs": abs,
    "dtype": lambda tensor: tensor.dtype,
    "device": lambda tensor: tensor.device,
    "layout": lambda tensor: tensor.layout,
    "requires_grad": lambda tensor: tensor.requires_grad,
    "is_cuda": lambda tensor: tensor.is_cuda,
}
"""Instructions of TorchScript without a block."""


@contextmanager
def torchscript_followed(kinds: Collection[type], run: TraceRun) -> Iterator[None]:
    """Follow calls of scripted functions, and of TorchScript modules, inside the block.

    ``kinds``: the classes of the model.
    """

    def wrap(original: ModuleCall) -> ModuleCall:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            is_script = isinstance(module, torch.jit.ScriptModule) and run.in_thread()
            if is_script and hasattr(module, "inlined_graph"):  # else its ``forward`` is Python
                return _followed(module, args, kwargs)
            return original(module, *args, **kwargs)

        return call

    def wrap_function(original: ModuleCall) -> ModuleCall:
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            followed = run.in_thread() and any(map(_is_symbolic, _flat((args, *kwargs.values()))))
            values = _bound(function, args, kwargs) if followed else None
            if values is None:
                return original(function, *args, **kwargs)
            return _result(function.inlined_graph, values)

        return call

    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced_script_call(wrap_function))
        if torch.jit.ScriptModule in kinds:
            stack.enter_context(replaced_module_call(wrap))
        yield


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, _SYMBOLIC) or type(value) is SymbolicTensor


def _bound(function: Any, args: Any, kwargs: Any) -> list[Any] | None:
    """The values of a scripted function's parameters; ``None`` if the call does not fit them."""
    parameters = function.schema.arguments
    names = [p.name for p in parameters]
    values = dict(zip(names, args, strict=False)) | kwargs
    if len(values) != len(args) + len(kwargs) or not values.keys() <= set(names):
        return None
    for parameter in parameters:
        if parameter.name not in values:
            if not parameter.has_default_value():
                return None
            values[parameter.name] = parameter.default_value
        elif str(parameter.type) == "float" and type(values[parameter.name]) is int:
            values[parameter.name] = float(values[parameter.name])
    return [values[name] for name in names]


def _result(graph: Any, inputs: Iterable[Any]) -> Any:
    values = {v.debugName(): a for v, a in zip(graph.inputs(), inputs, strict=True)}
    found = _block(graph.return_node().owningBlock(), values)
    return found[0] if len(found) == 1 else tuple(found)


def _followed(module: Any, args: Any, kwargs: Any) -> Any:
    graph: Any = module.inlined_graph
    names = [v.debugName().rpartition(".")[0] or v.debugName() for v in graph.inputs()][1:]
    given = list(args) + [kwargs[n] for n in names[len(args) :] if n in kwargs]
    values = {v.debugName(): a for v, a in zip(graph.inputs(), (module, *given), strict=False)}
    if len(values) != len(names) + 1 or len(given) != len(args) + len(kwargs):
        values = _with_defaults(module, graph, args, kwargs)
    found = _block(graph.return_node().owningBlock(), values)
    return found[0] if len(found) == 1 else tuple(found)


def _with_defaults(module: Any, graph: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except (TypeError, ValueError):
        raise UnknownOutcome("TorchScript: the arguments of a call are not followed") from None
    bound.apply_defaults()
    given = (module, *bound.arguments.values())
    return {v.debugName(): a for v, a in zip(graph.inputs(), given, strict=True)}


def _block(block: Any, values: dict[str, Any]) -> list[Any]:
    """The results of a block; ``values`` holds its inputs and receives all that it computes."""
    for node in block.nodes():
        kind = node.kind()
        made = _node(node, kind, [values[i.debugName()] for i in node.inputs()], values)
        outputs = list(node.outputs())
        results = [made] if len(outputs) == 1 else list(made or ())
        for output, result in zip(outputs, results, strict=True):
            values[output.debugName()] = result
    return [values[o.debugName()] for o in block.outputs()]


def _node(node: Any, kind: str, inputs: list[Any], values: dict[str, Any]) -> Any:
    space, _, name = kind.partition("::")
    if kind not in _MESSAGES and any(isinstance(i, _Message) for i in inputs):
        raise UnknownOutcome(f"TorchScript: the text of a size in {kind} is not followed")
    if kind == "prim::Constant":
        return node.output().toIValue()
    if kind == "prim::GetAttr":
        return getattr(inputs[0], node.s("name"))
    if kind == "prim::If":
        then, other = node.blocks()
        return _results(node, _block(then if inputs[0] else other, values))
    if kind == "prim::Loop":
        return _results(node, _loop(node, inputs, values))
    if kind == "prim::RaiseException":
        raise torch.jit.Error(str(inputs[0]))
    if kind in ("prim::ListUnpack", "prim::TupleUnpack"):
        return _results(node, list(inputs[0]))
    if space == "prim" and name in _PRIM:
        return _computed(kind, _PRIM[name], inputs)
    if space == "prim":
        raise UnknownOutcome(f"TorchScript: {kind} is not followed")
    of_list = name in _OF_LISTS and isinstance(inputs[0], (list, tuple))
    if name in _PLAIN and (of_list or not any(isinstance(i, torch.Tensor) for i in _flat(inputs))):
        return _computed(kind, _PLAIN[name], inputs)
    if name in (*_IMPLICIT, "Int", "Float", "Bool"):
        return inputs[0].item()
    return _operator(node, space, name, inputs)


def _results(node: Any, results: list[Any]) -> Any:
    return results[0] if node.outputsSize() == 1 else results


def _loop(node: Any, inputs: list[Any], values: dict[str, Any]) -> list[Any]:
    (body,) = node.blocks()
    most, go_on, *carried = inputs
    turn = 0
    names = [i.debugName() for i in body.inputs()]
    while go_on and turn < most:
        values.update(zip(names, (turn, *carried), strict=True))
        go_on, *carried = _block(body, values)
        turn += 1
    return carried


def _computed(kind: str, function: Callable[..., Any], inputs: list[Any]) -> Any:
    """Call Python's function for an operator; TorchScript raises others, so they are unknown."""
    try:
        return function(*inputs)
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as e:
        raise UnknownOutcome(f"TorchScript: {kind} is not followed ({first_line(e)})") from None


def _operator(node: Any, space: str, name: str, inputs: list[Any]) -> Any:
    """An operator, by the overload that its schema names."""
    overload = node.schema().partition("(")[0].partition(".")[2] or "default"
    if name == "_convolution":  # has switches of CUDA after the arguments of ``convolution``
        return torch.convolution(*inputs[:9])
    function = getattr(getattr(getattr(torch.ops, space), name, None), overload, None)
    if function is None:
        raise UnknownOutcome(f"TorchScript: {space}::{name} is not followed")
    arguments = function._schema.arguments
    given = [_named(a.name, v) for a, v in zip(arguments, inputs, strict=False)]
    places = [v for a, v in zip(arguments, given, strict=False) if not a.kwarg_only]
    named = {a.name: v for a, v in zip(arguments, given, strict=False) if a.kwarg_only}
    try:
        return function(*places, **named)
    except torch.jit.Error:
        raise
    except Exception as e:
        # TorchScript has checked the types: a value of another one was made here.
        if isinstance(e, Refused) and "Expected a value of type" not in str(e):
            raise
        raise UnknownOutcome(
            f"TorchScript: {space}::{name} is not followed ({summary(e)})"
        ) from None


def _named(name: str, value: Any) -> Any:
    known = _NUMBERED.get(name)
    if known is None or type(value) is not int:
        return value
    if not 0 <= value < len(known):
        raise UnknownOutcome(f"TorchScript: {name} {value} is not followed")
    return known[value]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value
