"""The versions that the project names agree, and what the docs say of single ones is true."""

from __future__ import annotations

import ast
import itertools
import pathlib
import re
import sys
import warnings

import torch

from tests import REPO

PROJECT = (REPO / "pyproject.toml").read_text(encoding="utf-8")
NOX = ast.parse((REPO / "noxfile.py").read_text(encoding="utf-8"))
SETTINGS = {
    node.targets[0].id: ast.literal_eval(node.value)
    for node in NOX.body
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
}
PAGE = (REPO / "docs" / "versions.md").read_text(encoding="utf-8")


def numbers(version):
    return tuple(map(int, version.split(".")[:2]))


def test_pythons():
    (oldest,) = re.findall(r'requires-python = ">=(.*)"', PROJECT)
    classified = re.findall(r"Python :: (3\.\d+)", PROJECT)
    assert tuple(classified) == SETTINGS["PYTHON"]
    assert classified[0] == oldest
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    assert f"Python {oldest} or newer" in readme
    assert f"Python {oldest} and newer" in PAGE
    assert numbers(oldest) <= sys.version_info[:2]


def test_torches():
    (oldest,) = set(re.findall(r'"torch>=(.*?)"', PROJECT))
    assert next(iter(SETTINGS["TORCH"])) == oldest
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    assert f"torch {oldest} or newer" in readme
    assert f"torch {oldest} and newer" in PAGE
    assert numbers(oldest) <= numbers(torch.__version__)


def test_the_versions_whose_questions_are_answered_are_those_that_are_supported():
    pairs = re.findall(r"(3\.\d+) and (?:torch )?(2\.\d+)", PAGE)
    assert [python for python, _ in pairs] == list(SETTINGS["PYTHON"])
    assert {other for _, other in pairs} >= SETTINGS["TORCH"].keys() - {"newest"}


def test_reading_an_iterator_is_deprecated_where_the_docs_say_so():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        itertools.count(3).__reduce__()
    assert bool(found) == (sys.version_info[:2] in ((3, 12), (3, 13)))


def test_pathlib_asks_by_an_accessor_where_the_docs_say_so():
    assert hasattr(pathlib, "_NormalAccessor") == (sys.version_info < (3, 11))


def test_code_has_columns_where_the_docs_say_so():
    assert hasattr(numbers.__code__, "co_positions") == (sys.version_info >= (3, 11))


def test_sums_of_floats_are_rounded_as_a_whole_where_the_docs_say_so():
    assert (sum([0.1] * 10) == 1.0) == (sys.version_info >= (3, 12))
