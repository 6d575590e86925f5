"""Contracts from Python arguments: they are read as a rule file of one contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Union

from archlint.contracts.contract import Contract, Input, ModelRef
from archlint.contracts.rulefile.load import loads
from archlint.contracts.settings import current_project
from archlint.errors import ArchlintError, Mistake, RuleFileError

if TYPE_CHECKING:
    from torch import nn

    from archlint.models.targets import ModelSource

Shapes = Union[str, Mapping[str, Any], Sequence[Any]]
"""``"N 3 H W"``, or a mapping of argument names to shapes, or ``{"shape", "dtype", "below"}``."""

_HEAD = ("archlint: 1", "contracts:", "  - id: check", "    models: 'python:model'")
_INDENT = 4


def mistake_in_arguments(info: Any) -> bool:
    """For ``__tracebackhide__`` of pytest: whether an exception is about the caller's arguments."""
    return isinstance(info.value, ArchlintError)


def contract_of(**words: object) -> Contract:
    """The contract with these keys of a rule file, without id, models and location.

    ``None`` values are left out. Raises ``ArchlintError`` with all mistakes, a caret under each.
    """
    __tracebackhide__ = mistake_in_arguments
    present = {key: value for key, value in words.items() if value is not None}
    lines = [f"{key}: {json.dumps(value, default=_name)}" for key, value in present.items()]
    text = "\n".join([*_HEAD, *(" " * _INDENT + line for line in lines)])
    try:
        return _read_once(text) if _says_all(present) else _read(text)
    except RuleFileError as e:
        raise ArchlintError("\n".join(map(_shown, e.mistakes))) from None


def _says_all(words: Mapping[str, object]) -> bool:
    """Whether the text alone says what is meant: no plugin's key, and no file with ranges."""
    return "structure" not in words and not isinstance(words.get("accepts"), Mapping)


def _read(text: str) -> Contract:
    return replace(loads(text).contracts[0], id="", models=(), where=None)


_read_once = lru_cache(maxsize=256)(_read)


def input_of(input: object, mode: str = "eval") -> Input:
    """An input as a rule file would have it; empty for ``None``. Raises ``ArchlintError``."""
    __tracebackhide__ = mistake_in_arguments
    if input is None:
        return []
    return contract_of(input=input, accepts="any size", mode=mode).input


def source_of(model: nn.Module | str) -> ModelSource:
    """The source of a model or target. ``TargetError`` if there is none."""
    from archlint.models.targets import from_instance, resolve

    if isinstance(model, str):
        return resolve(ModelRef(model, model), current_project())
    return from_instance(model)


def _name(value: object) -> object:
    """A value that is not JSON, as a rule file writes it: ``torch.int64`` is int64."""
    return list(value) if isinstance(value, (set, frozenset)) else str(value).removeprefix("torch.")


def _shown(mistake: Mistake) -> str:
    """The mistake with its argument; there is no file to name."""
    where, source = mistake.where, mistake.source[_INDENT:]
    if where.line <= len(_HEAD):  # about the contract as a whole
        source = ""
    where = replace(where, column=max(where.column - _INDENT, 1))
    text = str(replace(mistake, where=where, source=source))
    return text.removeprefix(f"{where.file}:{where.line}:{where.column}: ")
