"""Structural contracts: each check on models that keep it and on models that break it.

The counterexamples are worked out by hand in the comments.
"""

import pytest
import torch
from torch import nn

from archlint.contracts.rulefile.load import loads
from archlint.errors import ArchlintError
from tests.support import structure_models as models
from tests.support.structure_models import IMAGE, check

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    "model",
    [
        models.Flattens(pool=nn.AdaptiveAvgPool2d(8)),
        models.Flattens(pool=nn.AdaptiveMaxPool2d(8)),
        models.Flattens(pool=nn.Upsample((8, 8))),  # every size becomes one
        models.Lambda(lambda x: x @ x.transpose(2, 3)),  # no weight: both factors are features
        models.Weight(lambda x, w: x.mean((2, 3)) @ w[:3]),
        nn.Conv2d(3, 8, 3),
    ],
    ids=["avg", "max", "upsample", "attention", "weight", "conv"],
)
def test_pooled(model):
    verdict = check(model, {"pooled_before_linear": True})
    assert (verdict.word, verdict.message) == ("proved", "")


def test_flattened():
    # features.0 divides by 4: at 4x4 there are 8*1*1 = 8 entries, and 8*8*8 = 512 rows. Below 4
    # MaxPool2d refuses before the Linear is reached.
    verdict = check(models.Flattens(), {"pooled_before_linear": True})
    assert verdict.word == "broken"
    assert verdict.counterexample == {"N": 1, "H": 4, "W": 4}
    assert verdict.confirmed
    assert verdict.at.module == "head"
    assert verdict.message == (
        "`head.weight` 10x512 would have to be 10 x 8*(H//4)*(W//4), which depends on H, W"
    )
    assert verdict.details["at"].startswith(
        "head  Linear(512, 10)     tests/support/structure_models.py:"
    )
    assert verdict.details["because"].endswith("Linear has one weight per element")
    assert verdict.details["fails at"].startswith(
        "N=1 H=4 W=4   (smallest; confirmed by running: RuntimeError"
    )


@pytest.mark.parametrize(
    ("model", "point"),
    [
        # 16 rows: at 1x1 there are 3 entries.
        (models.Weight(lambda x, w: x.flatten(1) @ w), {"N": 1, "H": 1, "W": 1}),
        (models.Weight(lambda x, w: torch.addmm(w[0], x.flatten(1), w)), {"N": 1, "H": 1, "W": 1}),
        (models.Weight(lambda x, w: w @ x.flatten(1).t()), {"N": 1, "H": 1, "W": 1}),
        # Tokens are mixed by 16 rows: any H*W but 16. The sum of sizes is least at 1x1.
        (models.Mixer(16), {"N": 1, "H": 1, "W": 1}),
        # A window of 7 over the whole image leaves (H-6)*(W-6) entries: 1 at 7x7, as it should be.
        (models.Window(), {"N": 1, "H": 7, "W": 8}),
    ],
    ids=["matmul", "addmm", "weight first", "tokens", "window"],
)
def test_not_pooled(model, point):
    verdict = check(model, {"pooled_before_linear": True})
    assert (verdict.word, verdict.counterexample) == ("broken", point)
    assert verdict.confirmed


def test_sizes_pinned_by_python_are_seen_across_paths():
    # range(H) makes each path a single H: H rows are cut out for 3 rows of weight.
    verdict = check(models.Pinned(), {"pooled_before_linear": True}, "N 3 H", samples=1)
    assert verdict.word == "broken"
    assert verdict.counterexample["H"] != 3
    assert "which depends on H" in verdict.message


def test_only_the_sizes_that_the_contract_names_count():
    # 32 <= H, W < 36 are all 8x8 after the features: 512 entries at each of them.
    wanted = {"pooled_before_linear": True}
    held = check(models.Flattens(), wanted, accepts="any H, W in 32..35")
    assert held.word == "proved"
    broken = check(models.Flattens(), wanted, accepts="any H, W in 32..36")
    assert broken.word == "broken"
    assert broken.counterexample == {"N": 1, "H": 32, "W": 36}
    assert "which depends on H, W" in broken.details["structure"]


@pytest.mark.parametrize(
    ("input", "words", "reason"),
    [
        ("N 3 32 32", {}, "the input names no spatial size, so nothing can depend on one"),
        (IMAGE, {"accepts": "any H == 32 and W == 32"},
         "the contract allows a single value of H, W"),
    ],
)  # fmt: skip
def test_nothing_can_depend_on_a_single_size(input, words, reason):
    verdict = check(models.Flattens(), {"pooled_before_linear": True}, input, **words)
    assert verdict.word == "vacuous"
    assert verdict.message == f"pooled_before_linear: {reason}"


@pytest.mark.parametrize("name", ["pooled_before_linear", "batch_preserved", "batch_never_merged"])
def test_a_model_that_accepts_nothing_keeps_no_promise(name):
    verdict = check(nn.Conv2d(4, 8, 3), {name: True})
    assert verdict.word == "vacuous"
    assert verdict.message == f"{name}: the model accepts no size of the contract"


def test_beside_a_promise_about_sizes():
    model = models.Flattens(pool=nn.AdaptiveAvgPool2d(8))
    wanted = {"accepts": "any H, W >= 4", "output": "N 10"}
    assert check(model, {"batch_preserved": True}, **wanted).word == "proved"
    verdict = check(model, {"batch_preserved": True, "forbids": "MaxPool2d"}, **wanted)
    assert verdict.word == "broken"
    assert verdict.details["contract"] == (
        "accepts any H, W >= 4   output N 10   structure batch_preserved, forbids: MaxPool2d"
    )
    worse = check(model, {"forbids": "MaxPool2d"}, accepts="any H, W >= 3")
    assert worse.counterexample == {"N": 1, "H": 3, "W": 3}  # the sizes come first
    assert worse.details["structure"].startswith("features.2 is a forbidden MaxPool2d")


def test_an_output_may_be_promised_of_whatever_is_accepted():
    model = nn.Conv2d(3, 8, 3)
    wanted = {"batch_preserved": True}
    assert check(model, wanted, output="N 8 H-2 W-2").word == "proved"
    verdict = check(model, wanted, output="N 8 H W")
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 3, "W": 3})


def test_without_samples_nothing_is_run():
    verdict = check(models.Flattens(), {"pooled_before_linear": True}, samples=0)
    assert (verdict.word, verdict.confirmed, verdict.samples.run) == ("broken", None, 0)
    assert "(smallest; not run)" in verdict.details["fails at"]


def test_what_was_not_explored_is_not_proved():
    model = models.Lambda(lambda x: x[: int(x.abs().sum())])
    verdict = check(model, {"batch_preserved": True}, "N 4")
    assert verdict.word == "error"
    assert verdict.message.startswith("batch_preserved: no path reached an output: ")


def test_a_size_that_values_decide_is_neither_the_batch_nor_another():
    model = models.Lambda(lambda x: torch.unique(x))  # as many as there are different values
    verdict = check(model, {"batch_preserved": True}, "N 4")
    assert verdict.word == "tested"
    assert (
        "batch_preserved: the solver gave no answer (a size depends on tensor values)"
        in verdict.message
    )


def test_a_part_that_was_not_explored_makes_it_tested():
    # At N == 3 the output's size is a value; elsewhere it is N.
    model = models.Lambda(lambda x: x[: int(x.abs().sum())] if x.shape[0] == 3 else x)
    verdict = check(model, {"batch_preserved": True}, "N 4")
    assert verdict.word == "tested"
    assert "the value of a tensor" in verdict.message
    # A violation on what was explored needs no more.
    assert check(model, {"total_stride": 2}, "N 4").word == "broken"


def test_a_model_from_torchvision():
    resnet = "torchvision:resnet18"
    strides = {"layer1": 4, "layer4": 32}
    wanted = {"pooled_before_linear": True, "batch_preserved": True, "total_stride": strides}
    assert check(resnet, wanted).word == "proved"
    # 11,689,512 is the number that torchvision documents.
    assert check(resnet, {"parameters": {"at_most": 11_689_512}}, None).word == "proved"
    assert check(resnet, {"parameters": {"at_most": 11_689_511}}, None).word == "broken"


HEAD = "archlint: 1\ncontracts:\n  - id: a\n    models: m:x\n    "
MISTAKES = [
    (
        "structure: {total_stride: 32}",
        "the key 'input' is missing, which total_stride requires",
        "",
    ),
    ("structure: {bogus: 1}", "found the unknown key 'bogus'", "one of pooled_before_linear"),
    ("structure: {pooled: true}", "found the unknown key 'pooled'", "pooled_before_linear"),
    ("structure: {batch_preserved: 1}\n    input: N", "found the number 1", "true or false"),
    ("structure: {batch_preserved: false}", "found a structure without checks", "one check"),
    ("structure: {}", "found a structure without checks", "at least one check"),
    ("structure: {parameters: {}}", "the key 'at_most' is missing", "a number of parameters"),
    ("structure: {parameters: 5}", "found the number 5", "a mapping"),
    ("structure: {forbids: []}", "found an empty list", "at least one entry"),
    ("structure: {total_stride: 0}\n    input: N", "found the number 0", "at least 1"),
    ("structure: {total_stride: x}\n    input: N", "found the text 'x'", "a mapping of layers"),
    ("structure: {a.: 1}", "found the name 'a.'", "plugin.check"),
    ("structure: {forbids: A}\n    rejects: any N > 1\n    input: N", "beside rejects", "accepts"),
    ("structure: {forbids: A}\n    output: N", "an output without an input", "a shape such as"),
    ("structure: {forbids: A}\n    accepts: any N > 1", "the key 'input' is missing", "a shape"),
]


@pytest.mark.parametrize(("text", "found", "expected"), MISTAKES)
def test_mistakes(text, found, expected):
    with pytest.raises(ArchlintError) as caught:
        loads(HEAD + text)
    assert found in str(caught.value)
    assert expected in str(caught.value)
    assert len(caught.value.mistakes) == 1


def test_contracts_are_items(pytester):
    pytester.makepyfile(nets="from torch import nn\n\ndef net():\n    return nn.Conv2d(3, 4, 3)\n")
    pytester.makefile(
        ".yaml",
        archlint="archlint: 1\nmodels: {net: 'nets.py:net'}\ncontracts:\n"
        "  - {id: lean, models: net, structure: {parameters: {at_most: 9}}}\n"
        "  - {id: batch, models: net, input: N 3 H W, structure: {batch_preserved: true}}\n",
    )
    result = pytester.runpytest_inprocess("-vv", "-p", "no:cacheprovider", "--archlint-samples=2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*reason*112 parameters, but at most 9 are allowed; 112 of them are in the model*"]
    )
