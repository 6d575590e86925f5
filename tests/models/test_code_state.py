"""What libraries hold is put back, also what was bound to another object between two checks."""

from __future__ import annotations

import importlib
import sys

import pytest
from torch import nn

from archlint.models.snapshot import Snapshot

LIBRARY = """
from torch import nn

TABLE = {}

def closing(seen):
    def call(x, found=[], *, by_name={}):
        return seen, found, by_name
    return call

call = closing([])

class Net(nn.Module):
    KINDS = []
"""
HOLDERS = {
    "a global name": lambda lib: lib.TABLE,
    "an attribute of a class": lambda lib: lib.Net.KINDS,
    "a closure": lambda lib: lib.call(0)[0],
    "a default": lambda lib: lib.call(0)[1],
    "a default by name": lambda lib: lib.call(0)[2],
}


def _close_over(lib):
    lib.call.__closure__[0].cell_contents = [1]


CHANGES = {
    "a global name": lambda lib: setattr(lib, "TABLE", {1: 1}),
    "an attribute of a class": lambda lib: setattr(lib.Net, "KINDS", [1]),
    "a closure": _close_over,
    "a default": lambda lib: setattr(lib.call, "__defaults__", ([1],)),
    "a default by name": lambda lib: lib.call.__kwdefaults__.update(by_name={1: 1}),
    "a new global name": lambda lib: setattr(lib, "OTHER", {}),
}


@pytest.fixture
def library(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "layers_of_others.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module("layers_of_others")
    del sys.modules["layers_of_others"]


def add(container):
    container.update({9: 9}) if isinstance(container, dict) else container.append(9)


def contents(lib):
    return [holder(lib).copy() for holder in HOLDERS.values()]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_held_now_is_put_back(library, change):
    model = nn.Sequential(library.Net())
    for step in (lambda lib: None, change, lambda lib: None):
        step(library)
        before = contents(library)
        state = Snapshot(model)
        assert not state.changed()
        for holder in HOLDERS.values():
            add(holder(library))
        assert state.changed()
        state.restore()
        assert contents(library) == before
        assert not state.changed()


BY_NAME = [name for name in CHANGES if name not in ("a closure", "a default by name")]


@pytest.mark.parametrize("change", [CHANGES[name] for name in BY_NAME], ids=BY_NAME)
def test_what_is_bound_in_a_run_is_put_back(library, change):
    model = library.Net()
    Snapshot(model)
    before, names = contents(library), set(vars(library))
    state = Snapshot(model)
    change(library)
    assert state.changed()
    state.restore()
    assert contents(library) == before
    assert set(vars(library)) == names
