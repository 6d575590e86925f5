"""What a trace notes of calls on weights alone, which run for real and are not in its list."""

from __future__ import annotations

import weakref

import torch

from archlint.models.meta_weights import reads_floats
from archlint.ops.traits import traits_of, written_by
from archlint.tracing.call_scopes import may_train
from archlint.tracing.run import TraceRun
from archlint.tracing.tensors.specs import forget_elements, map_tensors, places_of, with_specs
from archlint.tracing.trace import Call
from archlint.tracing.trees import leaves


def note_weight_call(run: TraceRun, call: Call) -> None:
    """Note what the call read, what it counts as, and that random elements are not known."""
    log, traits = run.log, traits_of(call.func)
    log.reads_floats |= reads_floats(call.func, call.args, call.result)
    log.loses_floats |= _loses_floats(call)
    if may_train(run.scopes.recorded, run.scopes.now):
        map_tensors((call.args, call.kwargs), lambda tensor: log.read.add(id(tensor)))
    writes = "out" in call.kwargs or written_by(call.func, call.args, call.kwargs) != ()
    results = places_of(call.result)
    if writes or results:
        run.memory.note(places_of((call.args, call.kwargs)), results, writes)
    run.made += [weakref.ref(t) for t in leaves(call.result) if isinstance(t, torch.Tensor)]
    if traits.random:
        forget_elements(run, leaves(call.result))
    if traits.flops is not None:
        log.on_weights.append(with_specs(call))


def _loses_floats(call: Call) -> bool:
    """Whether integers or booleans are computed from floats that the model to trace does not have.

    They may give a shape, or be the elements that an index picks.
    """
    results = [t for t in leaves(call.result) if isinstance(t, torch.Tensor) and t.is_meta]
    if all(t.is_floating_point() for t in results):
        return False
    given = leaves((call.args, call.kwargs))
    return any(isinstance(t, torch.Tensor) and t.is_meta and t.is_floating_point() for t in given)
