"""Evaluates annotations that are text, also where jaxtyping cannot be imported.

Names mean what they mean in the module of the annotation. Where the module has them for type
checkers only (``if TYPE_CHECKING:``), its imports and assignments are read from its source.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archlint.runtime.code_owner import file_of_module

_LIBRARY = "jaxtyping"
_KINDS: dict[str, tuple[str, ...] | None] = {
    "Shaped": None, "Num": None, "Inexact": None, "Real": None, "Float": ("float32",),
    "Integer": ("int64",), "Int": ("int64",), "UInt": ("uint8",), "Complex": ("complex64",),
}  # fmt: skip
"""The dtypes that contracts have of each kind of jaxtyping; ``None`` for every dtype."""


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an annotation. Raises whatever its evaluation raises."""
    return eval(compile(text.strip(), "<annotation>", "eval"), {"__builtins__": builtins}, names)


class ModuleNames(Mapping[str, Any]):
    """The names of a module as its annotations see them.

    ``module`` is its name, ``file`` its source, if it has one; ``values`` the names that it has at
    run time.
    """

    def __init__(self, module: str, file: str | None, values: Mapping[str, Any]) -> None:
        self._module, self._values = module, values
        self._package = (
            getattr(sys.modules.get(module), "__package__", None) or (module.rpartition(".")[0])
        )
        self._written = dict(_written(file)) if file else {}
        self._open: set[str] = set()  # being evaluated: an alias of itself has no value

    @classmethod
    def of(cls, module: str) -> ModuleNames:
        """The names of a module, which need not be importable. Raises ``ImportError``."""
        try:
            found = importlib.import_module(module)
        except Exception:
            spec = importlib.util.find_spec(module)
            if spec is None or not spec.origin or not spec.origin.endswith(".py"):
                raise
            return cls(module, spec.origin, {})
        return cls(module, file_of_module(found), vars(found))

    def __getitem__(self, name: str) -> Any:
        written = self._written.get(name)
        imported = self._imported(written) if isinstance(written, tuple) else None
        if imported is not None and imported[0].partition(".")[0] == _LIBRARY:
            return _of_library(imported[1])
        if name in self._values:
            return self._values[name]
        if written is None or name in self._open:  # an annotation alone assigns nothing
            raise KeyError(name)
        self._open.add(name)
        try:
            if imported is None:
                return evaluate(ast.unparse(written), self)
            module, attribute = imported
            if not attribute:
                return importlib.import_module(module)
            try:
                return ModuleNames.of(module)[attribute]
            except KeyError:
                return importlib.import_module(f"{module}.{attribute}")
        finally:
            self._open.remove(name)

    def _imported(self, written: tuple[int, str, str]) -> tuple[str, str]:
        """The absolute name of a module, and that of its attribute, if one is imported."""
        level, module, attribute = written
        if not level:
            return module, attribute
        return importlib.util.resolve_name("." * level + module, self._package), attribute

    def __iter__(self) -> Iterator[str]:
        return iter({**self._written, **self._values})

    def __len__(self) -> int:
        return len({**self._written, **self._values})


def _written(file: str) -> Iterator[tuple[str, Any]]:
    """Imports as ``(level, module, attribute)`` and assigned expressions of a module, by name."""
    try:
        body = ast.parse(Path(file).read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    while body:
        statement, *body = body
        for part in ("body", "orelse", "finalbody", "handlers"):
            if isinstance(statement, (ast.If, ast.Try, ast.ExceptHandler)):
                body = [*getattr(statement, part, []), *body]
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or top, (0, top, "")
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                origin = (statement.level, statement.module or "", alias.name)
                yield alias.asname or alias.name, origin
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value


class _Library:
    """Stands for the module jaxtyping."""

    def __getattr__(self, name: str) -> Any:
        return _of_library(name)


class _Kind:
    """Stands for a class of jaxtyping such as ``Float``."""

    def __init__(self, name: str, dtypes: tuple[str, ...] | None) -> None:
        self._name, self._dtypes = name, dtypes

    def __getitem__(self, item: tuple[Any, str]) -> type:
        array, dims = item
        dtypes = self._dtypes
        if isinstance(getattr(array, "dim_str", None), str):  # Float[Image, "b"]
            dims = f"{dims} {array.dim_str}"
            dtypes = array.dtypes if dtypes is None else dtypes
            array = array.array_type
        values = {"array_type": array, "dim_str": dims, "dtypes": dtypes}
        return type(f"{self._name}[{dims!r}]", (), values)


def _of_library(name: str) -> Any:
    """What stands for a name of jaxtyping; for the module itself, if the name is empty."""
    if not name:
        return _Library()
    return _Kind(name, _KINDS.get(name, (name.lower(),)))
