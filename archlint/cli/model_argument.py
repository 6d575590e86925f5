"""Models on the command line: targets, or names of models in the project's rule files.

Mistakes that need no torch are reported without importing it.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.cli.exit_codes import CannotRun

if TYPE_CHECKING:
    from archlint.contracts.contract import ModelRef


def model_argument(text: str, kwargs: Mapping[str, object] | None = None) -> tuple[ModelRef, Path]:
    """The model that an argument names, and its project's root.

    ``text`` is a target, or the name of a model in the default rule files. ``kwargs`` build the
    model, and replace those of the rule file. Raises ``CannotRun`` if it names no model.
    """
    from dataclasses import replace

    from archlint.contracts.contract import ModelRef
    from archlint.contracts.settings import project_root

    root = project_root(Path.cwd())
    if ":" in text:
        target = _from_root(text, root)
        _check_target(target, root)
        return ModelRef(text, target, kwargs=dict(kwargs or {})), root
    ref, root = _of_rule_files(text)
    return replace(ref, kwargs={**ref.kwargs, **(kwargs or {})}), root


def _from_root(target: str, root: Path) -> str:
    """The target with the path of a file in the current folder relative to the project's root."""
    module, _, name = target.rpartition(":")
    here = Path.cwd()
    if module.endswith(".py") and here != root and (here / module).is_file():
        return f"{Path(os.path.relpath(here / module, root)).as_posix()}:{name}"
    return target


def _check_target(target: str, root: Path) -> None:
    """Raise ``CannotRun`` if a target cannot name a model: its form, its file, a zoo's name."""
    from archlint.models.zoo_names import ZOOS, missing_model

    module, _, name = target.rpartition(":")
    if not module or not name:
        raise CannotRun(
            f"{target!r} is not a valid target; expected pkg.mod:factory, path/file.py:factory, "
            "torchvision:NAME or timm:NAME"
        )
    if module in ZOOS and "." not in name and (missing := missing_model(module, name)):
        raise CannotRun(missing)
    if module.endswith(".py"):
        _check_file(target, root / module, name)


def _check_file(target: str, file: Path, name: str) -> None:
    from archlint.contracts.suggestions import did_you_mean

    if not file.is_file():
        near = [p.name for p in file.parent.glob("*.py")]
        raise CannotRun(f"{target}: there is no file {file}{did_you_mean(file.name, near)}")
    defined = _defined(file)
    if defined and name.partition(".")[0] not in defined and "*" not in defined:
        hint = did_you_mean(name, sorted(defined)) or f"; it defines {', '.join(sorted(defined))}"
        raise CannotRun(f"{target}: {file.name} has no {name!r}{hint}")


def _defined(file: Path) -> set[str]:
    """The names that the source of a module may define; empty if it cannot be read."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    names = {n.name for n in ast.walk(tree) if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    names |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    names |= {a.asname or a.name for n in ast.walk(tree)
              if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}  # fmt: skip
    dynamic = {"globals", "exec", "setattr", "__getattr__"} & names
    return {*names, "*"} if dynamic else names


def _of_rule_files(name: str) -> tuple[ModelRef, Path]:
    from archlint.cli.select_jobs import read_rule_files
    from archlint.contracts.settings import SettingsError, project_root
    from archlint.contracts.suggestions import did_you_mean

    forms = "pass pkg.mod:factory, path/file.py:factory, torchvision:NAME or timm:NAME"
    try:
        files, mistakes = read_rule_files(())
    except SettingsError as e:
        raise CannotRun(f"{name!r} is not a target, and there is no rule file; {forms}") from e
    known = {n: (ref, project_root(f.path.parent)) for f in files for n, ref in f.models.items()}
    if name in known:
        return known[name]
    if mistakes:
        raise CannotRun("\n".join(map(str, mistakes)))
    hint = did_you_mean(name, list(known)) or f"; they have {', '.join(list(known)[:20]) or 'none'}"
    raise CannotRun(f"no model of the rule files is named {name!r}{hint}; or {forms}")
