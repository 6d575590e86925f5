"""A time limit that rings while archlint puts back what it replaced waits."""

import ast
import random

import pytest

from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.uninterruptible import uninterrupted
from tests import REPO


def interruptible_loops(tree):
    """The lines of loops in ``finally``, which a time limit could leave half done."""
    for node in ast.walk(tree):
        for step in node.finalbody if isinstance(node, ast.Try) else ():
            if isinstance(step, (ast.For, ast.While)):
                yield step.lineno


@pytest.mark.parametrize("folder", ["tracing", "runtime", "models"])
def test_no_loop_that_restores_can_be_left_half_done(folder):
    files = sorted((REPO / "archlint" / folder).rglob("*.py"))
    assert files
    found = {f.name: [*interruptible_loops(ast.parse(f.read_text("utf-8")))] for f in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_limit_rings_after_the_block():
    steps = []

    def run():
        with uninterrupted():
            while len(steps) < 300_000:
                steps.append(random.random())
        while True:
            steps.append(None)

    with pytest.raises(TimeLimitReached), time_limit(0.01):
        run()
    assert len(steps) >= 300_000
