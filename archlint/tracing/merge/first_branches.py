"""Merges branches in the run that finds which classes of modules branch.

That is not known before the run, and calls are not prepared for merging unless their class is known
to branch. So the first call of a class that branches is merged once it was made, if only its result
shows that it was made. Later calls of the class are prepared. Other modules of the class are to be
expected: a class with one module in the model waits for its second call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import nn

from archlint.models.model_code import ModelCode
from archlint.models.snapshot import Snapshot
from archlint.ops.registry import TensorSpec
from archlint.runtime.surroundings import Surroundings
from archlint.tracing.merge.marked_tensors import MarkedTensors
from archlint.tracing.merge.module_merge import MOST_CLASSES, Before, Merging
from archlint.tracing.module_stack import class_name
from archlint.tracing.python.module_calls import ModuleCall
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import LEAVES

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer


class Start(NamedTuple):
    """A call of a module, and the run before it."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    specs: list[tuple[SymbolicTensor, TensorSpec]]
    before: Before
    stops: int
    kernels: int


class FirstBranches:
    """The branches of one run.

    ``snapshot``: of the model and its code at the start of the run.
    ``on_second_branch``: as of :class:`.module_stack.ModuleStack`, for branches that cannot be
    merged; these are all of them if not ``merges``.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        on_second_branch: Callable[[list[str]], None],
        merges: bool,
    ) -> None:
        self.branching: set[str] = set()  # the classes whose branches are merged
        self._snapshot, self._on_second_branch = snapshot, on_second_branch
        self._merges = merges  # whether branches are merged at all
        self._merging: Merging | None = None
        self._marked: MarkedTensors | None = None  # once a call has branched

    @contextmanager
    def merged(self, tracer: Tracer, model: nn.Module, code: ModelCode) -> Iterator[None]:
        """A context in which branches are merged where that is possible."""
        place = tracer.place
        place.on_second_branch = self._on_second_branch
        place.first_branches = self if self._merges else None
        self._tracer, self._model, self._code = tracer, model, code
        self._surroundings = Surroundings()
        try:
            with ExitStack() as self._contexts:
                yield
        finally:
            place.first_branches = self._merging = self._marked = None
            del self._tracer, self._model, self._contexts

    def start(self, module: nn.Module, args: tuple[Any, ...], kwargs: Any) -> Start | None:
        """The state before a call; ``None`` if it is prepared for merging, or cannot be merged."""
        tracer = self._tracer
        kind: Any = type(module)
        if _is_torchs(kind) or module.training or tracer.path.forced is not None:
            return None
        if self.branching and class_name(module) in self.branching:
            return None
        given = (*args, *kwargs.values())
        tensors = [a for a in given if type(a) is SymbolicTensor]
        if len(tensors) < len(given) and not all(
            type(a) is SymbolicTensor or type(a) in LEAVES for a in given
        ):
            return None
        return Start(
            module, args, kwargs, [(t, t.spec) for t in tensors],
            Before.of(tracer, self._surroundings),
            len(tracer.run.stops), sum(tracer.kernels.values()),
        )  # fmt: skip

    def merge(self, start: Start, returned: Any) -> Any:
        """What a call returns that branched: merged, or as it ``returned`` if that is not possible.

        Later calls of its class are prepared for merging from now on.
        """
        kind = class_name(start.module)
        several = sum(class_name(module) == kind for module in self._model.modules()) > 1
        if not several or len(self.branching) == MOST_CLASSES or not self._is_undoable(start):
            return returned
        tracer = self._tracer
        if self._merging is None:
            self._merging = Merging(tracer, self._model, self._code, self._marked_tensors())
            called = partial(self._called, self._merging)
            self._contexts.enter_context(self._merging.calls_through(called))
            tracer.place.on_second_branch = None
        self.branching.add(kind)
        return self._merging.merged(start.before, start.module, start.args, start.kwargs, returned)

    def _called(
        self, merging: Merging, original: ModuleCall, module: nn.Module, args: Any, kwargs: Any
    ) -> Any:
        if class_name(module) in self.branching:
            return merging.call(module, args, kwargs)
        return original(module, *args, **kwargs)

    def _is_undoable(self, start: Start) -> bool:
        """Whether the model, the arguments and the run are as they were, but for the path."""
        tracer, run = self._tracer, self._tracer.run
        return (
            tracer.path.only_sizes_since(start.before.path)
            and start.before.no_writes()
            and len(run.stops) == start.stops
            and not tracer.path.refused
            and sum(tracer.kernels.values()) == start.kernels
            and not run.unknown_elements
            and not run.memory.written_since(start.before.memory)
            and all(tensor.spec is spec for tensor, spec in start.specs)
            and not self._marked_tensors()
            and not self._surroundings.changed()
            and not self._snapshot.changed()
        )

    def _marked_tensors(self) -> MarkedTensors:
        if self._marked is None:
            self._marked = MarkedTensors(self._tracer, self._model, begun=True)
        return self._marked


@lru_cache(maxsize=4096)
def _is_torchs(kind: Any) -> bool:
    """Whether it is a layer or container of PyTorch, which seldom branches."""
    return str(kind.__module__).startswith("torch.nn.modules.")
