"""``archlint.runner.pool.run`` without worker processes, each of which imports torch."""

import importlib


def run(jobs, count=1, *, check=None, grace=None, until=None, on_start=None):
    """Check the jobs one after another in this process."""
    module, name = (check or "archlint.explanation.advice:check_contract").split(":")
    answer = getattr(importlib.import_module(module), name)
    for i, job in enumerate(jobs):
        yield i, answer(job.contract, job.ref, root=job.root, samples=job.samples)
