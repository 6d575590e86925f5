"""The ray backend against the local pool: the same verdicts, with models that crash and exit.

    pip install -e ".[ray]" && python benchmarks/ray_sweep.py

This is no test because ray gives up starting when the machine is busy.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner import joblib_backends as backends
from archlint.runner.backend import Backend
from tests.support.stub_cli import CHECK, contract

_MODELS = ("proved", "exits", "crashes", "broken", "slow", "raises") * 5


def verdicts(jobs: list[Job], backend: str) -> list[Verdict]:
    """In the order of the jobs, without their times."""
    found = dict(backends.run(jobs, 2, Backend.of(backend), check=CHECK, grace=1.0))
    return [replace(found[i], seconds=0) for i in range(len(jobs))]


def main() -> None:
    made = [contract(f"c{i}", model) for i, model in enumerate(_MODELS)]
    jobs = [Job(c, c.models[0], Path.cwd()) for c in made]
    local, ray = verdicts(jobs, "local"), verdicts(jobs, "ray")
    for here, there in zip(local, ray, strict=True):
        if here != there:
            sys.exit(f"{here.contract}: {here} here, {there} on ray")
    print(f"{len(jobs)} verdicts are the same")


if __name__ == "__main__":
    main()
