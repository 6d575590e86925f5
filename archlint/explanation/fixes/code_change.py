"""Changes of a model that an edit of its source makes, applied to one instance."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import makers_of, recompiled
from archlint.runtime.live_functions import functions_of_code
from archlint.tracing.trace import Call


def edited_functions(
    broken: BrokenContract, edit: Edit | None, calls: Iterable[Call], title: str, note: str = ""
) -> Iterator[Proposal]:
    """The model with an edit of the functions that make some calls, if it fits them all."""
    change = run_with(edit, calls)
    if edit is not None and change is not None:
        made = patched(broken.source, change)
        yield Proposal(title, broken.contract, made, (edit,), note=note)


def run_with(
    edit: Edit | None,
    calls: Iterable[Call],
    known: dict[types.CodeType, list[types.FunctionType]] | None = None,
) -> RunWith | None:
    """The change that an edit makes to the functions of some calls; ``None`` if it fits none.

    ``known``: the functions of codes that were asked for before; those of other codes are added.
    """
    if edit is None:
        return None
    known = {} if known is None else known
    codes: dict[types.CodeType, types.CodeType] = {}
    functions: list[types.FunctionType] = []
    for call in calls:
        own = makers_of(call, known)
        fitting = {f.__code__: code for f in own if (code := recompiled(f, edit)) is not None}
        if not fitting:
            return None
        codes |= fitting
        functions += [f for f in own if f.__code__ in fitting and f not in functions]
    return RunWith(codes, functions) if codes else None


class RunWith:
    """Lets a model run with other code in some functions, for the time of its ``forward``.

    ``codes`` maps the code of functions to other code; ``functions`` are those that have it.
    Functions that each model makes for itself, its lambdas for example, are found at every model.
    """

    def __init__(
        self,
        codes: Mapping[types.CodeType, types.CodeType],
        functions: Sequence[types.FunctionType],
    ) -> None:
        self.codes = codes
        self._functions = functions
        self._made_anew = any(
            c.co_name == "<lambda>" or c.co_flags & inspect.CO_NESTED for c in codes
        )

    def __call__(self, model: nn.Module) -> nn.Module:
        before = type(model).forward
        functions = functions_of_code(*self.codes) if self._made_anew else self._functions
        codes = [(f, self.codes[f.__code__]) for f in functions]
        own = vars(model).get("forward")

        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            had = [(function, function.__code__) for function, _ in codes]
            spaces = [f.__globals__ for f, _ in codes if "torch" not in f.__globals__]
            for function, code in codes:
                function.__code__ = code
            for space in spaces:
                space["torch"] = torch  # which the edit imports
            try:
                return own(*args, **kwargs) if own else before(self, *args, **kwargs)
            finally:
                for function, code in had:
                    function.__code__ = code
                for space in spaces:
                    space.pop("torch", None)

        functools.update_wrapper(forward, before)
        model.forward = types.MethodType(forward, model)
        return model


class InsertPool:
    """Puts an adaptive pool before a flatten layer, under the same name."""

    def __init__(self, path: str, grid: tuple[int, ...]) -> None:
        self.path, self.grid = path, grid

    def __call__(self, model: nn.Module) -> nn.Module:
        owner, _, name = self.path.rpartition(".")
        kind = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
        pool = kind[len(self.grid)](self.grid)
        modules = model.get_submodule(owner)._modules
        before = modules[name]
        assert before is not None
        modules[name] = nn.Sequential(pool, before)
        return model
