"""No shape rule without an oracle: every registered operator is named by a test's ``@covers``."""

from __future__ import annotations

import importlib
import pkgutil

import archlint.ops.rules
import tests.ops
from archlint.ops.registry import RULES
from tests.ops.oracle import COVERED


def test_every_rule_has_an_oracle():
    for module in pkgutil.walk_packages(tests.ops.__path__, "tests.ops."):
        if module.name.rpartition(".")[2].startswith("test_"):
            importlib.import_module(module.name)
    bare = sorted(str(f) for f in RULES.keys() - COVERED)
    assert not bare, f"{len(bare)} operators have a rule but no test against the real one: {bare}"


def test_every_family_is_listed():
    files = {m.name for m in pkgutil.iter_modules(archlint.ops.rules.__path__)}
    assert files <= vars(archlint.ops).keys()
