"""The command line with a ``decide`` that needs no torch: it calls the target, which may be any
function of the project, and what that returns is the verdict's message. ``python -m
tests.support.stub_models check …`` runs it."""

import importlib
import logging  # noqa: F401 - what each job imports, once for all
import os
import platform  # noqa: F401
import pwd  # noqa: F401
import resource  # noqa: F401
import sys
import timeit  # noqa: F401
import uuid  # noqa: F401
from pathlib import Path

from archlint.cli import app as cli
from archlint.contracts.plugins import register_rules
from archlint.contracts.verdict import Proof, Verdict
from archlint.runner import pool as workers

CHECK = "tests.support.stub_models:decide"


def decide(contract, ref, *, root, samples):
    register_rules(root)
    module, _, name = ref.target.partition(":")
    sys.path.insert(0, str(root))
    try:
        answer = getattr(importlib.import_module(module), name)(*ref.args)
    finally:
        sys.path.remove(str(root))
    word, _, message = str(answer).partition(" ")
    return Verdict(
        word, contract.id, ref.name, contract.where.file, contract.where.line,
        message=message, details={"said": message}, proof=Proof(1, 2, True), seconds=0.25,
    )  # fmt: skip


def install(setattr=setattr):
    setattr(workers, "CHECK", CHECK)


register_rules(Path(os.sep))  # reads the entry points, once for all jobs

if __name__ == "__main__":
    install()
    cli.main()
