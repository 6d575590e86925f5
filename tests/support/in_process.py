"""``archlint.runner.pool.run`` without worker processes, each of which imports torch."""

import importlib


def run(jobs, count=1, *, decide=None, grace=None):
    """Decide the jobs one after another, here."""
    module, name = (decide or "archlint.explanation.advice:check_contract").split(":")
    answer = getattr(importlib.import_module(module), name)
    for i, job in enumerate(jobs):
        yield i, answer(job.contract, job.ref, root=job.root, samples=job.samples)
