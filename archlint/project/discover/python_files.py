"""The Python files of a project that may define models, and their names in targets."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.project_files import files_below, is_skipped

SKIPPED = ("site-packages", "test", "tests", "testing")
_MODEL_CLASS = re.compile(rb"class +\w+\((?:torch\.)?(?:nn\.)?Module\)")
_RELATIVE = re.compile(rb"^[ \t]*from[ \t]+\.", re.MULTILINE)
BUILT = ("build", "dist")  # skipped unless they are packages


@dataclass(frozen=True)
class File:
    """One Python file. ``module``: its dotted name from the root of its package."""

    path: Path
    module: str
    imported: str  # its name in a target of the project; empty for a file outside packages

    def target(self, name: str, rules: Path) -> str:
        """The target of the definition ``name`` in a rule file in the folder ``rules``."""
        if self.imported:
            return f"{self.imported}:{name}"
        return f"{Path(os.path.relpath(self.path, rules)).as_posix()}:{name}"


def python_files(place: Path, root: Path) -> Iterator[File]:
    """The Python files under a folder, or the file itself, in a fixed order.

    Hidden folders, virtual environments, tests, and build or configuration files are skipped.
    """
    place = place.resolve()
    if place.is_file():
        yield located(place, root)
        return
    for file in files_below(place, _is_skipped):
        if file.suffix == ".py" and not _is_test(file.name) and file.is_file():
            yield located(file, root)


def notebooks_with_models(place: Path) -> list[Path]:
    """The Jupyter notebooks under a folder whose code has a subclass of ``nn.Module``."""
    files = files_below(place.resolve(), _is_skipped)
    notebooks = (f for f in files if f.suffix == ".ipynb" and f.is_file())
    return [f for f in notebooks if _MODEL_CLASS.search(f.read_bytes())]


def located(path: Path, root: Path) -> File:
    """The file with its module name."""
    base = path.parent
    while (base / "__init__.py").is_file() and base.name.isidentifier():
        base = base.parent
    module = _dotted(path, base)
    from_root = _dotted(path, root) if path.is_relative_to(root) else ""
    importable = all(part.isidentifier() for part in from_root.split("."))
    if base == path.parent:  # without an __init__.py relative imports work as well
        return (
            File(path, from_root, from_root)
            if (importable and "." in from_root and _imports_relatively(path))
            else File(path, module, "")
        )
    if base == root or _installed(module.partition(".")[0], base):
        return File(path, module, module)
    # A package in a src folder that is not installed: its relative imports work from the root.
    return File(path, module, from_root if importable else "")


def _imports_relatively(path: Path) -> bool:
    try:
        return bool(_RELATIVE.search(path.read_bytes()))
    except OSError:
        return False


def _dotted(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _installed(package: str, base: Path) -> bool:
    """Whether Python finds the package in this folder on ``sys.path``, without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    places = (spec.submodule_search_locations if spec else None) or ()
    return any(Path(place).resolve() == base / package for place in places)


def _is_skipped(folder: Path) -> bool:
    return (
        is_skipped(folder)
        or folder.name in SKIPPED
        or (folder.name in BUILT and not (folder / "__init__.py").is_file())
        or folder.name.endswith(".egg-info")
    )


def _is_test(name: str) -> bool:
    return (
        name.startswith(("test_", "."))
        or name.endswith("_test.py")
        or name in ("conftest.py", "setup.py", "noxfile.py")
    )
