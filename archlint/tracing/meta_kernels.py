"""Operators without a shape rule: PyTorch's own Python code, or its meta kernels.

A function that PyTorch has in Python is entered (:func:`python_body`): the tracer sees the calls in
its body. Any other runs as its meta kernel, on symbolic sizes.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher

from archlint.ops.registry import RefusedCall, TensorSpec
from archlint.ops.shapes.strides import settled_strides
from archlint.runtime.environment_errors import is_environment_error
from archlint.runtime.user_frames import first_line, summary
from archlint.symbolic import Expr, Size
from archlint.symbolic.formula import conj, eq
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.converted_numbers import check_numbers
from archlint.tracing.cpu_kernels import (
    FEW,
    at_sizes,
    check_refusals,
    compare_with_cpu,
    element_count,
    run_on_cpu,
    sample_sizes,
    small_arguments,
    takes_same_path,
)
from archlint.tracing.path import TracedPath
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import sym_int
from archlint.tracing.tensors.specs import map_tensors, spec_of
from archlint.tracing.tensors.symbolic_tensor import (
    SymbolicTensor,
    learn,
    strides_of,
    symbolic_tensor,
)
from archlint.tracing.trace import call_name

NUMBERS = frozenset(
    getattr(torch, f"sym_{name}")
    for name in ("float", "int", "ite", "max", "min", "not", "sqrt", "sum")
    if hasattr(torch, f"sym_{name}")
)
"""Functions of sizes alone, which Python calls for ``x.shape[2] / 2``: the sizes answer."""


@cache
def python_body(func: Any) -> Callable[..., Any] | None:
    """PyTorch's own Python function without its dispatch to ``__torch_function__``.

    ``None`` for any other function, and for a method that calls its base class by ``super``: that
    one dispatches in C++, under the name of the method itself, and its body would be entered again
    and again.
    """
    if not isinstance(func, types.FunctionType) or not func.__module__.startswith("torch"):
        return None
    if "super" in func.__code__.co_names:
        return None
    checks = [n for n in func.__code__.co_names if n.startswith("has_torch_function")]
    if not checks or not all(n in func.__globals__ for n in checks):
        return None
    no = lambda *args: False  # noqa: E731
    names = dict.fromkeys(checks, no)
    body = types.FunctionType(
        func.__code__,
        {**func.__globals__, **names},
        func.__name__,
        func.__defaults__,
        func.__closure__,
    )
    body.__kwdefaults__ = func.__kwdefaults__
    return body


def run_kernel(
    path: TracedPath, func: Any, args: Any, kwargs: Any, index: int, cpu: bool = True
) -> Any:
    """The result of the meta kernel of ``func``, with symbolic tensors made by the call ``index``.

    With ``cpu`` it is compared with the CPU kernel at a few small sizes (:mod:`.cpu_kernels`).

    Raises :class:`Refused` if it raises at the sizes of the path, and :class:`UnknownOutcome` if it
    needs values or does not work on symbolic sizes.
    """
    if torch.is_autocast_enabled("cpu"):
        raise UnknownOutcome("an operator without a rule is not followed under autocast")
    metas: dict[int, torch.Tensor] = {}  # by the id of the tensor that they stand for
    standins: dict[int, SymbolicTensor] = {}  # by the id of their meta tensor
    real: list[tuple[torch.Tensor, torch.Tensor]] = []  # the others, with their meta tensors

    def symbolic(tensor: torch.Tensor) -> torch.Tensor:
        meta = metas.get(id(tensor))
        if meta is not None:
            return meta
        if type(tensor) is SymbolicTensor:
            meta = _meta(path, tensor.spec)
            standins[id(meta)] = tensor
        else:
            meta = tensor if tensor.device.type == "meta" or not tensor.ndim else tensor.to("meta")
            if meta is not tensor:
                real.append((tensor, meta))
        metas[id(tensor)] = meta
        return meta

    if cpu:
        check_numbers(path, func, args, kwargs)
    since = len(path.events)
    compared = sample_sizes(path, (args, kwargs)) if cpu else []
    samples = [(s, small_arguments(s, args, kwargs)) for s in compared]
    with torch.no_grad(), enable_python_dispatcher():
        a, k = map_tensors((args, kwargs), symbolic)
        eager, path.eager = path.eager, False  # what a kernel checks is a claim
        try:
            result = func(*a, **_on_meta(k))
        except Exception as error:
            _explain(path, func, args, kwargs, error)
            _only_meta(path, func, samples, error)
            if path.unknowns and _has_unknowns((args, kwargs)):  # at others it may not raise
                name = call_name(func)
                text = f"{name} has no rule for sizes that tensor values determine"
                raise UnknownOutcome(f"{text} ({first_line(error)})") from None
            raise RefusedCall(f"{type(error).__name__}: {error}") from None
        finally:
            path.eager = eager
    _check_resized(path, func, real)
    made = _from_meta(result, standins, index, not metas)
    for sizes, arguments in samples:
        if (
            arguments is not None
            and takes_same_path(path, sizes)
            and element_count(sizes, made) <= FEW
        ):
            compare_with_cpu(path, sizes, call_name(func), made, run_on_cpu(func, arguments))
    if cpu:
        check_refusals(path, func, (args, kwargs), since, call_name(func))
    return made


def _check_resized(path: TracedPath, func: Any, real: list[tuple[Any, torch.Tensor]]) -> None:
    """Raise :class:`UnknownOutcome` if a real tensor may have got other sizes than it had.

    ``real``: such tensors, each with the meta tensor that stood for it. PyTorch resizes the target
    of ``out=`` and of ``resize_``.
    """
    for tensor, meta in real:
        have, get = tuple(tensor.shape), tuple(size_of(d) for d in meta.shape)
        same = len(have) == len(get) and conj(*map(eq, have, get))
        if path.known(same) is not True:
            raise UnknownOutcome(
                f"{call_name(func)} may resize a tensor that is not made from an input"
            )


def _only_meta(path: TracedPath, func: Any, samples: list[Any], error: Exception) -> None:
    """Raise :class:`UnknownOutcome` if the CPU kernel accepts what the meta kernel refused."""
    if path.events and not path.events[-1].held:
        return
    for sizes, arguments in samples:
        same_path = arguments is not None and takes_same_path(path, sizes)
        if same_path and not isinstance(run_on_cpu(func, arguments), Exception):
            why = f"its meta kernel refuses what the CPU kernel accepts ({first_line(error)})"
            raise UnknownOutcome(f"{call_name(func)} has no rule, and {why}") from None


def _has_unknowns(arguments: Any) -> bool:
    found: list[Any] = []

    def tensor(value: torch.Tensor) -> None:
        found.extend(value.spec.dims if type(value) is SymbolicTensor else ())

    map_tensors(arguments, tensor, lambda value: found.append(size_of(value)))
    return any(isinstance(size, Expr) and unknowns_in(size) for size in found)


def _on_meta(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "device": "meta"} if "device" in kwargs else kwargs


def _meta(path: TracedPath, spec: TensorSpec) -> torch.Tensor:
    sizes = [sym_int(d, path) for d in spec.dims]
    known = settled_strides(path, spec)
    if known is None:
        return torch.empty(sizes, dtype=spec.dtype, device="meta")
    strides = [sym_int(s, path) for s in known]
    return torch.empty_strided(sizes, strides, dtype=spec.dtype, device="meta")


def _from_meta(
    result: Any, standins: dict[int, SymbolicTensor], index: int, numbers_only: bool
) -> Any:
    """The result with symbolic tensors for meta tensors.

    ``numbers_only``: the arguments have no tensor, so that a real tensor in the result was computed
    from what stands for a symbolic number.
    """

    def back(tensor: torch.Tensor) -> Any:
        if tensor.layout is not torch.strided or tensor.is_nested:
            raise UnknownOutcome("an operator without a rule gives a tensor that is not strided")
        if tensor.device.type != "meta":
            if not numbers_only:
                return tensor
            return symbolic_tensor(spec_of(tensor).like(tuple(tensor.shape)), index)
        dims = tuple(size_of(d) for d in tensor.shape)
        strides: tuple[Size, ...] | None = tuple(size_of(s) for s in tensor.stride())
        if strides == strides_of(TensorSpec(dims)):
            strides = None
        spec = TensorSpec(dims, tensor.dtype, strides, None, torch.device("cpu"))
        spec.conjugate = tensor.is_conj()
        same = standins.get(id(tensor))
        if same is not None:  # in-place
            learn(same, spec=spec)
            return same
        return symbolic_tensor(spec, index)

    return map_tensors(result, back)


def _explain(path: TracedPath, func: Any, args: Any, kwargs: Any, error: Exception) -> None:
    """Raise :class:`UnknownOutcome` unless the kernel raises at plain numbers too.

    Then the exception is the operator's own, and not one of symbolic sizes.
    """
    if path.events and not path.events[-1].held:
        return
    a, k = at_sizes(path.env, (args, kwargs), torch.device("meta"))
    name = call_name(func)
    try:
        func(*a, **_on_meta(k))
    except NotImplementedError as e:
        if "data-independent" in str(e) or "aten::nonzero" in str(e):  # the text of torch 2.6
            raise UnknownOutcome(f"tensor values determine the sizes that {name} returns") from None
        raise UnknownOutcome(f"{name} has no rule and no meta kernel: {first_line(e)}") from None
    except Exception as e:
        text = str(e)
        if "Cannot cast tensor(" in text:  # and the element_count, which are not there
            raise UnknownOutcome(
                f"{name} depends on tensor values: it takes a tensor for a number"
            ) from None
        if is_environment_error(e) and "meta" not in text:
            raise UnknownOutcome(f"{name}: {is_environment_error(e)} ({first_line(e)})") from None
        if "data-dependent" in text or "meta tensor" in text:
            raise UnknownOutcome(f"{name} depends on tensor values: {first_line(e)}") from None
        return
    raise UnknownOutcome(
        f"{name} has no rule, and PyTorch's kernel fails on symbolic sizes ({summary(error)})"
    ) from None
