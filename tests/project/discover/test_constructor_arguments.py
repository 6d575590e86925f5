"""Arguments found in source: configurations that have defaults, and what would download."""

import ast

import pytest

from archlint.project.discover.constructor_arguments import arguments_of
from archlint.project.discover.name_lookup import Project
from archlint.project.discover.python_files import located

SETTINGS = """
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
import enum

@dataclass(frozen=True)
class NetConfig:
    kind: ClassVar[str]
    width: int = 3

@dataclass
class Deep(NetConfig):
    depth: int = 1

class Plain:
    def __init__(self, rate, *, decay=0.1): ...

class Args(NamedTuple):
    lr: float
    wd: float = 0.0

class Bare:
    width = 3

class Mode(enum.Enum):
    A = 1

class Block:
    def forward(self, x): ...
"""
NET = "class Net:\n    def __init__(self, {}): ...\n"


@pytest.fixture
def arguments(tmp_path):
    def read(parameters, more=SETTINGS):
        (tmp_path / "net.py").write_text(more + NET.format(parameters))
        project = Project([located(tmp_path / "net.py", tmp_path)])
        net = next(d for d in project.definitions() if d.name == "Net")
        (init,) = net.node.body
        assert isinstance(init, ast.FunctionDef)
        found = arguments_of(init, 1, net, project)
        return found.as_data(lambda d: d.name), found.needs

    return read


@pytest.mark.parametrize(
    ("parameters", "data", "needs"),
    [
        ("config", {"config": {"of": "NetConfig"}}, ()),
        ("model_cfg", {"model_cfg": {"of": "NetConfig"}}, ()),
        ("c: Deep", {"c": {"of": "Deep"}}, ()),
        ("c: 'Bare', n=2", {"c": {"of": "Bare"}}, ()),
        ("args", {"args": {"of": "Args", "lr": "..."}}, ("args",)),
        ("p: Plain", {"p": {"of": "Plain", "rate": "..."}}, ("p",)),
        ("mode: Mode", {"mode": "..."}, ("mode",)),
        ("block: Block", {"block": "..."}, ("block",)),
        ("config: int", {"config": "..."}, ("config",)),
        ("width, *, rate", {"width": "...", "rate": "..."}, ("width", "rate")),
        ("opt", {"opt": "..."}, ("opt",)),
        ("pretrained=True", {"pretrained": False}, ()),
        ("pretrained_backbone=True", {"pretrained_backbone": False}, ()),
        ("pretrained=False, weights=None", {}, ()),
        ("weights='DEFAULT'", {"weights": None}, ()),
    ],
)
def test_arguments(arguments, parameters, data, needs):
    assert arguments(parameters) == (data, needs)


def test_two_configurations_are_no_guess(arguments):
    more = "class OneConfig: ...\nclass TwoConfig: ...\n"
    assert arguments("config", more) == ({"config": "..."}, ("config",))
    named = more + "class NetConfig: ...\n"
    assert arguments("config", named) == ({"config": {"of": "NetConfig"}}, ())
