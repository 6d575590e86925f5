"""Structural contracts: each check on models that keep it and on models that break it.

The counterexamples are worked out by hand in the comments; the strides are compared with every
size of a range.
"""

import itertools

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.rulefile.load import loads
from archlint.engine.structure.definition_site import definition_site
from archlint.errors import ArchlintError
from tests.support import structure_models as models

pytest_plugins = ["pytester"]

IMAGE = "N 3 H W"


def check(model, structure, input=IMAGE, **words):
    words.setdefault("samples", 3)
    return archlint.check(model, input, structure=structure, **words)


# -- pooled_before_linear -------------------------------------------------------------------------


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


# -- the batch ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        models.Lambda(lambda x: x.mean((1, 2, 3))),
        models.Lambda(lambda x: [x, {"a": x[:, 0]}]),
        models.Lambda(lambda x: x.flatten(0, 1).reshape(x.shape)),  # merged, and parted again
        models.Lambda(lambda x: x.permute(1, 0, 2, 3).flip(1).transpose(0, 1)),
    ],
)
def test_batch_preserved(model):
    assert check(model, {"batch_preserved": True}).word == "proved"


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        # One image out: right for one, wrong for two.
        (lambda x: x.mean(0, keepdim=True), {"N": 2, "H": 1, "W": 1},
         "the output is 1 3 H W, whose first size is not the batch N"),
        (lambda x: x.sum(), {"N": 1, "H": 1, "W": 1},
         "the output is a scalar, whose first size is not the batch N"),
        # 3*N*H*W entries in rows of 12: of N, H, W with a product divisible by 4, the rows are
        # N*H*W//4, which is N where H*W is 4. 1*1*4 and 1*2*2 have the rows 1 = N; the sum 5 is
        # least where N=2: 2*1*2 has one row.
        (lambda x: x.reshape(-1, 12), {"N": 2, "H": 1, "W": 2},
         "the output is (H*N*W)//4 12, whose first size is not the batch N"),
        (lambda x: (x, x[1:]), {"N": 1, "H": 1, "W": 1},
         "output 1 is N-1 3 H W, whose first size is not the batch N"),
    ],
)  # fmt: skip
def test_batch_not_preserved(function, point, message):
    verdict = check(models.Lambda(function), {"batch_preserved": True})
    assert (verdict.word, verdict.message) == ("broken", message)
    assert verdict.counterexample == point
    assert verdict.confirmed
    assert "confirmed by running: the output is " in verdict.details["fails at"]


def test_batch_merged_on_the_way():
    windows = models.Lambda(lambda x: x.flatten(0, 1).reshape(x.shape))
    verdict = check(windows, {"batch_never_merged": True, "batch_preserved": True})
    # 3*N is never N.
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 1, "W": 1})
    assert verdict.message == "flatten makes a size 3*N, which merges the batch N with other sizes"
    assert verdict.confirmed is None  # the output does not show it
    assert "the real model accepts it" in verdict.details["fails at"]


def test_batch_never_merged():
    fine = models.Lambda(lambda x: x.flatten(1).unsqueeze(1).expand(-1, 4, -1))
    assert check(fine, {"batch_never_merged": True}).word == "proved"


@pytest.mark.parametrize(
    ("input", "found"),
    [("1 3 H W", "1"), ("2*N 3 H W", "2*N"), ({"x": "N 3", "y": "M 3"}, "N and M")],
)
def test_the_batch_must_have_a_name(input, found):
    model = models.Lambda(lambda x, y=None: x)
    verdict = check(model, {"batch_preserved": True}, input)
    assert verdict.word == "vacuous"
    assert verdict.message == (
        f"batch_preserved: the input has no named batch: its first size is {found}"
    )


# -- total_stride ---------------------------------------------------------------------------------

SETTINGS = list(itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2)))


@pytest.mark.parametrize(("kernel", "stride", "padding"), SETTINGS)
def test_total_stride_of_a_convolution(kernel, stride, padding):
    def length(size):
        return (size + 2 * padding - kernel) // stride + 1

    accepted = [n for n in range(1, 64) if n + 2 * padding >= kernel]
    wrong = [n for n in accepted if length(n) not in (n // stride, -(-n // stride))]
    model = nn.Conv1d(3, 4, kernel, stride, padding)
    verdict = check(model, {"total_stride": stride}, "N 3 T", samples=0)
    assert verdict.word == ("broken" if wrong else "proved")
    if wrong:
        assert verdict.counterexample == {"N": 1, "T": wrong[0]}


def test_total_stride_of_layers():
    model = models.Pyramid()
    assert check(model, {"total_stride": {"stem": 2, "body": 4, "body.0": 4}}).word == "proved"
    verdict = check(model, {"total_stride": {"stem": 2, "body": 8}})
    # ceil(ceil(1/2)/2) = 1 is 1/8 rounded up, and so on to 8: ceil(9/4) = 3 is neither 1 nor 2; of
    # the smaller ones 5..8 give 2, and 5/8 is 0 or 1.
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 1, "W": 5})
    assert verdict.at.module == "body"
    assert verdict.message == (
        "the output of body is N 8 ceil(H/4) ceil(W/4), expected H, W divided by 8, "
        "rounded down or up"
    )
    assert verdict.confirmed is None


def test_total_stride_of_several_outputs():
    model = models.Pyramid(every=True)
    assert check(model, {"total_stride": [2, 4]}).word == "proved"
    verdict = check(model, {"total_stride": [2, 2]})
    # ceil(3/4) = 1 is 3/2 rounded down; ceil(4/4) = 1 is not 2, and nor is ceil(5/4) = 2 wrong.
    assert verdict.counterexample == {"N": 1, "H": 1, "W": 4}
    assert verdict.message.startswith(
        "output 1 is N 8 ceil(H/4) ceil(W/4), expected H, W divided by 2"
    )
    one = check(model, {"total_stride": [4]})
    assert (one.word, one.message) == (
        "error", "total_stride lists 1 strides, but the output has 2 tensors"
    )  # fmt: skip


@pytest.mark.parametrize("last", [False, True])
def test_total_stride_wherever_the_channels_are(last):
    pool = nn.MaxPool2d(2)
    model = models.Lambda(lambda x: pool(x).permute(0, 2, 3, 1) if last else pool(x))
    assert check(model, {"total_stride": 2}).word == "proved"
    assert check(model, {"total_stride": 1}).word == "broken"


def test_an_output_without_spatial_sizes_has_no_stride():
    verdict = check(models.Lambda(lambda x: x.mean((2, 3))), {"total_stride": 32})
    assert verdict.word == "broken"
    assert verdict.message == "the output is N 3, which has no sizes for H, W"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("boddy", "total_stride names the layer boddy, but the model has no such layer"),
        ("unused", "total_stride names the layer unused, but that layer returns no tensor"),
    ],
)
def test_a_layer_that_gives_nothing(layer, message):
    verdict = check(models.Pyramid(), {"total_stride": {layer: 2}})
    assert (verdict.word, verdict.message) == ("error", message)


# -- forbids and parameters -----------------------------------------------------------------------


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


# -- beside sizes ---------------------------------------------------------------------------------


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


# -- in rule files --------------------------------------------------------------------------------

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
