"""Modules that are forbidden, and the number of parameters."""

import pytest
import torch
from torch import nn

import archlint
from archlint.engine.structure.definition_site import definition_site
from tests.support import structure_models as models
from tests.support.structure_models import check


class Norm(nn.BatchNorm2d):
    pass


def blocks():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(Norm(4)), nn.LSTM(4, 4))


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        ("BatchNorm2d", ["1.0"]),  # the subclass too
        ("Norm", ["1.0"]),
        (["torch.nn.LSTM", "Norm"], ["1.0", "2"]),
        (["torch.nn.modules.rnn.RNNBase", "torch.nn.GRU"], ["2"]),
        (f"{__name__}.Norm", ["1.0"]),
        (["torch.nn.Linear", "Linear", "DropPath", "torch.nn.Dropout"], []),
    ],
)
def test_forbids(names, modules):
    verdict = check(blocks(), {"forbids": names}, None)
    assert verdict.word == ("broken" if modules else "proved")
    assert verdict.counterexample is None
    reported = [verdict.message, *verdict.details.get("also", "").splitlines()]
    assert [line.split(" is ")[0] for line in reported if line] == modules
    if modules:
        assert verdict.at.module == modules[0]


def test_forbids_says_which_and_where():
    verdict = check(models.Flattens(), {"forbids": "MaxPool2d"}, None)
    assert verdict.message == "features.2 is a forbidden MaxPool2d"
    line = models.line_of("self.features =")
    assert verdict.details["at"].endswith(f"tests/support/structure_models.py:{line}")
    sub = check(blocks(), {"forbids": "BatchNorm2d"}, None)
    assert sub.message == "1.0 is a forbidden Norm (a BatchNorm2d)"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BatchNorm2D", "forbids names BatchNorm2D, but there is no such class; did you mean "
         "BatchNorm2d? Name a class of your own with its module"),
        ("nn.LSTM", "forbids names nn.LSTM, but there is no such class; did you mean "
         "torch.nn.LSTM?"),
        ("torch.nn.LTSM", "forbids names torch.nn.LTSM, but there is no such class"),
        ("no.such.Layer", "forbids names no.such.Layer, but there is no such class"),
    ],
)  # fmt: skip
def test_a_class_that_does_not_exist_forbids_nothing(name, message):
    verdict = check(blocks(), {"forbids": [name]}, None)
    assert (verdict.word, verdict.message) == ("error", message)


def test_parameters():
    model = nn.Sequential(nn.Linear(10, 10), nn.Linear(10, 100, bias=False))  # 110 + 1000
    model[0].weight.requires_grad_(False)
    assert check(model, {"parameters": {"at_most": 1110}}, None).word == "proved"
    verdict = check(model, {"parameters": {"at_most": 1109}}, None)
    assert verdict.message == (
        "1,110 parameters, but at most 1,109 are allowed; 1,000 of them are in 1"
    )
    trained = {"at_most": 1010, "trainable": True}
    assert check(model, {"parameters": trained}, None).word == "proved"
    verdict = check(model, {"parameters": {**trained, "at_most": 1009}}, None)
    assert verdict.message.startswith("1,010 trainable parameters, but at most 1,009")


def test_shared_parameters_count_once():
    one = nn.Linear(10, 10, bias=False)
    model = nn.Sequential(one, nn.ReLU(), one)
    model.again = one.weight
    assert check(model, {"parameters": {"at_most": 100}}, None).word == "proved"
    assert check(model, {"parameters": {"at_most": 99}}, None).word == "broken"


def test_parameters_without_a_size():
    lazy = "tests/support/structure_models.py:lazy"
    verdict = check(lazy, {"parameters": {"at_most": 9}}, None)
    assert (verdict.word, verdict.message) == (
        "error",
        "0.weight has no size before its first call",
    )


def test_made_at_a_factory():
    line = models.line_of("def factory")
    assert definition_site(models.factory(), "0", models.factory).endswith(
        f"structure_models.py:{line}"
    )
    assert definition_site(nn.Sequential(nn.ReLU()), "0") == ""


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
@pytest.mark.parametrize(
    ("name", "word"), [("ReLU", "broken"), ("GELU", "proved"), ("torch.nn.ReLU", "error")]
)
def test_modules_of_torchscript(name, word):
    model = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    assert archlint.check(model, structure={"forbids": [name]}).word == word
