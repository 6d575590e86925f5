"""Reads rule files and selects jobs from them by contract id and model name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.cli.exit_codes import CannotRun

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract, ModelRef, RuleFile
    from archlint.contracts.job import Job
    from archlint.errors import Mistake

    Pair = tuple[Contract, ModelRef, Path]  # with the project's root


def load_jobs(
    paths: Sequence[str], select: Sequence[str] = (), model: Sequence[str] = ()
) -> tuple[list[Job], list[Mistake]]:
    """Read rule files and select jobs: :func:`read_rule_files`, then :func:`select_jobs`."""
    files, mistakes = read_rule_files(paths)
    return select_jobs(files, select, model, None, partial=bool(mistakes)), mistakes


def read_rule_files(
    paths: Sequence[str], cache: bool = False
) -> tuple[list[RuleFile], list[Mistake]]:
    """The rule files at ``paths``, and the mistakes of those that cannot be read.

    With ``cache``, unchanged files come from the cache.
    """
    from archlint.contracts.settings import rule_files
    from archlint.errors import Location, Mistake, RuleFileError

    if cache:
        from archlint.runner.cache import rule_file_cache as rulefile
    else:
        from archlint.contracts.rulefile import load as rulefile  # type: ignore[no-redef]

    mistakes: list[Mistake] = []
    files: list[RuleFile] = []
    for file in rule_files(paths):
        try:
            files.append(rulefile.load(file))
        except RuleFileError as e:
            mistakes += e.mistakes
        except OSError as e:
            mistakes.append(Mistake(Location(str(file), 1), f"cannot be read: {e.strerror}"))
    return files, mistakes


def select_jobs(
    files: Sequence[RuleFile],
    select: Sequence[str],
    model: Sequence[str],
    samples: int | None,
    partial: bool,
) -> list[Job]:
    """The jobs whose contract matches ``select`` and whose model matches ``model``.

    Without patterns, all jobs. ``partial``: some rule files could not be read. Raises
    ``CannotRun`` if there is no contract, or a pattern matches nothing; not if ``partial``.
    """
    from archlint.contracts.job import Job
    from archlint.contracts.settings import project_root

    pairs: list[Pair] = []
    for rules in files:
        root = project_root(rules.path.parent)
        pairs += [(contract, ref, root) for contract in rules.contracts for ref in contract.models]
    if not pairs and not partial:
        places = ", ".join(str(rules.path) for rules in files)
        raise CannotRun(
            f"{places}: no contract with a model; archlint init writes contracts, and in comments "
            "why a model has none"
        )
    pairs = _matching(select, "contract", pairs, lambda p: p[0].id, partial)
    pairs = _matching(model, "model", pairs, lambda p: p[1].name, partial)
    return [Job(c, ref, root, samples) for c, ref, root in pairs]


def _matching(
    patterns: Sequence[str],
    noun: str,
    pairs: list[Pair],
    name: Callable[[Pair], str],
    partial: bool,
) -> list[Pair]:
    if not patterns:
        return pairs
    names = sorted({name(pair) for pair in pairs})
    for pattern in patterns:
        if not partial and not any(fnmatchcase(word, pattern) for word in names):
            from archlint.contracts.suggestions import pattern_hint

            raise CannotRun(f"no {noun} matches {pattern!r}{pattern_hint(pattern, names)}")
    return [p for p in pairs if any(fnmatchcase(name(p), pattern) for pattern in patterns)]
