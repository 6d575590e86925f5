"""One run of a model on symbolic sizes.

A tracer is a ``TorchFunctionMode``: it sees every function-level call of the model. A call on a
stand-in goes, in this order, to

1. an attribute (``x.shape``, ``x.dtype``),
2. the operator's shape rule,
3. if the function is PyTorch's own Python (``F.multi_head_attention_forward``): its body, whose
   inner calls come here again,
4. PyTorch's meta kernel, run on symbolic sizes.

Calls that meet neither a stand-in nor a symbolic size run for real.
"""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch.overrides import TorchFunctionMode

from archlint.bounds import Box
from archlint.contract import Input, TensorInput
from archlint.dims import Expr, Size, evaluate
from archlint.formula import Formula, eq
from archlint.frames import first_line, is_user_code, user_line
from archlint.match import listed
from archlint.ops.layout import settled_strides
from archlint.ops.reached import reaches
from archlint.ops.refine import ELEMENTWISE, Origin
from archlint.ops.registry import (
    IN_RANGE,
    INPLACE,
    RULES,
    NoRule,
    Refused,
    TensorSpec,
)
from archlint.ratio import Ratio
from archlint.silence import says_nothing
from archlint.trace.caches import uncached
from archlint.trace.join import joining
from archlint.trace.path import Apart, Undecided, WalkedPath
from archlint.trace.standin import ATTRIBUTES, SLIPPED, Standin, standin, strides_of
from archlint.trace.structure import structure
from archlint.trace.symint import SizeNode, hashable, size_of, sym_int

_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)
_INDEXING = ("index", "gather", "scatter", "take", "embedding", "put", "one_hot", "getitem")
_PLAIN = frozenset({int, float, bool, type(None), str, torch.dtype, torch.device, complex})


def call_name(func: Any) -> str:
    """The operator's short name: ``conv2d``, ``getitem``."""
    return getattr(func, "__name__", str(func)).strip("_") or str(func)


@dataclass(eq=False)
class Call:
    """One call of the model: what was called, with what, where, and what came out."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    module: str
    code: types.CodeType | None
    line: int
    how: str = "rule"  # "rule", "kernel"
    result: Any = None

    @property
    def op(self) -> str:
        """The operator's short name."""
        return call_name(self.func)

    @property
    def source(self) -> str:
        """``file:line`` of the user's code, or empty."""
        return f"{self.code.co_filename}:{self.line}" if self.code else ""


@dataclass
class Trace:
    """What one run told: its calls, its path, and how it ended.

    ``outcome``: "accepted" (``output`` holds the nested :class:`TensorSpec`), "refused" (the last
    claim did not hold), "raised" (user code or a kernel raised at these sizes, ``error`` says
    what) or "unknown" (``error`` says why nothing can be said).
    """

    path: WalkedPath
    calls: list[Call]
    outcome: str
    output: Any = None
    error: str = ""
    source: str = ""  # where an exception was raised, in user code
    kernels: dict[str, int] = field(default_factory=dict)  # operators without a rule -> calls
    faults: dict[str, str] = field(default_factory=dict)  # operators whose rule failed -> how
    others: tuple[Trace, ...] = ()  # the same sizes, where values decide otherwise
    joins: bool = False  # whether ways that meet again inside a module are one


class Tracer(TorchFunctionMode):
    """Answers a model's calls on one path. ``rules=False`` leaves all to the kernels."""

    def __init__(self, model: torch.nn.Module, path: WalkedPath, rules: bool = True) -> None:
        super().__init__()
        self.path = path
        self.calls: list[Call] = []
        self.kernels: dict[str, int] = {}
        self.faults: dict[str, str] = {}
        self.rules = rules
        self._names = _module_names(model)
        self.modules: list[str] = []
        self._value_writes: list[int] = []  # who made the tensors whose known values were written
        self._valued: list[weakref.ref[Standin]] = []  # stand-ins whose elements are known
        self._derived: list[TensorSpec] = []  # those that remember of what they were made

    # -- where we are ---------------------------------------------------------------------------

    def enter_module(self, module: torch.nn.Module, args: Any) -> None:
        """Global forward pre-hook."""
        if isinstance(module, torch.jit.ScriptModule):
            raise Undecided(
                f"{type(module).__name__} at {self._names.get(id(module)) or 'the model'} is "
                "compiled TorchScript, whose sizes cannot be followed"
            )
        self.modules.append(self._names.get(id(module), type(module).__name__))

    def leave_module(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        """Global forward hook, called also when the module raised."""
        if self.modules:
            self.modules.pop()

    # -- every call -----------------------------------------------------------------------------

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        attribute = ATTRIBUTES.get(func)
        if attribute is not None and args:
            first = args[0]
            if type(first) is Standin:
                return attribute(self.path, first.spec, *args[1:], **kwargs)
            return func(*args, **kwargs)
        if Standin not in types and not _symbolic(args) and not _symbolic(kwargs.values()):
            return self._concrete(func, args, kwargs)
        return self._call(func, args, kwargs)

    def _concrete(self, func: Any, args: Any, kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError) as e:
            devices: set[str] = set()
            _map_tensors((args, kwargs), lambda t: devices.add(t.device.type))
            off = devices == {"meta"} and "Cannot copy out of meta" in str(e)
            if devices != {"cpu", "meta"} and not off:
                raise
            return self._call(func, args, kwargs)  # weights that a lean model lacks

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        rule = RULES.get(func) if self.rules else None
        if rule is None:
            body = _python_body(func)
            if body is not None:
                with self:
                    return body(*args, **kwargs)
        index = len(self.calls)
        code, line = _user_frame()
        call = Call(func, args, kwargs, self.modules[-1] if self.modules else "", code, line)
        self.calls.append(call)
        self.path.calls = index + 1
        if rule is not None:
            try:
                known = [_known(a) for a in args]
                result = rule(self.path, *known, **{k: _known(v) for k, v in kwargs.items()})
            except NoRule:
                pass
            except Refused:
                raise
            except Exception as e:  # our own mistake must never look like the model's
                self.faults[call.op] = f"{type(e).__name__}: {first_line(e)}"
            else:
                if func in INPLACE:
                    call.result = self._write(args[0], known[0], result)
                elif func is torch.Tensor.__setitem__:
                    self._written(args[0], known[0].values, getattr(known[2], "values", None))
                else:
                    call.result = self._stand(result, index, func)
                self._loosen(call, known)
                if func in ELEMENTWISE:
                    self._derive(call, rule, known)
                return call.result
        call.how = "kernel"
        call.result = self._kernel(func, args, kwargs, index)
        return call.result

    def _loosen(self, call: Call, operands: list[Any]) -> None:
        """Say of each result whether it reaches the bounds of its values."""
        results = call.result if isinstance(call.result, (tuple, list)) else (call.result,)
        for tensor in results:
            if type(tensor) is Standin and isinstance(tensor.spec.values, tuple):
                loose = not reaches(call.op, _each(operands), tensor.spec)
                if loose and not tensor.spec.loose:
                    spec = tensor.spec
                    tensor.spec = spec.like(spec.dims, strides=spec.strides, values=spec.values)
                    tensor.spec.loose = True

    def _derive(self, call: Call, rule: Any, known: list[Any]) -> None:
        """Let the result remember of what it was made."""
        if type(call.result) is Standin and all(call.result.spec is not k for k in known):
            settings = {k: _known(v) for k, v in call.kwargs.items()}
            origin = Origin.of(call.func, rule, known, settings)
            if origin is not None:
                call.result.spec.origin = origin
                self._derived.append(call.result.spec)

    def _forget_origins(self) -> None:
        for spec in self._derived:
            spec.origin = None
        self._derived.clear()

    def _write(self, target: Any, before: TensorSpec, result: TensorSpec) -> Any:
        for have, get in zip(before.dims, result.dims, strict=False):
            if have is not get:
                self.path.claim(eq(have, get), "in-place result of size {} fits {}", get, have)
        if len(result.dims) != len(before.dims):
            self.path.claim(False, "an in-place result of the same rank")
        if type(target) is Standin:
            self._written(target, result.values, result.values)
            return target
        return standin(before)

    def _written(self, target: Any, low: Any, high: Any) -> None:
        """Known values end where memory is written: other tensors may be views of it."""
        if type(target) is not Standin:
            return
        self._forget_origins()
        if isinstance(target.spec.values, tuple):
            for ref in self._valued:
                other = ref()
                if other is not None and other is not target:
                    other.spec = other.spec.like(other.spec.dims, strides=other.spec.strides)
        known = low if low == high else None
        if known is not None or target.spec.values is not None:
            self._value_writes.append(target.made_by)
        target.spec = target.spec.like(target.spec.dims, strides=target.spec.strides, values=known)

    def mark_writes(self) -> Callable[[], bool]:
        """A question: has no known value been written since, of a tensor made before?"""
        writes, calls = len(self._value_writes), len(self.calls)
        return lambda: all(made >= calls for made in self._value_writes[writes:])

    def _stand(self, result: Any, index: int, func: Any) -> Any:
        if isinstance(result, TensorSpec):
            result = self.path.simplest(result)
            tensor = standin(result, index)
            if isinstance(result.values, tuple):
                self._valued.append(weakref.ref(tensor))
            return tensor
        if isinstance(result, (tuple, list)):
            items = [self._stand(r, index, None) for r in result]
            if isinstance(result, list):
                return items
            named = getattr(torch.return_types, getattr(func, "__name__", "?"), None)
            return named(items) if named is not None and len(items) > 1 else tuple(items)
        if isinstance(result, (Expr, Formula, Ratio)):
            node: Any = SizeNode(result, self.path)
            kind = {int: torch.SymInt, bool: torch.SymBool, float: torch.SymFloat}[node.pytype]
            return kind(node)
        return result

    # -- PyTorch's own kernels --------------------------------------------------------------------

    def _kernel(self, func: Any, args: Any, kwargs: Any, index: int) -> Any:
        if self.path.turns is not None:
            raise Apart  # a kernel looks at the hint
        self._forget_origins()  # it may write in place
        name = f"{getattr(func, '__module__', '') or ''}.{getattr(func, '__qualname__', func)}"
        self.kernels[name] = self.kernels.get(name, 0) + 1
        if any(word in name for word in _INDEXING):
            self.path.unproved(f"{call_name(func)} has no rule; its indices are not checked")
        made: dict[int, Any] = {}
        values: list[Any] = []

        def symbolic(tensor: torch.Tensor) -> torch.Tensor:
            if id(tensor) in made:
                return made[id(tensor)]  # type: ignore[no-any-return]
            if type(tensor) is Standin:
                values.append(tensor.spec.values)
                meta = self._meta(tensor.spec)
                made[id(meta)] = tensor
            else:
                meta = (
                    tensor
                    if tensor.device.type == "meta" or tensor.ndim == 0
                    else tensor.to("meta")
                )
            made[id(tensor)] = meta
            made.setdefault(-id(tensor), tensor)
            return meta

        with torch.no_grad(), enable_python_dispatcher():
            a, k = _map_tensors((args, kwargs), symbolic)
            if "device" in k:
                k = {**k, "device": "meta"}
            eager, self.path.eager = self.path.eager, False  # what a kernel checks is a claim
            try:
                result = func(*a, **k)
            except (Undecided, KeyboardInterrupt):
                raise
            except Exception as error:
                self._explain(func, args, kwargs, error)
                raise Refused(f"{type(error).__name__}: {error}") from None
            finally:
                self.path.eager = eager
        return self._from_meta(result, made, index)

    def _meta(self, spec: TensorSpec) -> torch.Tensor:
        sizes = [sym_int(d, self.path) for d in spec.dims]
        known = settled_strides(self.path, spec)
        if known is None:
            return torch.empty(sizes, dtype=spec.dtype, device="meta")
        strides = [sym_int(s, self.path) for s in known]
        return torch.empty_strided(sizes, strides, dtype=spec.dtype, device="meta")

    def _from_meta(self, result: Any, made: dict[int, Any], index: int) -> Any:
        def back(tensor: torch.Tensor) -> Any:
            if tensor.device.type != "meta":
                return tensor
            dims = tuple(size_of(d) for d in tensor.shape)
            strides: tuple[Size, ...] | None = tuple(size_of(s) for s in tensor.stride())
            if strides == strides_of(TensorSpec(dims)):
                strides = None
            spec = TensorSpec(dims, tensor.dtype, strides, None, torch.device("cpu"))
            same = made.get(id(tensor))
            if type(same) is Standin:  # in-place
                same.spec = spec
                return same
            return standin(spec, index)

        return _map_tensors(result, back)

    def _explain(self, func: Any, args: Any, kwargs: Any, error: Exception) -> None:
        """An exception counts as the operator's only if it comes at plain numbers too."""
        if self.path.events and not self.path.events[-1].held:
            return

        def concrete(tensor: torch.Tensor) -> torch.Tensor:
            if type(tensor) is not Standin:
                return tensor.to("meta") if tensor.ndim else tensor
            dims = [evaluate(d, self.path.env) for d in tensor.spec.dims]
            strides = [evaluate(s, self.path.env) for s in strides_of(tensor.spec)]
            return torch.empty_strided(dims, strides, dtype=tensor.spec.dtype, device="meta")

        def number(value: Any) -> Any:
            node = getattr(value, "node", None)
            return node.hinted() if isinstance(node, SizeNode) else value

        a, k = _map_tensors((args, kwargs), concrete, number)
        if "device" in k:
            k = {**k, "device": "meta"}
        name = call_name(func)
        try:
            func(*a, **k)
        except NotImplementedError as e:
            if "data-independent" in str(e) or "aten::nonzero" in str(e):  # torch 2.6 says the last
                raise Undecided(f"the sizes that {name} gives depend on values") from None
            raise Undecided(f"{name} has no rule and no meta kernel: {first_line(e)}") from None
        except Exception as e:
            text = str(e)
            if says_nothing(e) and "meta" not in text:
                raise Undecided(f"{name}: {says_nothing(e)} ({first_line(e)})") from None
            if "data-dependent" in text or "meta tensors" in text or "Cannot copy out" in text:
                raise Undecided(f"{name} depends on values: {first_line(e)}") from None
            return
        raise Undecided(
            f"{name} has no rule, and PyTorch's kernel fails on symbolic sizes "
            f"({type(error).__name__}: {first_line(error)})"
        ) from None


def trace(
    model: torch.nn.Module,
    input: Input,
    env: Mapping[str, int],
    box: Box,
    *,
    symbolic: bool = True,
    rules: bool = True,
    path: WalkedPath | None = None,
    joins: bool = False,
) -> Trace:
    """Run ``model`` once on stand-ins, following the way that the sizes ``env`` take.

    With ``symbolic=False`` every size is a number: the same engine as an ordinary interpreter.
    ``path`` stands in for the ordinary path of ``env`` in ``box`` and sees the calls as they come.
    With ``joins``, ways that part and meet again inside a module are one (:mod:`.join`).
    The model's own state is the caller's to protect.
    """
    path = path or WalkedPath(env, box)
    tracer = Tracer(model, path, rules)
    path.trail = tracer.calls
    module = torch.nn.modules.module
    hooks = [
        module.register_module_forward_pre_hook(tracer.enter_module),
        module.register_module_forward_hook(tracer.leave_module, always_call=True),
    ]
    SLIPPED.clear()
    args, kwargs = _arguments(input, env, symbolic)
    outcome, output, error, source = "accepted", None, "", ""
    try:
        cached = hashable() if path.eager else nullcontext()
        forgetful = uncached(model) if path.eager else nullcontext()
        meeting = joining(tracer) if joins and symbolic else nullcontext()
        with torch.no_grad(), _no_collection(), cached, forgetful, meeting, tracer:
            returned = model(*args, **kwargs)
        output = structure(returned, _spec_of, lambda v: isinstance(v, torch.Tensor))
    except Refused as e:
        last = path.events[-1] if path.events else None
        refused = last is not None and last.kind == "claim" and not last.held
        outcome, error = ("refused" if refused else "raised"), str(e)
        source = user_line(e) or ""
    except Undecided as e:
        outcome, error, source = "unknown", str(e), user_line(e) or ""
    except (Exception, SystemExit) as e:
        reason = says_nothing(e)
        outcome, source = "unknown" if reason else "raised", user_line(e) or ""
        error = f"{type(e).__name__}: {first_line(e)}"
        error = f"{reason} ({error})" if reason else error
    finally:
        for hook in hooks:
            hook.remove()
    if SLIPPED:
        outcome, error = "unknown", SLIPPED[0]
    return Trace(
        path,
        tracer.calls,
        outcome,
        output,
        error,
        source,
        tracer.kernels,
        tracer.faults,
        joins=joins,
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """A trace makes many small objects that live on; looking for garbage takes longer than it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _module_names(model: torch.nn.Module) -> dict[int, str]:
    """``named_modules`` by ``id``, in a third of its time."""
    names: dict[int, str] = {}
    todo = [("", model)]
    while todo:
        name, module = todo.pop()
        if id(module) not in names:
            names[id(module)] = name
            dot = f"{name}." if name else ""
            children = reversed(module._modules.items())
            todo.extend((dot + n, m) for n, m in children if m is not None)
    return names


def _arguments(input: Input, env: Mapping[str, int], symbolic: bool) -> tuple[list[Any], Any]:
    def build(part: Input) -> Any:
        if isinstance(part, TensorInput):
            dims = part.dims if symbolic else tuple(evaluate(d, env) for d in part.dims)
            dtype = getattr(torch, part.dtype)
            values: Any = None
            if not dtype.is_floating_point and not dtype.is_complex and dtype is not torch.bool:
                values = IN_RANGE
                if part.below is not None:
                    below = part.below if symbolic else evaluate(part.below, env)
                    values = (0, below - 1)
            return standin(TensorSpec(dims, dtype, None, values, torch.device("cpu")))
        if isinstance(part, list):
            return [build(p) for p in part]
        return {name: build(p) for name, p in part.items()}

    if isinstance(input, dict):
        return [], build(input)
    return [build(input)], {}


def dims_of(output: Any) -> Any:
    """A trace's output with each tensor as the tuple of its sizes."""
    if isinstance(output, TensorSpec):
        return output.dims
    if isinstance(output, list):
        return listed((dims_of(o) for o in output), output)
    return {k: dims_of(v) for k, v in output.items()} if isinstance(output, dict) else output


def _spec_of(tensor: torch.Tensor) -> TensorSpec:
    return tensor.spec if type(tensor) is Standin else _real_spec(tensor)


def _real_spec(tensor: torch.Tensor) -> TensorSpec:
    dtype = tensor.dtype
    values = None
    if tensor.device.type != "meta" and tensor.numel() and _integer(dtype):
        values = (int(tensor.min()), int(tensor.max()))
    strides = None if tensor.is_contiguous() else tensor.stride()
    return TensorSpec(tuple(tensor.shape), dtype, strides, values, torch.device("cpu"))


@cache
def _integer(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex or dtype is torch.bool) and (
        dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    )


def _known(value: Any) -> Any:
    kind = type(value)
    if kind is Standin:
        return value.spec
    if kind in _PLAIN:
        return value
    if kind in _SYMBOLIC:
        return size_of(value)
    if kind is tuple or kind is torch.Size:
        return tuple(_known(v) for v in value)
    if kind is list:
        return [_known(v) for v in value]
    if kind is slice:
        return slice(_known(value.start), _known(value.stop), _known(value.step))
    if isinstance(value, torch.Tensor):
        return _real_spec(value)
    if isinstance(value, (list, tuple)):
        return [_known(v) for v in value]
    return value


def _each(values: Any) -> Iterator[Any]:
    """The values, and those in lists of them."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _each(value)
        else:
            yield value


def _symbolic(values: Any) -> bool:
    for value in values:
        kind = type(value)
        if kind in _SYMBOLIC or kind is Standin:
            return True
        if kind in (tuple, list, torch.Size):
            if _symbolic(value):
                return True
        elif kind is slice and _symbolic((value.start, value.stop, value.step)):
            return True
    return False


def _map_tensors(value: Any, change: Any, other: Any = None) -> Any:
    """``value`` with every tensor changed, through tuples (named ones too), lists and dicts."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {k: _map_tensors(v, change, other) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        items = [_map_tensors(v, change, other) for v in value]
        if type(value) in (list, tuple):
            return type(value)(items)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, torch.Size):
        return tuple(other(v) for v in value) if other else value
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return slice(*(_map_tensors(p, change, other) for p in parts))
    return other(value) if other else value


def _user_frame() -> tuple[types.CodeType | None, int]:
    frame: types.FrameType | None = sys._getframe(3)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return frame.f_code, frame.f_lineno
        if frame.f_code is trace.__code__:
            return None, 0
        frame = frame.f_back
    return None, 0


@cache
def _python_body(func: Any) -> Callable[..., Any] | None:
    """PyTorch's own Python function without its first question, who overrides it."""
    if not isinstance(func, types.FunctionType) or not func.__module__.startswith("torch"):
        return None
    asked = [n for n in func.__code__.co_names if n.startswith("has_torch_function")]
    if not asked or not all(n in func.__globals__ for n in asked):
        return None
    no = lambda *args: False  # noqa: E731
    names = dict.fromkeys(asked, no)
    body = types.FunctionType(
        func.__code__,
        {**func.__globals__, **names},
        func.__name__,
        func.__defaults__,
        func.__closure__,
    )
    body.__kwdefaults__ = func.__kwdefaults__
    return body
