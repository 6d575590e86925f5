"""Targets that archlint does not import or call: no model is in Python's standard library.

Its functions start processes, write files and run code, and a rule file would choose their
arguments. The argument of a model (``of:``) may be of one of its classes of plain data.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

from archlint.runtime.code_owner import file_of_module, is_python

_DATA = frozenset((
    "argparse:Namespace", "collections:ChainMap", "collections:Counter", "collections:OrderedDict",
    "collections:defaultdict", "collections:deque", "datetime:date", "datetime:timedelta",
    "decimal:Decimal", "fractions:Fraction", "pathlib:Path", "pathlib:PurePath",
    "pathlib:PurePosixPath", "types:SimpleNamespace", "builtins:complex", "builtins:frozenset",
    "builtins:range", "builtins:set", "builtins:slice", "builtins:tuple",
))  # fmt: skip
"""Targets whose call builds a value and does nothing else."""

_CALLABLE = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def is_data(target: str) -> bool:
    """Whether the target is a class of plain data in the standard library."""
    return target in _DATA


def refused_module(name: str, root: Path) -> str:
    """Why the module must not be imported; ``""`` if it may be.

    A module or package of the project may have the name of one of the standard library.
    """
    top = name.partition(".")[0]
    if top not in sys.stdlib_module_names or (root / top).is_dir() or (root / f"{top}.py").exists():
        return ""
    return _reason(top)


def refused_object(value: Any) -> str:
    """Why what a target names must not be called; ``""`` if it may be.

    A target can reach the standard library through any module that imports it.
    """
    if isinstance(value, types.ModuleType) or not isinstance(value, _CALLABLE):
        return ""
    owner = getattr(value, "__self__", None)
    module = value.__module__ or getattr(owner, "__name__", None) or type(owner).__module__
    top = str(module).partition(".")[0]
    return _reason(top) if _is_standard(top) else ""


def _is_standard(top: str) -> bool:
    """Whether the module that is loaded under this name is the standard library's."""
    file = file_of_module(sys.modules.get(top))
    return top in sys.stdlib_module_names and (file is None or is_python(file))


def _reason(top: str) -> str:
    return f"{top} is a module of Python's standard library, which has no models"
