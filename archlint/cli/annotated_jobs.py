"""Jobs of ``check TARGET``: the contracts that the annotations of ``forward`` state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.cli.model_argument import model_argument

if TYPE_CHECKING:
    from archlint.contracts.job import Job


def annotated_targets(paths: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Splits the arguments of ``check`` into targets, and rule files and folders."""
    targets = tuple(p for p in paths if ":" in p and not Path(p).exists())
    return targets, tuple(p for p in paths if p not in targets)


def annotated_jobs(targets: Sequence[str], samples: int | None) -> list[Job]:
    """A job for each target: its annotations are its contract. Raises ``CannotRun``."""
    from archlint.contracts.contract import ANNOTATED
    from archlint.contracts.job import Job

    return [Job(ANNOTATED, *model_argument(target), samples) for target in targets]
