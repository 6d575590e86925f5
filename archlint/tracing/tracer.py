"""One run of a model on symbolic sizes.

A tracer is a ``TorchFunctionMode``: it sees every function-level call of the model. A call with a
symbolic tensor is answered by the first of

1. an attribute (``x.shape``, ``x.dtype``),
2. the operator's shape rule,
3. if the function is PyTorch's own Python (``F.multi_head_attention_forward``): its body, whose
   inner calls come here again,
4. PyTorch's meta kernel, run on symbolic sizes.

Calls without a symbolic tensor or size run for real.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from archlint.contracts.contract import Input
from archlint.models.model_code import ModelCode
from archlint.ops.overloads import as_python_call
from archlint.ops.registry import NoRule, Refused, TensorSpec
from archlint.ops.rules.split import Pieces
from archlint.ops.traits import Unchecked, traits_of
from archlint.runtime.frame_room import with_room
from archlint.runtime.gc_pause import gc_paused
from archlint.runtime.interruptions import stops_run
from archlint.runtime.user_frames import summary, user_line
from archlint.symbolic import Expr
from archlint.symbolic.formula import Formula
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.call_log import MOST_CALLS
from archlint.tracing.identity.same_tensors import with_same
from archlint.tracing.ignored_errors import MISTAKE, reason_to_ignore, shown_error
from archlint.tracing.inputs import arguments
from archlint.tracing.keys.found_keys import note_mixed_keys, note_output
from archlint.tracing.loops.loops import Loops
from archlint.tracing.loops.segments import Segment, SymbolicTuple
from archlint.tracing.meta_kernels import NUMBERS, python_body, run_kernel
from archlint.tracing.module_stack import ModuleStack
from archlint.tracing.operators import Operators
from archlint.tracing.outputs import structure
from archlint.tracing.path import TracedPath
from archlint.tracing.python.attention_fast_path import attention_laid_out
from archlint.tracing.python.draws import draws_unknown
from archlint.tracing.python.function_transforms import (
    function_transforms_traced,
    refuse_in_transform,
    transforms_active,
)
from archlint.tracing.python.gradient_scopes import gradient_scopes_noted
from archlint.tracing.python.layer_calls import layer_answers
from archlint.tracing.python.legacy_constructors import legacy_constructors_followed
from archlint.tracing.python.library_functions import library_functions_traced, own_body
from archlint.tracing.python.lru_caches import lru_caches_restored
from archlint.tracing.python.math_functions import math_of_sizes
from archlint.tracing.python.watched_blocks import watching_noted
from archlint.tracing.real_calls import real_attribute, real_call
from archlint.tracing.refused_values import refusable
from archlint.tracing.rule_calls import as_numbers, call_rule, with_dense
from archlint.tracing.run import TraceRun, running
from archlint.tracing.signals import CannotMerge, UnknownOutcome
from archlint.tracing.symint.python_types import user_number
from archlint.tracing.tensors.aliasing import check_overlap
from archlint.tracing.tensors.attributes import ATTRIBUTES
from archlint.tracing.tensors.autograd import Gradients
from archlint.tracing.tensors.counted_ones import with_ones
from archlint.tracing.tensors.questions import OF_TENSOR, answered, unanswered
from archlint.tracing.tensors.same_elements import with_truth
from archlint.tracing.tensors.specs import (
    CASTS_LIKE_ANOTHER,
    cast_of_real,
    forget_elements,
    has_integers,
    has_tensors,
    has_unknown_elements,
    is_symbolic,
    spec_of,
)
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, symbolic_tensor
from archlint.tracing.tensors.value_tracking import Elements
from archlint.tracing.torchscript import torchscript_followed
from archlint.tracing.trace import Call, Trace, call_name
from archlint.tracing.trees import leaves
from archlint.tracing.weight_calls import note_weight_call

Merged = Callable[["Tracer", torch.nn.Module, ModelCode], AbstractContextManager[None]]
"""What makes a context in which branches of a model's modules are merged."""

_OPERATORS = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)


class Tracer(TorchFunctionMode):
    """Computes a model's calls on one path. With ``rules=False`` all go to PyTorch's kernels.

    ``lean``: weights of the model may be left out, as in :mod:`.real_calls`.
    """

    def __init__(
        self, model: torch.nn.Module, path: TracedPath, rules: bool = True, lean: bool = False
    ) -> None:
        super().__init__()
        self.path, self.lean = path, lean
        self.calls: list[Call] = []
        self.kernels: dict[str, int] = {}
        self.faults: dict[str, str] = {}
        self.rules = rules
        self.run = TraceRun(path)
        self.log = self.run.log
        self.place = ModuleStack(model, self.run, self.log, self.calls, path.events)
        self.elements = Elements(path)
        self.gradients = Gradients(path, self.run, transforms_active)
        self.loops: Loops | None = None
        self.stand_ins: Callable[..., Any] | None = None
        self.inputs: list[SymbolicTensor] = []
        self._operators = Operators()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if transforms_active():
            refuse_in_transform(func, bool(self.run.vmaps))
        if self.loops is not None:
            func, args, kwargs = self.loops.arguments(func, args, kwargs)
        if self.stand_ins is not None:
            args, kwargs = self.stand_ins(func, args, kwargs)
        kernel = None
        if self.rules and isinstance(func, _OPERATORS):
            kernel = func, args, kwargs
            func, args, kwargs = as_python_call(func, args, kwargs, ATTRIBUTES)
        if func in CASTS_LIKE_ANOTHER and SymbolicTensor in types:
            func, args, kwargs, types = cast_of_real(func, args, kwargs, types)
        attribute = ATTRIBUTES.get(func)
        if attribute is not None and args:
            if type(args[0]) is SymbolicTensor:
                return attribute(self.path, spec_of(args[0]), *args[1:], **kwargs)
            return real_attribute(self, attribute, func, args, kwargs)
        if func in OF_TENSOR and type(args[0]) is SymbolicTensor:
            return answered(self.path, func, self.calls, args[0])
        if (
            SymbolicTensor not in types
            and not is_symbolic((*args, *kwargs.values()))
            and not has_unknown_elements(self.run, (args, kwargs))
        ):
            before = len(self.calls)
            if traits_of(func).draws_integers and self.rules and self._operators[func].rule:
                return self.call(func, args, kwargs)  # whose rule knows between which they are
            result = real_call(self, func, args, kwargs)
            if len(self.calls) > before:  # it was answered with a stand-in
                return result
            module = self.place.innermost
            note_weight_call(self.run, Call(func, args, kwargs, module, None, 0, result=result))
            return result
        return self.call(func, args, kwargs, kernel)

    def call(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        kernel: tuple[Any, tuple[Any, ...], dict[str, Any]] | None = None,
    ) -> Any:
        """The result of a call; ``kernel``: what runs if its rule is not for these arguments."""
        if self.run.stops:  # the model's own code caught what should have ended the run
            raise UnknownOutcome(self.run.stops[0])
        if func is torch.autograd.grad:
            return self.gradients.grad(*args, **kwargs)
        operator = self._operators[func]
        if operator.product:
            func, args = with_dense(func, args)
            operator = self._operators[func]
        rule = operator.rule if self.rules else None
        if rule is None:
            reason = "" if transforms_active() else unanswered(func)
            if reason:
                raise UnknownOutcome(reason)
            if func in NUMBERS:
                return func(*args, **kwargs)
            body = python_body(func)
            if body is not None:
                with self:
                    return body(*args, **kwargs)
        index = len(self.calls)
        if index == MOST_CALLS:
            raise UnknownOutcome(f"the path has more than {MOST_CALLS:,} calls of operators")
        merged = self.path.forced is not None  # a branch whose calls are counted, not shown
        code, line = (None, 0) if merged else self.place.user_frame(run_model.__code__)
        call = Call(func, args, kwargs, self.place.innermost, code, line)
        call.scopes, call.recorded = self.run.scopes.now, self.run.scopes.recorded
        self.calls.append(call)
        self.path.calls = index + 1
        in_place = operator.is_in_place(args, kwargs)
        if in_place or operator.writes or "out" in kwargs:
            forget_elements(self.run, check_overlap(self.path, call, self.calls))
        if doubt := refusable(self.path, call, self.calls):
            self.path.unproved(doubt)
        if rule is not None:
            try:
                called = call_rule(self.path, operator, func, args, kwargs, in_place)
                result, known, settings, call.args, call.kwargs = called
            except NoRule:
                pass
            except Refused:
                raise
            except Exception as e:  # a bug of a rule must never look like the model's
                self.faults[call.op] = summary(e)
            else:
                if in_place:
                    call.result = self.elements.write(args[0], known[0], result)
                elif func is torch.Tensor.__setitem__:
                    self.elements.put(args[0], known[0], known[2])
                else:
                    if operator.has_facts:
                        result = with_ones(call, with_truth(self.path, call, self.calls, result))
                    call.result = self._stand(result, index, func)
                    if operator.has_facts:
                        call.result = with_same(self.path, call, known, settings, call.result)
                returned = call.result
                if type(returned) is SymbolicTuple:
                    call.result = tuple(s.value for s in returned.segments)
                self.elements.learn(call, rule, known, settings, operator.owns)
                self.gradients.learn(call)
                return returned
            own = own_body(func)
            if own is not None:
                with self:
                    call.result = own(*args, **kwargs)
                return call.result
        call.how = "kernel"
        args, kwargs = as_numbers(self.path, func, args, kwargs) or (args, kwargs)
        call.result = self._kernel(*(kernel or (func, args, kwargs)), index)
        self.gradients.learn(call)
        return call.result

    def _stand(self, result: Any, index: int, func: Any) -> Any:
        if isinstance(result, TensorSpec):
            result = self.path.simplest(result)
            tensor = symbolic_tensor(result, index)
            self.elements.made(tensor)
            return tensor
        if isinstance(result, Pieces) and self.loops is not None:
            runs = [Segment(self._stand(spec, index, func), n) for spec, n in result.runs]
            return SymbolicTuple.of(self.loops, runs)
        if isinstance(result, (tuple, list)):
            items = [self._stand(r, index, None) for r in result]
            if isinstance(result, list):
                return items
            named = getattr(torch.return_types, getattr(func, "__name__", "?"), None)
            return named(items) if named is not None and len(items) > 1 else tuple(items)
        if isinstance(result, (Expr, Formula, Ratio, Opaque)):
            return user_number(result, self.path)
        return result

    def _kernel(self, func: Any, args: Any, kwargs: Any, index: int) -> Any:
        if self.path.forced is not None:
            raise CannotMerge  # a kernel looks at the hint
        if has_tensors((args, kwargs)):
            self.elements.ran_kernel(func, kwargs)
        name = f"{getattr(func, '__module__', '') or ''}.{getattr(func, '__qualname__', func)}"
        self.kernels[name] = self.kernels.get(name, 0) + 1
        unchecked = traits_of(func).unchecked
        if unchecked is Unchecked.INDICES or (
            unchecked is Unchecked.UNKNOWN and has_integers((args, kwargs))
        ):
            self.path.unproved(f"{call_name(func)} has no rule; its indices are not checked")
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
    merging: Merged | None = None,
    loops: Loops | None = None,
    constructors: bool = False,
    stand_ins: Callable[..., Any] | None = None,
    code: ModelCode | None = None,
    lean: bool = False,
) -> Trace:
    """Run ``model`` once on symbolic tensors, along the path that the sizes ``env`` take.

    ``input`` describes the arguments; ``box`` bounds the sizes that the caller is interested in.
    With ``symbolic=False`` every size is a number, and the tracer is an ordinary interpreter; with
    ``rules=False`` all calls go to PyTorch's kernels. ``path`` replaces the path of ``env`` in
    ``box``. ``merging``: what merges branches that rejoin in a module (:mod:`.merge.module_merge`).
    ``constructors``: as in :mod:`.python.legacy_constructors`. ``stand_ins`` replaces arguments.
    ``code``: the model's, if known. ``lean``: as of :class:`Tracer`.

    Raises :class:`~.python.builtins.Retrace` and time limits. The caller restores the model.
    """
    path = path or TracedPath(env, box)
    tracer = Tracer(model, path, rules, lean)
    tracer.stand_ins = stand_ins
    path.calls_so_far = tracer.calls
    if loops is not None:
        tracer.loops = loops
        path.follows_loops = True
        loops.begin(tracer)
    try:
        with running(tracer.run), legacy_constructors_followed(constructors):
            code = code or ModelCode.of(model)
            end = with_room(run_model, tracer, model, input, env, symbolic, merging, code)
    finally:
        tracer.place.answer, tracer.loops, path.calls_so_far = None, None, ()  # all in cycles
    run = tracer.run
    if run.bypassed:
        end = replace(end, outcome="unknown", error=run.bypassed[0])
    elif end.outcome != "unknown" and run.stops:
        text = f"{run.stops[0]}, which the model's own code caught"
        end = replace(end, outcome="unknown", error=text)
    elif end.outcome == "accepted" and path.refused:
        end = replace(end, outcome="unknown", error="the model continues after an operator failed")
    return Trace(
        path,
        tracer.calls,
        **vars(end),
        kernels=tracer.kernels,
        faults=tracer.faults,
        log=tracer.log,
    )


@dataclass(frozen=True)
class _End:
    """How a run ended, as in :class:`~.trace.Trace`."""

    outcome: str
    output: Any = None
    error: str = ""
    source: str = ""
    kind: str = ""
    module: str = ""


def run_model(
    tracer: Tracer,
    model: torch.nn.Module,
    input: Input,
    env: Mapping[str, int],
    symbolic: bool,
    merging: Merged | None,
    code: ModelCode,
) -> _End:
    """Call the model under the tracer, as :func:`trace`; frames below belong to the model."""
    path, raising = tracer.path, tracer.place.raising
    args, kwargs = arguments(model, input, env, symbolic)
    tracer.inputs = [t for t in leaves((args, kwargs)) if type(t) is SymbolicTensor]
    called = False
    try:
        with ExitStack() as replaced:
            replaced.enter_context(torch.no_grad())
            replaced.enter_context(gc_paused())
            replaced.callback(note_mixed_keys, path)
            replaced.enter_context(tracer.place.followed())
            replaced.enter_context(library_functions_traced())
            replaced.enter_context(function_transforms_traced())
            replaced.enter_context(attention_laid_out(tracer.run))
            replaced.enter_context(gradient_scopes_noted())
            replaced.enter_context(watching_noted())
            replaced.enter_context(lru_caches_restored(code, tracer.run.remembered))
            replaced.enter_context(draws_unknown(path, tracer.run, code))
            replaced.enter_context(math_of_sizes(code.classes))
            replaced.enter_context(torchscript_followed(code.classes, tracer.run))
            if merging is not None:
                replaced.enter_context(merging(tracer, model, code))
            with tracer:
                called = True
                tracer.place.answer = layer_answers(tracer)
                returned = contextvars.copy_context().run(model, *args, **kwargs)
        return _End("accepted", structure(note_output(path, returned), spec_of, torch.is_tensor))
    except Refused as e:
        last = path.events[-1] if path.events else None
        refused = last is not None and last.kind == "claim" and not last.held
        outcome = "refused" if refused else "raised"
        return _End(outcome, None, str(e), user_line(e) or "", "RuntimeError", raising(e))
    except UnknownOutcome as e:
        return _End("unknown", None, str(e), user_line(e) or "")
    except BaseException as e:
        if stops_run(e):
            raise
        kind, error, source = type(e).__name__, shown_error(e), user_line(e) or ""
        if reason := reason_to_ignore(e) if called else MISTAKE:
            return _End("unknown", None, f"{reason} ({error})", source, kind)
        return _End("raised", None, error, source, kind, raising(e))
