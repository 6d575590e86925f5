"""Contracts and models of a rule file: targets, models that are selected, and budgets."""

from __future__ import annotations

import pytest

from archlint.contracts.contract import Budget
from archlint.contracts.rulefile.load import loads
from archlint.errors import RuleFileError
from tests.support.rulefile_cases import CONTRACT


def contract(text):
    return loads(text).contracts[0]


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("512B", 512), ("1.5KB", 1500), ("2 GiB", 2 << 30), ("1TB", 10**12)],
)
def test_memory(text, size):
    assert contract(CONTRACT + f"    budget: {{memory: {text}}}\n").budget == Budget(memory=size)


@pytest.mark.parametrize(
    "target",
    ["m:f", "pkg.mod:Class.make", "a b/f.py:make", "../f.py:make", "torchvision:resnet18",
     "timm:vit_base.augreg-1", "fixture:net"],
)  # fmt: skip
def test_targets(target):
    assert contract(CONTRACT.replace("m:f", target)).models[0].target == target


@pytest.mark.parametrize("target", ["m:", ":f", "m:f:g", "m:f()", "a/b:f", "m:1f", "m.py :f"])
def test_targets_that_are_none(target):
    with pytest.raises(RuleFileError, match="is not a valid target"):
        loads(CONTRACT.replace("m:f", f"'{target}'"))


MODELS = "models: {resnet18: m:f, resnet34: m:g, vgg: m:h}\n"


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ("vgg", ["vgg"]),
        ("['resnet*', resnet18]", ["resnet18", "resnet34"]),
        ("[vgg, 'x:y', '*']", ["vgg", "x:y", "resnet18", "resnet34"]),
        ("'resnet[13]?'", ["resnet18", "resnet34"]),
    ],
)
def test_which_models_are_selected(selection, names):
    refs = contract(CONTRACT.replace("m:f", selection) + MODELS).models
    assert [ref.name for ref in refs] == names
