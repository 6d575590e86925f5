"""Which contracts to decide for which models: from paths, ids and names to jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.cli.run_jobs import CannotRun

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract, ModelRef, RuleFile
    from archlint.contracts.job import Job
    from archlint.errors import Mistake


def load(
    paths: Sequence[str], select: Sequence[str], model: Sequence[str], samples: int | None
) -> tuple[list[Job], list[Mistake]]:
    """The jobs to do, and the mistakes of the rule files that could not be read."""
    files, mistakes = read(paths)
    return choose(files, select, model, samples, partial=bool(mistakes)), mistakes


def read(paths: Sequence[str], cache: bool = False) -> tuple[list[RuleFile], list[Mistake]]:
    """The rule files, and the mistakes of those that could not be read.

    With ``cache``, files that have not changed are known from before.
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
            continue
        except OSError as e:
            mistakes.append(Mistake(Location(str(file), 1), f"cannot be read: {e.strerror}"))
            continue
    return files, mistakes


def choose(
    files: Sequence[RuleFile],
    select: Sequence[str],
    model: Sequence[str],
    samples: int | None,
    partial: bool,
) -> list[Job]:
    """The jobs that are selected. ``partial``: there are files that could not be read."""
    from archlint.contracts.job import Job
    from archlint.contracts.settings import project_root

    pairs: list[tuple[Contract, ModelRef, Path]] = []
    for rules in files:
        root = project_root(rules.path.parent)
        pairs += [(contract, ref, root) for contract in rules.contracts for ref in contract.models]
    if not pairs and not partial:
        raise CannotRun("no contract with a model was found")
    pairs = _matching(select, "contract", pairs, lambda p: p[0].id, partial)
    pairs = _matching(model, "model", pairs, lambda p: p[1].name, partial)
    return [Job(c, ref, root, samples) for c, ref, root in pairs]


def _matching(
    patterns: Sequence[str],
    noun: str,
    pairs: list[tuple[Contract, ModelRef, Path]],
    name: Callable[[tuple[Contract, ModelRef, Path]], str],
    partial: bool,
) -> list[tuple[Contract, ModelRef, Path]]:
    """The pairs whose name a pattern matches.

    A pattern that matches none is an error, unless it may have meant one in a file that could not
    be read (``partial``).
    """
    from archlint.contracts.suggestions import did_you_mean

    if not patterns:
        return pairs
    known = sorted({name(pair) for pair in pairs})
    for pattern in patterns:
        if not partial and not any(fnmatchcase(word, pattern) for word in known):
            hint = did_you_mean(pattern, known) or f"; there are {', '.join(known[:20])}"
            raise CannotRun(f"no {noun} matches {pattern!r}{hint}")
    return [p for p in pairs if any(fnmatchcase(name(p), pattern) for pattern in patterns)]
