"""Runs of pytest in this process, with the plugin."""

import functools

import archlint

NETS = """
import sys
import time
import torch
from torch import nn

def head():
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 2))

class Branching(nn.Module):
    def forward(self, x):
        return x + 1 if x.shape[0] % 7 == 3 else x

def broken_build():
    return _deeper()

def _deeper():
    raise ValueError("no weights here")

def leave():
    sys.exit(3)

class Leaves(nn.Module):
    def forward(self, x):
        sys.exit(3)

class Interrupted(nn.Module):
    def forward(self, x):
        raise KeyboardInterrupt

class Hangs(nn.Module):
    def forward(self, x):
        while True:
            time.sleep(0.01)

class Dirty(nn.Module):
    def forward(self, x):
        import os, random
        print("hello from the model")
        print("and from its other side", file=sys.stderr)
        torch.manual_seed(1)
        random.seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        os.environ["DIRTY"] = "1"
        sys.path.insert(0, "/nowhere")
        return x
"""

HOLDS = """\
archlint: 1
models:
  head: nets:head
contracts:
  - id: any-batch
    models: [head]
    input: N 8
    accepts: any N
    output: N 2
"""

BREAKS = """\
archlint: 1
models:
  head: nets:head
contracts:
  - id: any-width
    models: [head]
    input: N F
    accepts: any N, F
"""


@functools.cache
def imported_once():
    """Import what a run needs; the fixture ``pytester`` forgets what is imported after it."""
    import torch

    import pytest_archlint.fixture
    import pytest_archlint.session_waivers
    import pytest_archlint.summary  # noqa: F401

    assert not archlint.check(torch.nn.Linear(8, 2), "N F", accepts="any F", samples=1)


def pytest_in_process(pytester):
    """A function of options and files: it writes the files beside ``NETS`` and runs pytest."""
    pytester.makepyfile(nets=NETS)
    pytester.syspathinsert()

    def run(*args, files=None, **more):
        for name, text in {**(files or {}), **more}.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        quiet = ("-p", "no:randomly", "-p", "no:cacheprovider", "--archlint-samples=1")
        # In this process archlint is imported already, as in no pytest that a user starts.
        rewritten = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        return pytester.runpytest_inprocess(*quiet, *args, "-W", rewritten)

    return run


def contract(body, model="nets:head", **keys):
    """A rule file of one contract; ``body`` its other lines."""
    lines = ["archlint: 1", "models:", f"  m: {model}", "contracts:", "  - id: c", "    models: m"]
    return "\n".join([*lines, *(f"    {line}" for line in body.splitlines()), ""])
