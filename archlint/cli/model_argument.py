"""Models on the command line: targets, or names of models in the project's rule files.

Mistakes that need no torch are reported without importing it.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.errors import RuleFileError

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract, Input, ModelRef


def model_argument(text: str, kwargs: Mapping[str, object] | None = None) -> tuple[ModelRef, Path]:
    """The model that an argument names, and its project's root.

    ``text`` is a target, or the name of a model in the default rule files. ``kwargs`` build the
    model, and replace those of the rule file. Raises ``CannotRun`` if it names no model.
    """
    from dataclasses import replace

    from archlint.contracts.contract import ModelRef
    from archlint.contracts.settings import current_project

    root = current_project()
    if ":" in text:
        target = _from_root(text, root)
        _check_target(target, root)
        return ModelRef(text, target, kwargs=dict(kwargs or {})), root
    ref, root, _ = _of_rule_files(text)
    return replace(ref, kwargs={**ref.kwargs, **(kwargs or {})}), root


def stated_input(name: str, input: Input, mode: str = "eval") -> Input:
    """``input``, or if it is empty that of the first contract about the model ``name``.

    Contracts in this mode come first. stderr names the contract; empty if there is none.
    """
    from archlint.contracts.accepted_set import input_text

    if input or ":" in name:
        return input
    contracts = [c for c in _of_rule_files(name)[2] if c.input]
    contracts.sort(key=lambda c: c.mode != mode)
    if not contracts:
        return input
    first = contracts[0]
    others = any(c.input != first.input for c in contracts)
    click.echo(
        f"input {input_text(first.input)}: as in contract {first.id!r} at {first.where}"
        + ("; --input states another" if others else ""),
        err=True,
    )
    return first.input


def names_of(target: str) -> set[str]:
    """The names by which rule files, and so lock files, know a target: itself, at the least."""
    from archlint.cli.select_jobs import read_rule_files
    from archlint.contracts.settings import SettingsError, project_root

    names = {target}
    try:
        files, _ = read_rule_files(())
    except SettingsError:
        return names
    here = with_whole_path(target, Path.cwd())
    models = [(f, ref) for f in files for c in f.contracts for ref in c.models]
    models += [(f, ref) for f in files for ref in f.models.values()]
    for file, ref in models:
        folders = (file.path.parent, project_root(file.path.parent))
        if (
            not ref.args
            and not ref.kwargs
            and any(with_whole_path(ref.target, f) == here for f in folders)
        ):
            names.add(ref.name)
    return names


def with_whole_path(target: str, folder: Path) -> str:
    """A target with the whole path of its file: the same for the rule files of all folders."""
    module, _, name = target.rpartition(":")
    return f"{(folder / module).resolve()}:{name}" if module.endswith(".py") else target


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
    if module.endswith(":") and not module.startswith(":"):
        raise CannotRun(f"{target!r} is not a valid target; did you mean "
                        f"{module.rstrip(':')}:{name}?")  # fmt: skip
    if not module or not name:
        raise CannotRun(
            f"{target!r} is not a valid target; expected pkg.mod:factory, path/file.py:factory, "
            "torchvision:NAME or timm:NAME"
        )
    if module in ZOOS and "." not in name and (missing := missing_model(module, name)):
        raise CannotRun(missing)
    if module.endswith(".ipynb"):
        command = f"jupyter nbconvert --to script {shlex.quote(module)}"
        raise CannotRun(f"{module} is a notebook; {command} writes its code to a .py file")
    if (root / f"{module}.py").is_file() and "/" in module:
        raise CannotRun(f"{target!r} is not a valid target; did you mean {module}.py:{name}?")
    if module.endswith(".py"):
        _check_file(target, root / module, name)


def _check_file(target: str, file: Path, name: str) -> None:
    from archlint.contracts.suggestions import did_you_mean

    if not file.is_file():
        near = [p.name for p in file.parent.glob("*.py")]
        raise CannotRun(f"{target}: there is no file {file}{did_you_mean(file.name, near)}")
    try:
        source = file.read_text(encoding="utf-8", errors="replace")
        statements = ast.parse(source).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the import says what is wrong
    if re.search(rf"\b{re.escape(name.partition('.')[0])}\b", source) or _DYNAMIC.search(source):
        return
    defined = sorted(n for statement in statements for n in _defined(statement))
    hint = did_you_mean(name, defined)
    hint = hint or (f"; it defines {', '.join(defined)}" if defined else "")
    raise CannotRun(f"{target}: {file.name} has no {name!r}{hint}")


_DYNAMIC = re.compile(r"import \*|globals|locals|vars|exec|setattr|__getattr__|__dict__|__import__")
"""What may define names that do not stand in the source."""


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in statement.names]
    if isinstance(statement, ast.Assign):
        return [t.id for t in statement.targets if isinstance(t, ast.Name)]
    return []


def _of_rule_files(name: str) -> tuple[ModelRef, Path, list[Contract]]:
    """The model of a name, its project's root, and the contracts about it."""
    from archlint.cli.select_jobs import read_rule_files
    from archlint.contracts.settings import SettingsError, project_root
    from archlint.contracts.suggestions import did_you_mean, listed
    from archlint.project.lock_check import build_arguments

    forms = "pass pkg.mod:factory, path/file.py:factory, torchvision:NAME or timm:NAME"
    try:
        files, mistakes = read_rule_files(())
    except SettingsError as e:
        _check_no_file(name)
        meant = _target_of(name, Path.cwd())
        hint = f"did you mean {meant}?" if meant else forms
        raise CannotRun(f"{name!r} is not a target, and there is no rule file; {hint}") from e
    known: dict[str, tuple[ModelRef, Path]] = {}
    for file in files:
        for at, ref in file.models.items():
            other, _ = known.setdefault(at, (ref, project_root(file.path.parent)))
            if at == name and build_arguments(other) != build_arguments(ref):
                places = " and ".join(str(r.where) for r in (other, ref))
                raise CannotRun(f"{name!r} names two models, at {places}; {forms}")
    if name in known:
        contracts = [c for f in files for c in f.contracts if name in (m.name for m in c.models)]
        return *known[name], contracts
    _check_no_file(name)
    if mistakes:
        raise RuleFileError(mistakes)
    if Path(name).exists():
        kind = "folder" if Path(name).is_dir() else "file"
        about = f"{name!r} is a {kind}; expected a model: the rule files have {listed([*known])}"
        raise CannotRun(f"{about}; or {forms}")
    if meant := _target_of(name, Path.cwd()):
        raise CannotRun(f"{name!r} is not a target; did you mean {meant}?")
    hint = did_you_mean(name, list(known)).rstrip("?") or f"; they have {listed([*known])}"
    raise CannotRun(f"no model of the rule files is named {name!r}{hint}; or {forms}")


def _target_of(name: str, folder: Path) -> str:
    """The target that was meant by ``resnet18`` or ``pkg.mod.Net``; empty if none is known."""
    from archlint.models.zoo_names import ZOOS, zoo_of

    module, _, last = name.removesuffix("()").rpartition(".")
    zoos = [zoo for zoo in ZOOS if module in ("", zoo, f"{zoo}.models")]
    if zoo := zoo_of(last, zoos):
        return f"{zoo}:{last}"
    path = folder.joinpath(*module.split("."))
    found = module and (path.with_suffix(".py").is_file() or path.is_dir())
    return f"{module}:{last}" if found else ""


def _check_no_file(name: str) -> None:
    """Raise ``CannotRun`` with the models of the Python file that ``name`` is, if it is one."""
    from archlint.contracts.suggestions import listed

    if models := _models_of_file(name):
        raise CannotRun(f"{name!r} is a file; expected one of its models: {listed(models)}")


def _models_of_file(name: str) -> list[str]:
    """The targets of the models that a Python file, or a module of the folder, defines."""
    from archlint.project.discover.candidates import discover

    here = Path.cwd()
    file = here / (name if name.endswith(".py") else f"{name}.py")
    if not file.is_file():
        return []
    discovery = discover(file, here)
    models = [*discovery.buildable, *discovery.needing]
    return [f"{file.relative_to(here)}:{m.target(here).rpartition(':')[2]}" for m in models]
