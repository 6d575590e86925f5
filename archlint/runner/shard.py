"""Splits jobs among machines that do not communicate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.job import Job
from archlint.errors import ArchlintError


class ShardError(ArchlintError):
    """Text that is not a valid shard."""


@dataclass(frozen=True)
class Shard:
    """Part ``number`` (from 1) of ``count``."""

    number: int
    count: int

    @classmethod
    def of(cls, text: str) -> Shard:
        """Parse ``K/N``. Raises ``ShardError``."""
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
        if not match:
            raise ShardError(f"expected K/N, as in 2/4, found {text!r}")
        number, count = int(match[1]), int(match[2])
        if count < 1:
            raise ShardError(f"there must be at least 1 shard, found {text}")
        if not 1 <= number <= count:
            raise ShardError(f"shards of {count} are 1/{count} to {count}/{count}, found {text}")
        return cls(number, count)

    def part(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs of this shard, in the same order."""
        places = spread([_name(job) for job in jobs], self.count)
        return [job for job, place in zip(jobs, places, strict=True) if place == self.number - 1]


def spread(names: Sequence[str], count: int) -> list[int]:
    """The shard of each name, from 0 to ``count`` - 1; shard sizes differ by at most one.

    Rendezvous hashing with a capacity: a name goes to the shard with the lowest hash of both that
    still has room. The order of the names does not matter, and a new name moves few others (dealing
    names out in turns would move nearly all, a plain hash would fill the shards unevenly).
    """
    room, extra = divmod(len(names), count)
    taken = [0] * count
    places = [0] * len(names)
    for index in sorted(range(len(names)), key=lambda i: (_hash(names[i]), i)):
        for place in sorted(range(count), key=lambda p: _hash(f"{p} {names[index]}")):
            if taken[place] < room or (taken[place] == room and extra):
                extra -= taken[place] == room
                taken[place] += 1
                places[index] = place
                break
    return places


def _name(job: Job) -> str:
    """A name that is the same on every machine, wherever its copy of the project is."""
    where = job.contract.where
    file = Path(where.file).resolve() if where else Path()
    if file.is_relative_to(job.root):
        file = file.relative_to(job.root)
    return "\0".join((file.as_posix(), job.contract.id, job.ref.name))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
