"""One operator, one place: no traits outside the rules, and no table of operators by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch

import archlint

ROOT = Path(archlint.__file__).parent
RULES = ROOT / "ops" / "rules"
ALLOWED = {
    "tracing/torchscript.py": "instructions and arithmetic of TorchScript, which have only names",
    "contracts/rulefile/grammar.py": "functions of the phrase language",
    "contracts/rulefile/ranges/example_tensors.py": "calls in a user's source text",
    "contracts/rulefile/ranges/declared.py": "names of dtypes in a user's file",
    "contracts/rulefile/schema_errors.py": "names of dtypes and keys of a rule file",
    "ops/registry.py": "slots of TensorSpec",
    "symbolic/__init__.py": "names that the package exports",
    "models/deepcopy.py": "Python's methods of copying",
    "models/shared_empties.py": "methods of Python's containers",
    "extend.py": "the names that it exports",
    "explanation/fixes/operator_calls.py": "names in a user's source text",
    "explanation/fixes/source_edits.py": "names in a user's source text",
    "tracing/exception_handling/reporting_branches.py": "syntax and calls of a source text",
    "tracing/keys/look_ups.py": "methods of Python's containers and texts",
    "tracing/loops/lists.py": "methods of Python's lists",
    "tracing/meta_kernels.py": "torch.sym_* functions, looked up once",
    "tracing/python/builtin_calls.py": "Python's built-in functions",
    "tracing/python/builtins.py": "Python's built-in functions",
    "tracing/tensors/attributes.py": "attributes of a tensor, looked up once",
    "tracing/tensors/questions.py": "attributes of a tensor, looked up once",
}
HOMES = (torch, torch.Tensor, torch.nn.functional, torch.special, torch.linalg, torch.fft)
OPERATORS = {
    name
    for home in (*HOMES, torch._C._nn, torch.nn.init)
    for name in dir(home)
    if callable(getattr(home, name, None))
}
MOST = 2


def tables(tree):
    """Lines of collections with more than two constants that are names of operators."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
            items = node.elts
        elif isinstance(node, ast.Dict):
            items = [key for key in node.keys if key is not None]
        else:
            continue
        names = [i.value for i in items if isinstance(i, ast.Constant)]
        if sum(isinstance(n, str) and n in OPERATORS for n in names) > MOST:
            yield node.lineno
        texts = [i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)]
        if sum(_is_name_of_several(text) for text in texts):
            yield node.lineno


def _is_name_of_several(text):
    words = text.split()
    return len(words) > MOST and sum(word in OPERATORS for word in words) == len(words)


def traits_outside(tree):
    """Lines that state traits."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ("declare_traits", "shape_rule", "named_rule", "Traits"):
                yield node.lineno


def sources():
    for path in sorted(ROOT.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_no_table_of_operators_by_name():
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path, tree in sources()
        if not path.is_relative_to(RULES) and (lines := list(tables(tree)))
    }
    assert {file: lines for file, lines in found.items() if file not in ALLOWED} == {}
    assert ALLOWED.keys() <= found.keys(), "an exception that nothing needs"


def test_traits_are_stated_in_the_rules_only():
    own = {ROOT / "ops" / "registry.py", ROOT / "ops" / "traits.py"}
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path, tree in sources()
        if not path.is_relative_to(RULES)
        and path not in own
        and (lines := list(traits_outside(tree)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        '_VIEWS = {"view", "reshape", "flatten"}',
        '_SAME = ("detach", "to", "float", "x")',
        '_FACTORS = {"matmul": (0, 1), "mm": (0, 1), "bmm": (0, 1)}',
        'NAMES = frozenset(["add", "sub", "mul"])',
        'NAMES = {"views": "view reshape flatten"}\n_N = {"view reshape flatten": 1}',
    ],
)
def test_such_a_table_is_found(text):
    assert list(tables(ast.parse(text)))


def test_a_trait_elsewhere_is_found():
    assert list(traits_outside(ast.parse("declare_traits(torch.relu, elementwise=True)")))
    assert list(traits_outside(ast.parse("@shape_rule(torch.relu)\ndef relu(path, x): ...")))
