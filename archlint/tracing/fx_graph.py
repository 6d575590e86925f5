"""One path as a ``torch.fx`` graph: a node per call, each with its sizes, needs and place.

The tracer records a flat list of calls; :func:`graph_of` makes a graph of it on request.
``node.meta`` holds

- ``shape``: the sizes of what came out, as formulas, nested as it was, or ``None``,
- ``claims``: what the call needs of the sizes, as :class:`~archlint.tracing.events.Event`,
- ``module``: the dotted path of the innermost module, ``source``: ``file:line`` of user code,
- ``call``: its index in ``trace.calls``; -1 for what is no call.

The graph documents a run. It cannot be executed: sizes in it are formulas.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from archlint.ops.registry import TensorSpec
from archlint.tracing.events import Event
from archlint.tracing.symint.node import size_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.trees import leaves

_SINGLE = frozenset(
    (int, float, bool, str, type(None), torch.Tensor, nn.Parameter, torch.dtype, torch.Size)
)
_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


def graph_of(trace: Trace, model: nn.Module | None = None) -> fx.Graph:
    """The calls of ``trace`` as a graph.

    With the ``model`` that was traced, its parameters and buffers are ``get_attr`` nodes under
    their own names. A write in place makes a new node for the tensor that was written to.
    """
    return _Builder(trace, tensor_names(model) if model is not None else {}).build()


def tensor_names(model: nn.Module) -> dict[int, str]:
    """The names of a model's parameters and buffers by ``id``."""
    named = (*model.named_buffers(remove_duplicate=False), *model.named_parameters())
    return {id(tensor): name for name, tensor in named}


def tensors(value: Any) -> list[SymbolicTensor]:
    """The symbolic tensors in nested arguments or results, in order."""
    found: list[SymbolicTensor] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[SymbolicTensor]) -> None:
    kind = type(value)
    if kind is SymbolicTensor:
        found.append(value)
    elif kind is tuple or kind is list:
        for part in value:
            _collect(part, found)
    elif kind is dict:
        for part in value.values():
            _collect(part, found)
    elif kind not in _SINGLE:
        found += [leaf for leaf in leaves(value) if type(leaf) is SymbolicTensor]


def weights(value: Any) -> list[torch.Tensor]:
    """The real tensors in nested arguments: parameters, buffers and constants."""
    real = (leaf for leaf in leaves(value) if type(leaf) is not SymbolicTensor)
    return [leaf for leaf in real if isinstance(leaf, torch.Tensor)]


def shapes(value: Any) -> Any:
    """What a call returned, each tensor as the tuple of its sizes; ``None`` for all else."""
    if type(value) is SymbolicTensor:
        return value.spec.dims
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, TensorSpec):
        return value.dims
    if isinstance(value, torch.Size):
        return None
    if isinstance(value, (list, tuple)):
        return [shapes(v) for v in value]
    return {k: shapes(v) for k, v in value.items()} if isinstance(value, dict) else None


def claims_by_call(trace: Trace) -> dict[int, list[Event]]:
    """The claims of each call that makes any."""
    found: dict[int, list[Event]] = {}
    for event in trace.path.events:
        if event.kind == "claim":
            found.setdefault(event.call, []).append(event)
    return found


class _Builder:
    def __init__(self, trace: Trace, names: Mapping[int, str]) -> None:
        self.trace = trace
        self.names = names
        self.graph = fx.Graph()
        self.nodes: dict[int, fx.Node] = {}  # id of a tensor -> the node that made it
        self.first: fx.Node | None = None

    def build(self) -> fx.Graph:
        claims = claims_by_call(self.trace)
        for index, call in enumerate(self.trace.calls):
            args = tuple(self._arg(a) for a in call.args)
            kwargs = {k: self._arg(v) for k, v in call.kwargs.items()}
            node = self.graph.call_function(call.func, args, kwargs)
            self._note(node, shapes(call.result), claims.get(index, []), call, index)
            self._made(call.result, node)
            written = call.args[0] if call.result is None and call.args else None
            if call.func is torch.Tensor.__setitem__ and type(written) is SymbolicTensor:
                node.meta["shape"] = written.spec.dims
                self.nodes[id(written)] = node
        last = [self.nodes[id(t)] for t in tensors(self._last_results()) if id(t) in self.nodes]
        if self.trace.outcome == "accepted" and last:
            node = self.graph.output(last[0] if len(last) == 1 else tuple(last))
            self._note(node, shapes(self.trace.output))
        return self.graph

    def _last_results(self) -> list[SymbolicTensor]:
        """The tensors whose specs are the output's."""
        wanted = {id(spec) for spec in leaves(self.trace.output)}
        made = (t for c in self.trace.calls for t in tensors((c.result, c.args)))
        kept = {id(t): t for t in made if id(t.spec) in wanted}
        return list(kept.values())

    def _made(self, result: Any, node: fx.Node) -> None:
        if type(result) is SymbolicTensor:
            self.nodes[id(result)] = node
        elif isinstance(result, (list, tuple)) and not isinstance(result, torch.Size):
            for i, item in enumerate(result):
                if tensors(item):
                    part = self.graph.call_function(operator.getitem, (node, i))
                    part.meta = {**node.meta, "shape": shapes(item), "claims": []}
                    self._made(item, part)

    def _arg(self, value: Any) -> Any:
        if type(value) is SymbolicTensor:
            same = () if value.may_be is None else value.may_be.tensors
            known = (self.nodes.get(id(tensor)) for tensor in (value, *same))
            return next((node for node in known if node is not None), None) or self._input(value)
        if isinstance(value, torch.Tensor):
            return self._weight(value)
        if isinstance(value, _SYMBOLIC):
            return size_of(value)
        if isinstance(value, slice):
            return slice(self._arg(value.start), self._arg(value.stop), self._arg(value.step))
        if isinstance(value, dict):
            return {k: self._arg(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._arg(v) for v in value]
            return items if isinstance(value, list) else tuple(items)
        return value

    def _input(self, tensor: SymbolicTensor) -> fx.Node:
        with self.graph.inserting_before(next(iter(self.graph.nodes), None)):
            node = self.graph.placeholder("input")
        self._note(node, tensor.spec.dims)
        self.nodes[id(tensor)] = node
        return node

    def _weight(self, tensor: torch.Tensor) -> fx.Node:
        found = self.nodes.get(id(tensor))
        if found is None:
            with self.graph.inserting_before(self._first_call()):
                name = self.names.get(id(tensor), "constant")
                found = self.graph.create_node("get_attr", name, name=name.replace(".", "_"))
            self._note(found, tuple(tensor.shape))
            self.nodes[id(tensor)] = found
        return found

    def _first_call(self) -> fx.Node | None:
        if self.first is None:
            self.first = next((n for n in self.graph.nodes if n.op == "call_function"), None)
        return self.first

    def _note(
        self,
        node: fx.Node,
        shape: Any = None,
        claims: list[Event] | None = None,
        call: Call | None = None,
        index: int = -1,
    ) -> None:
        node.meta = {
            "shape": shape,
            "claims": claims or [],
            "module": call.module if call else "",
            "source": call.source if call else "",
            "how": call.how if call else "",
            "call": index,
        }
