"""docs/replaced.md lists what archlint replaces or uses of Python's and PyTorch's insides."""

from __future__ import annotations

import ast
import functools
import re

import pytest

from tests import REPO

PAGE = (REPO / "docs" / "replaced.md").read_text(encoding="utf-8")
FILES = [
    f.relative_to(REPO).as_posix()
    for package in ("archlint", "pytest_archlint")
    for f in sorted((REPO / package).rglob("*.py"))
]
ALLOWED = ("archlint/tracing/python/", "archlint/tracing/symint/", "archlint/runtime/")
OUTSIDE = {
    "archlint/cli/app.py: signal.signal": "the command's own process: SIGTERM ends its workers",
    "archlint/cli/diff.py: os.chdir": "the command's own process, while it reads rule files",
    "archlint/cli/exit_codes.py: os.dup2": "the command's own stdout, at its end",
    "archlint/tracing/loops/definitions.py: warnings.simplefilter": "inside catch_warnings",
    "archlint/engine/artifact/runtime_process.py: os.dup2": "the stdout of a process of its own",
    "archlint/engine/artifact/runtime_process.py: warnings.simplefilter": "a process of its own",
    "archlint/explanation/fixes/model_before_fix.py: torch.manual_seed": "its state is restored",
    "archlint/runner/job_process.py: os.dup2": "a job's own stdin, stdout and stderr",
    "archlint/runner/job_process.py: gc.freeze": "a process that only forks others",
    "archlint/runner/job_process.py: sys.argv": "the process of one job",
    "archlint/runner/job_process.py: random.seed": "the process of one job",
    "archlint/engine/artifact/runtime_process.py: signal.signal": "its own process: SIGTERM",
    "archlint/runner/fork_server.py: signal.signal": "a server's own process: SIGCHLD",
    "archlint/runner/check_copy.py: os.chdir": "a process that checks one diff",
    "archlint/runner/check_copy.py: sys.dont_write_bytecode": "a process that checks one diff",
    "archlint/runner/check_copy.py: sys.modules": "a process that checks one diff",
    "archlint/runner/check_copy.py: sys.path": "a process that checks one diff",
    "archlint/runner/joblib_backends.py: os.environ.setdefault": "a setting that ray reads",
    "archlint/runner/joblib_backends.py: os.environ": "a mark of the processes that dask starts",
    "archlint/runner/joblib_backends.py: os.environ.pop": "the mark, after they have started",
}
"""Changes of a process that belongs to archlint, each with its reason."""

CHANGING = {
    "signal.signal", "signal.setitimer", "sys.setrecursionlimit", "sys.settrace", "sys.setprofile",
    "os.chdir", "os.dup2", "os.umask", "os.putenv", "gc.disable", "gc.freeze",
    "os.environ.update", "os.environ.setdefault", "os.environ.pop", "sys.path.insert",
    "sys.path.append", "sys.modules.pop", "warnings.simplefilter", "warnings.filterwarnings",
    "contextlib.redirect_stdout", "contextlib.redirect_stderr", "random.seed", "torch.manual_seed",
    "torch.set_default_dtype", "torch.set_default_device", "torch.set_num_threads",
    "torch.set_grad_enabled",
}  # fmt: skip
"""Calls that change the process, not only in a block of their own."""

BLOCKS = {"warnings.simplefilter", "warnings.filterwarnings", "contextlib.redirect_stdout"}
PLUGIN_WARNINGS = "pytest_archlint/"


def imported(tree):
    """Names bound to modules of others, or to what is in them: name to its dotted origin."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                if not a.name.startswith("archlint"):
                    names[a.asname or a.name.partition(".")[0]] = (
                        a.name if a.asname else a.name.partition(".")[0]
                    )
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for a in node.names:
                if not node.module.startswith(("archlint", "pytest_archlint", "__future__")):
                    names[a.asname or a.name] = f"{node.module}.{a.name}"
    return names


def dotted(node, names):
    """``torch.nn.Module.__call__`` for an expression that names it, else ``None``."""
    parts = []
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names or not parts:
        return None
    return ".".join([names[node.id], *reversed(parts)])


def changes(tree):
    """What the code assigns to or deletes from others' modules, and calls that change them."""
    names = imported(tree)
    for node in ast.walk(tree):
        stored = isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(
            node.ctx, (ast.Store, ast.Del)
        )
        if stored and (name := dotted(node, names)):
            yield name
        if isinstance(node, ast.Call):
            called = dotted(node.func, names)
            if isinstance(node.func, ast.Name):
                called = names.get(node.func.id, node.func.id)
            if called in CHANGING:
                yield called
            if called in ("setattr", "delattr"):
                owner = node.args[0]
                name = dotted(owner, names) or names.get(getattr(owner, "id", ""))
                if name:
                    yield name


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch\ntorch.nn.Module.__call__ = 1", {"torch.nn.Module.__call__"}),
        ("from torch import nn\nnn.Module.__call__ = 1", {"torch.nn.Module.__call__"}),
        ("import torch.nn.functional as F\nF.relu = 1", {"torch.nn.functional.relu"}),
        ("import sys\nsys.stdin = None", {"sys.stdin"}),
        ("import sys\nsys.path[:0] = []\ndel sys.modules['a']", {"sys.path", "sys.modules"}),
        ("import builtins\nsetattr(builtins, 'int', 1)", {"builtins"}),
        ("import os\nos.environ['A'] = '1'", {"os.environ"}),
        ("from os import chdir\nchdir('/')", {"os.chdir"}),
        ("import torch\nx = torch.zeros(1)\nx.data = 1", set()),
        ("self.x = 1", set()),
    ],
)
def test_changes_are_recognised(source, expected):
    assert set(changes(ast.parse(source))) == expected


@functools.cache
def used_by(file):
    """What a file changes, and the private names that it uses."""
    tree = ast.parse((REPO / file).read_text(encoding="utf-8"))
    return set(changes(tree)), set(private(tree))


def test_only_three_places_change_python_or_torch():
    found = set()
    for file in FILES:
        for name in used_by(file)[0]:
            in_plugin = file.startswith(PLUGIN_WARNINGS) and name in BLOCKS
            if not file.startswith(ALLOWED) and not in_plugin:
                found.add(f"{file}: {name}")
    assert found - OUTSIDE.keys() == set()
    assert OUTSIDE.keys() - found == set(), "these need no exception any more"


def test_every_file_that_changes_them_is_on_the_page():
    for file in FILES:
        if file.startswith(ALLOWED) and used_by(file)[0]:
            assert f"- **File:** `{file}`" in PAGE, file


def sections():
    return re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", sections(), ids=lambda s: s.splitlines()[0])
def test_each_entry_is_complete(section):
    entry = section.partition("\n## ")[0]
    for part in ("File", "Why", "Until", "If it is gone or changed", "Guarded by"):
        assert f"- **{part}:**" in entry, part
    for name in re.findall(r"`((?:archlint|tests)/[\w/]+\.py)`", entry):
        assert (REPO / name).is_file(), name


def private(tree):
    """Names with an underscore of others' modules and objects that the code uses."""
    names = imported(tree)
    for name in names.values():
        if re.search(r"(^|\.)_(?!_)", name):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in names:
                yield ast.unparse(node)
            elif isinstance(node.value, ast.Call) and "storage" in ast.unparse(node.value):
                yield node.attr


def test_private_parts_are_on_the_page():
    table = PAGE.partition("## Private parts")[2]
    missing = set()
    for file in FILES:
        if file.startswith(("archlint/ops/", "pytest_archlint/")):  # names of operators
            continue
        for name in used_by(file)[1]:
            rows = [r for r in table.splitlines() if f"`{file}`" in r]
            listed = any(name in r or name.rpartition(".")[2] in r for r in rows)
            # These hold the names that are listed, and operators.
            if not listed and name not in ("torch._C", "torch._C._nn"):
                missing.add(f"{file}: {name}")
    assert missing == set()


def test_the_page_names_files_that_exist():
    for name in re.findall(r"`((?:archlint|tests)/[\w/]+\.py)`", PAGE):
        assert (REPO / name).is_file(), name
