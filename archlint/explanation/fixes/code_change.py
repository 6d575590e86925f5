"""Changes of a model that an edit of its source makes, applied to one instance."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from torch import nn

from archlint.explanation.fixes.source_edits import Function

Codes = Sequence[tuple[Function, types.CodeType]]


class RunWith:
    """Lets one module run with other code in some functions, for the time of its ``forward``."""

    def __init__(self, path: str, codes: Codes) -> None:
        self.path, self.codes = path, codes

    def __call__(self, model: nn.Module) -> nn.Module:
        module = model.get_submodule(self.path)
        before, codes = type(module).forward, self.codes
        own = vars(module).get("forward")

        def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
            had = [(function, function.__code__) for function, _ in codes]
            for function, code in codes:
                function.__code__ = code
            try:
                return own(*args, **kwargs) if own else before(self, *args, **kwargs)
            finally:
                for function, code in had:
                    function.__code__ = code

        module.forward = types.MethodType(forward, module)
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
