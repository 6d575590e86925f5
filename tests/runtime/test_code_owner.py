"""Whose code a file is."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import types

import pytest
import torch
import torch.nn.functional

from archlint.runtime import code_owner
from archlint.runtime.code_owner import (
    Owner,
    distance,
    file_of_module,
    is_user_code,
    is_users,
    owner_of,
)


@pytest.mark.parametrize(
    ("file", "owner"),
    [
        (__file__, Owner.USER),
        ("/home/me/project/site.py", Owner.USER),
        ("/home/me/torch/net.py", Owner.USER),
        (json.__file__, Owner.PYTHON),
        ("<frozen importlib._bootstrap>", Owner.PYTHON),
        ("<string>", Owner.TEXT),
        (pytest.__file__, Owner.LIBRARY),
        ("/x/.venv/lib/python3.11/site-packages/timm/layers.py", Owner.LIBRARY),
        ("/usr/lib/python3/dist-packages/numpy/core.py", Owner.LIBRARY),
        ("/x/site-packages/torchvision/models/resnet.py", Owner.LIBRARY),
        (torch.nn.functional.__file__, Owner.TORCH),
        ("/x/site-packages/torch/nn/modules/module.py", Owner.TORCH),
        (code_owner.__file__, Owner.ARCHLINT),
        ("/x/site-packages/z3/z3.py", Owner.ARCHLINT),
    ],
)
def test_whose_code_it_is(file, owner):
    assert owner_of(file) is owner
    assert is_user_code(file) is (owner in (Owner.USER, Owner.LIBRARY))
    assert is_users(file) is (owner is Owner.USER)
    assert distance(file) == {Owner.USER: 0, Owner.LIBRARY: 1}.get(owner, 2)


@pytest.mark.parametrize("path", ["", "/proc/cpuinfo", "/sys/devices"])
def test_files_of_the_system_are_not_the_users(path):
    assert not is_users(path)


def test_code_that_a_dataclass_generates_has_no_file():
    made = dataclasses.make_dataclass("Made", ["x"])
    assert owner_of(made.__init__.__code__.co_filename) is Owner.TEXT


def test_torch_is_not_imported_to_find_out():
    script = (
        "import sys; from archlint.runtime.code_owner import owner_of;"
        "print(owner_of(sys.argv[1]).name, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, torch.nn.functional.__file__]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["TORCH", "False"]


def test_the_file_of_a_module_that_imports_when_it_is_looked_at():
    class Lazy(types.ModuleType):
        def __getattr__(self, name):
            raise ImportError(name)

    assert file_of_module(json) == json.__file__
    for module in (Lazy("lazy"), sys, None, 3):
        assert file_of_module(module) is None
