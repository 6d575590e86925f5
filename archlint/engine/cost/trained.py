"""Which parameters a backward pass can reach."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from archlint.tracing.call_scopes import may_train
from archlint.tracing.fx_graph import weights
from archlint.tracing.trace import Trace


def trained(traces: Iterable[Trace], models: Iterable[nn.Module]) -> set[str]:
    """The names of the parameters that some call reads where training records gradients.

    ``models``: those that were traced. What is read by nothing, or only under ``torch.no_grad()``,
    gets no gradient, and an optimizer keeps nothing for it.
    """
    read: set[int] = set()
    todo = list(traces)
    while todo:
        trace = todo.pop()
        todo += trace.others
        read |= trace.log.read
        logs = [trace.log]
        calls = list(trace.calls)  # of the log's on weights, what they read is in the log
        while logs:
            log = logs.pop()
            read |= log.read
            for span in log.merged:
                for branch in span.others:
                    calls += branch.calls
                    logs.append(branch.log)
        for call in calls:
            if may_train(call.recorded, call.scopes):
                read.update(id(w) for w in weights((call.args, call.kwargs)))
    return {
        name
        for model in models
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if id(parameter) in read
    }
