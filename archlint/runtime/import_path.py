"""Imports from folders and files that are not on ``sys.path``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted


@contextmanager
def import_path(folders: Sequence[Path]) -> Iterator[None]:
    """Put ``folders`` first on ``sys.path`` inside the block, and take them off it afterwards.

    What the block itself adds to ``sys.path`` stays.
    """
    with PROCESS_LOCK:
        added = list(map(str, folders))
        try:
            sys.path[:0] = added
            importlib.invalidate_caches()
            yield
        finally:
            with uninterrupted():
                for folder in added:
                    if folder in sys.path:
                        sys.path.remove(folder)


def folders_of_file(path: Path, root: Path) -> tuple[Path, ...]:
    """Where a file imports from: its folder, those above it that are no packages, the root."""
    above = path.parent.parents if path.is_relative_to(root) else ()
    outer = [f for f in above if f != root and f.is_relative_to(root) and not _is_package(f)]
    return (path.parent, *outer, root)


def folders_of_module(name: str, root: Path) -> tuple[Path, ...]:
    """Where a module of the project imports from: the root, then as for a file."""
    outer = folders_of_file(root.joinpath(*name.split(".")), root)
    return (root, *(folder for folder in outer if folder != root and not _is_package(folder)))


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file() or not folder.is_dir()


def import_file(name: str, path: Path) -> ModuleType:
    """Run the file as a module called ``name``, which ``sys.modules`` holds if that succeeds.

    Raises whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look it up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def python_path_of_new_processes(folders: Iterable[str]) -> Iterator[None]:
    """A context in which processes that start have these folders first in ``PYTHONPATH``."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, *filter(None, [before])])
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
