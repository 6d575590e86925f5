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

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from archlint.contracts.contract import Input
from archlint.ops.registry import INPLACE, NoRule, Refused, TensorSpec, rule_for
from archlint.runtime.environment_errors import is_environment_error
from archlint.runtime.gc_pause import gc_paused
from archlint.runtime.user_frames import first_line, user_line
from archlint.symbolic import Expr
from archlint.symbolic.formula import Formula
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.inputs import arguments
from archlint.tracing.merge.module_merge import joining
from archlint.tracing.meta_kernels import NUMBERS, python_body, run_kernel
from archlint.tracing.module_stack import ModuleStack, user_frame
from archlint.tracing.outputs import structure
from archlint.tracing.path import TracedPath
from archlint.tracing.python.library_functions import asking, own_body
from archlint.tracing.python.lru_caches import uncached
from archlint.tracing.signals import RAISED, Apart, Undecided
from archlint.tracing.symint.node import SizeNode, hashable
from archlint.tracing.tensors.aliasing import check_overlap
from archlint.tracing.tensors.op_effects import is_random, writes
from archlint.tracing.tensors.specs import (
    STALE,
    has_tensors,
    is_stale,
    is_symbolic,
    known_of,
    lose_elements,
    map_tensors,
    spec_of,
)
from archlint.tracing.tensors.symbolic_tensor import (
    ATTRIBUTES,
    SLIPPED,
    SymbolicTensor,
    symbolic_tensor,
)
from archlint.tracing.tensors.value_tracking import Elements
from archlint.tracing.trace import Call, Trace, call_name

_OTHER_MEMORY = torch.Tensor.data.__set__  # type: ignore[attr-defined]
_LENIENT = ("pad_sequence",)  # whose meta kernels ask less of the sizes than the CPU
_INDEXING = (
    "index", "gather", "scatter", "take", "embedding", "put", "one_hot", "getitem", "unpool",
    "nll_loss", "cross_entropy_loss", "multi_margin_loss", "multilabel_margin_loss", "ctc_loss",
)  # fmt: skip


class Tracer(TorchFunctionMode):
    """Answers a model's calls on one path. ``rules=False`` leaves all to the kernels."""

    def __init__(self, model: torch.nn.Module, path: TracedPath, rules: bool = True) -> None:
        super().__init__()
        self.path = path
        self.calls: list[Call] = []
        self.kernels: dict[str, int] = {}
        self.faults: dict[str, str] = {}
        self.rules = rules
        self.place = ModuleStack(model)
        self.elements = Elements(path)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        attribute = ATTRIBUTES.get(func)
        if attribute is not None and args:
            first = args[0]
            if type(first) is SymbolicTensor or (STALE and is_stale((first,))):
                return attribute(self.path, spec_of(first), *args[1:], **kwargs)
            return func(*args, **kwargs)
        if (
            SymbolicTensor not in types
            and not is_symbolic(args)
            and not is_symbolic(kwargs.values())
            and not (STALE and is_stale((args, kwargs)))
        ):
            result = self._concrete(func, args, kwargs)
            if is_random(func):
                lose_elements(result)
            return result
        return self._call(func, args, kwargs)

    def _concrete(self, func: Any, args: Any, kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        except (RuntimeError, NotImplementedError) as e:
            devices: set[str] = set()
            map_tensors((args, kwargs), lambda t: devices.add(t.device.type))
            off = devices == {"meta"} and "Cannot copy out of meta" in str(e)
            if devices != {"cpu", "meta"} and not off:
                raise
            return self._call(func, args, kwargs)  # weights that a lean model lacks

    def _call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if RAISED:  # the model's own code caught what should have ended the run
            raise Undecided(RAISED[0])
        rule = rule_for(func) if self.rules else None
        if rule is None:
            if func in NUMBERS:
                return func(*args, **kwargs)
            body = python_body(func)
            if body is not None:
                with self:
                    return body(*args, **kwargs)
        index = len(self.calls)
        code, line = user_frame(trace.__code__)
        modules = self.place.modules
        call = Call(func, args, kwargs, modules[-1] if modules else "", code, line)
        self.calls.append(call)
        self.path.calls = index + 1
        if func == _OTHER_MEMORY:
            raise Undecided("a tensor is given other memory (.data = …)")
        if args and writes(func):
            check_overlap(self.path, call, args[0], self.calls)
            lose_elements(args[0])
        if "out" in kwargs:
            check_overlap(self.path, call, kwargs["out"], self.calls)
            lose_elements(kwargs["out"])
        if rule is not None:
            try:
                known = [known_of(a) for a in args]
                settings = {k: known_of(v) for k, v in kwargs.items()}
                result = rule(self.path, *known, **settings)
            except NoRule:
                pass
            except Refused:
                raise
            except Exception as e:  # our own mistake must never look like the model's
                self.faults[call.op] = f"{type(e).__name__}: {first_line(e)}"
            else:
                if func in INPLACE:
                    call.result = self.elements.write(args[0], known[0], result)
                elif func is torch.Tensor.__setitem__:
                    loose = known[0].loose or getattr(known[2], "loose", False)
                    put = getattr(known[2], "values", None)
                    self.elements.written(args[0], known[0].values, put, loose)
                else:
                    call.result = self._stand(result, index, func)
                self.elements.learn(call, rule, known, settings)
                return call.result
            own = own_body(func)
            if own is not None:
                with self:
                    call.result = own(*args, **kwargs)
                return call.result
        call.how = "kernel"
        call.result = self._kernel(func, args, kwargs, index)
        return call.result

    def _stand(self, result: Any, index: int, func: Any) -> Any:
        if isinstance(result, TensorSpec):
            result = self.path.simplest(result)
            tensor = symbolic_tensor(result, index)
            self.elements.made(tensor)
            return tensor
        if isinstance(result, (tuple, list)):
            items = [self._stand(r, index, None) for r in result]
            if isinstance(result, list):
                return items
            named = getattr(torch.return_types, getattr(func, "__name__", "?"), None)
            return named(items) if named is not None and len(items) > 1 else tuple(items)
        if isinstance(result, (Expr, Formula, Ratio, Opaque)):
            node: Any = SizeNode(result, self.path)
            kind = {int: torch.SymInt, bool: torch.SymBool, float: torch.SymFloat}[node.pytype]
            return kind(node)
        return result

    def _kernel(self, func: Any, args: Any, kwargs: Any, index: int) -> Any:
        if self.path.turns is not None:
            raise Apart  # a kernel looks at the hint
        if has_tensors((args, kwargs)):
            self.elements.ran_kernel()
        name = f"{getattr(func, '__module__', '') or ''}.{getattr(func, '__qualname__', func)}"
        self.kernels[name] = self.kernels.get(name, 0) + 1
        if any(word in name for word in _INDEXING):
            self.path.unproved(f"{call_name(func)} has no rule; its indices are not checked")
        if call_name(func) in _LENIENT:
            self.path.unproved(f"{call_name(func)} has no rule; its sizes are not checked")
        return run_kernel(self.path, func, args, kwargs, index, cpu=self.rules)


def trace(
    model: torch.nn.Module,
    input: Input,
    env: Mapping[str, int],
    box: Box,
    *,
    symbolic: bool = True,
    rules: bool = True,
    path: TracedPath | None = None,
    joins: bool = False,
) -> Trace:
    """Run ``model`` once on stand-ins, following the way that the sizes ``env`` take.

    With ``symbolic=False`` every size is a number: the same engine as an ordinary interpreter.
    ``path`` stands in for the ordinary path of ``env`` in ``box`` and sees the calls as they come.
    With ``joins``, ways that part and meet again inside a module are one (:mod:`.join`).
    The model's own state is the caller's to protect.
    """
    path = path or TracedPath(env, box)
    tracer = Tracer(model, path, rules)
    path.trail = tracer.calls
    SLIPPED.clear()
    STALE.clear()
    RAISED.clear()
    args, kwargs = arguments(input, env, symbolic)
    outcome, output, error, source, kind = "accepted", None, "", "", ""
    try:
        cached = hashable() if path.eager else nullcontext()
        forgetful = uncached(model) if path.eager else nullcontext()
        meeting = joining(tracer) if joins and symbolic else nullcontext()
        with (
            torch.no_grad(),
            gc_paused(),
            tracer.place.followed(),
            asking(),
            cached,
            forgetful,
            meeting,
            tracer,
        ):
            returned = model(*args, **kwargs)
        output = structure(returned, spec_of, lambda v: isinstance(v, torch.Tensor))
    except Refused as e:
        last = path.events[-1] if path.events else None
        refused = last is not None and last.kind == "claim" and not last.held
        outcome, error = ("refused" if refused else "raised"), str(e)
        source, kind = user_line(e) or "", RuntimeError.__name__
    except Undecided as e:
        outcome, error, source = "unknown", str(e), user_line(e) or ""
    except (Exception, SystemExit) as e:
        reason = is_environment_error(e)
        outcome, source = "unknown" if reason else "raised", user_line(e) or ""
        kind = type(e).__name__
        error = f"{kind}: {first_line(e)}"
        error = f"{reason} ({error})" if reason else error
    STALE.clear()
    if SLIPPED:
        outcome, error = "unknown", SLIPPED[0]
    elif outcome != "unknown" and RAISED:
        outcome, error = "unknown", f"{RAISED[0]}, which the model's own code caught"
    elif outcome == "accepted" and path.refused:
        outcome, error = "unknown", "the model goes on where an operator refuses"
    return Trace(
        path,
        tracer.calls,
        outcome,
        output,
        error,
        source,
        kind,
        tracer.kernels,
        tracer.faults,
        joins=joins,
    )
