"""``infer``: the accepted set, what comes out, and the rule file that promises it."""

import dataclasses

import pytest
import torch
import yaml
from torch import nn

import archlint
from archlint.contracts import output_shape
from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml
from archlint.contracts.rulefile import load as rulefile
from archlint.report import accepted_text as inferred
from tests.support.inferable_models import Pair, Refuses, Secret, backbone, flat_head


def test_a_backbone():
    found = archlint.infer(backbone(), "N 3 H W")
    assert found.exact
    assert found.text == "H, W >= 7"
    assert found.minimum() == {"N": 1, "H": 7, "W": 7}
    assert found.accepts(N=2, H=7, W=100) is True
    assert found.accepts(N=1, H=6, W=100) is False
    assert found.output(N=2, H=9, W=9) == (2, 10)
    assert found.output(N=2, H=6, W=9) is None
    assert found.accepts(N=0, H=9, W=9) is None  # sizes are at least 1
    assert found.reasons == ()
    assert found.undecided == ""


def test_the_output_as_formulas():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1))
    assert archlint.infer(model, "N 3 H W").entry().output == "N 16 ceil(H/4) ceil(W/4)"


def test_the_output_is_simple_where_the_set_makes_it_so():
    class Halves(nn.Module):
        def forward(self, x):
            return Refuses()(x).reshape(x.shape[0], 3, x.shape[2] // 2, 2, -1).flatten(2, 3)

    assert archlint.infer(Halves(), "N 3 H W").entry().output == "N 3 H W"


def test_nested_inputs_and_outputs():
    found = archlint.infer(Pair(), {"left": "N C", "right": "N C"})
    assert found.entry().output == {"sum": "N C", "parts": ["N C", "N 1"]}
    assert found.output(N=2, C=5) == {"sum": (2, 5), "parts": [(2, 5), (2, 1)]}


def test_joint_sizes():
    found = archlint.infer(flat_head(), "N 3 H W")
    assert found.exact
    assert found.accepts(N=1, H=32, W=32) is True
    assert found.accepts(N=1, H=8, W=128) is True
    assert found.accepts(N=1, H=32, W=40) is False


def test_modes_differ():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4))
    assert archlint.infer(model, "N 3 H W").text == "any size"
    assert archlint.infer(model, "N 3 H W", mode="train").text == "N >= 2"
    assert model.training  # left as it was


def test_no_size_is_accepted():
    found = archlint.infer(nn.Sequential(nn.Conv2d(4, 4, 1)), "N 3 H W")
    assert (found.exact, found.text, found.minimum()) == (True, "no size", None)
    assert found.contract().clause.kind == "rejects"


def test_what_cannot_be_decided_is_said():
    found = archlint.infer(Secret(), "N 3 H W")
    assert not found.exact
    assert found.text == "H <= 7"
    assert found.undecided == "H >= 8"
    assert found.reasons
    assert found.accepts(N=1, H=7, W=1) is True
    assert found.accepts(N=1, H=8, W=1) is None
    assert found.output(N=1, H=8, W=1) is None
    assert found.contract().clause.text == "any H <= 7"


def test_sizes_are_named():
    found = archlint.infer(backbone(), "N 3 H W")
    with pytest.raises(TypeError, match="expected the sizes N, H, W, got H"):
        found.accepts(H=3)


@pytest.mark.parametrize("model", [backbone, flat_head, Refuses])
def test_the_contract_holds(model):
    contract = archlint.infer(model(), "N 3 H W").contract()
    verdict = archlint.check(
        model(), input_as_yaml(contract.input), accepts=contract.clause.text, samples=4
    )
    assert verdict.word == "proved"
    assert contract.clause.kind == "only"


def test_a_model_that_hangs_is_stopped(monkeypatch):
    class Hangs(nn.Module):
        def forward(self, x):
            while True:
                pass

    monkeypatch.setattr("archlint.engine.infer.infer.WORDING", 0.0)
    monkeypatch.setattr("archlint.engine.infer.infer.GRACE", 0.0)
    with pytest.raises(archlint.ArchlintError, match=r"did not finish within 0\.5 s"):
        archlint.infer(Hangs(), "N 3 H W", seconds=0.5)


# What is said of it


@pytest.mark.parametrize("model", [backbone, flat_head, Refuses, Secret, Pair])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_rule_file_says_the_same(model, mode):
    input = {"left": "N C", "right": "N C"} if model is Pair else "N 3 H W"
    entry = archlint.infer(model(), input, mode=mode).entry()
    entry = dataclasses.replace(entry, model="pkg.mod:net")
    (contract,) = rulefile.loads(inferred.rule_file([entry])).contracts
    assert contract.mode == mode
    assert input_as_yaml(contract.input) == input
    assert contract.clause.region == entry.accepted()
    only = entry.exact and model is not Pair
    assert contract.clause.text.startswith("only " if only else "any ")
    assert (contract.output is None) == (entry.output is None)


def test_a_rule_file_without_anything_to_promise():
    entry = AcceptedSet("a:b", "eval", [], "no size", False, undecided="any size")
    text = inferred.rule_file([entry])
    assert "is not enough for a contract" in text
    assert yaml.safe_load(text)["contracts"] == []


def test_text():
    entry = archlint.infer(backbone(), "N 3 H W").entry()
    entry = dataclasses.replace(entry, seconds=0.5)
    train = dataclasses.replace(entry, mode="train")
    assert inferred.text([entry, train]) == (
        "Sequential   N 3 H W   eval and train\n"
        "  accepts    H, W >= 7   (and no other size)\n"
        "  smallest   N=1 H=7 W=7\n"
        "  output     N 10\n"
        "  proved     1 path, 4 claims, 0.50 s\n"
        "  ran at     N=1 H=7 W=7 (accepted), N=1 H=1 W=1 (refused)"
    )


class Asserts(nn.Module):
    def forward(self, x):
        torch._assert(x.shape[2] % 4 == 0, "Wrong image height!")
        return x


def test_an_assertion_is_refused_in_the_words_of_its_author():
    found = archlint.infer(Asserts(), "N 3 H W")
    said = [str(refusal) for refusal in found.entry().refusals]
    assert said == ["the model fails the assertion: Wrong image height!"]


def test_text_of_what_is_not_exact():
    text = inferred.text([archlint.infer(Secret(), "N 3 H W").entry()])
    assert (
        "  accepts    H <= 7   (proved; there may be more)\n  not proved H >= 8\n  because    "
        in text
    )
    assert "\n  checked    " in text


class Asking(torch.nn.Module):
    def forward(self, x):
        return x[:, : int(x.sum())]


def test_what_a_notebook_shows():
    assert repr(archlint.infer(backbone(), "N 3 H W")) == (
        "<Sequential in eval mode accepts H, W >= 7; exact>"
    )
    assert "accepts H <= 7; not exact: at N=1 H=8 W=1 tensor values" in repr(
        archlint.infer(Secret(), "N 3 H W")
    )


def test_text_of_what_nothing_is_known_of():
    text = inferred.text([archlint.infer(Asking(), "N 3 H W").entry()])
    assert "  accepts    no size is proved\n  not proved any size\n  because    the value" in text


def test_text_of_what_accepts_no_size_names_the_layer():
    text = inferred.text([archlint.infer(flat_head(), "N 4 H W").entry()])
    why = "0 (conv2d) needs in_channels 3 == channels 4"
    assert f"  accepts    no size\n  because    {why}\n" in text
    text = inferred.text([archlint.infer(flat_head(), "N 3 9 9").entry()])
    assert "  because    3 (linear) needs in_features 64 == last size 4\n" in text


def test_an_input_of_integers():
    ids = {"shape": "N T", "dtype": "int64", "below": 10}
    found = archlint.infer(nn.Embedding(10, 4), {"input": ids})
    assert found.text == "any size"
    assert input_as_yaml(found.input)["input"]["dtype"] == "int64"
    assert found.output(N=1, T=2) == tuple(nn.Embedding(10, 4)(torch.zeros(1, 2).long()).shape)


class Looked(nn.Module):
    """Counts up to its height, and reads its table at places that no size tells."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(9, 2))

    def forward(self, x):
        for _ in [0] * x.shape[2]:  # each length is a path of its own
            x = x + 1
        return self.table[(x[0, 0] * 3.5).long()]


def test_paths_of_which_nothing_is_known_end_the_search():
    found = archlint.infer(Looked(), "N 3 H W", paths=100)
    assert not found.exact
    assert len(found.explored.paths) == 16
    assert (
        "16 paths in a row have an unknown outcome before every size was covered"
        in found.reasons[-1]
    )


class Windows(nn.Module):
    """Windows of a part of the input's length: at small inputs a window is empty."""

    def __init__(self, part, less):
        super().__init__()
        self.part, self.less = part, less

    def forward(self, x):
        size = (x.shape[2] - self.less) // self.part
        return x.unfold(2, size, size)


@pytest.mark.parametrize(("part", "less"), [(2, 0), (3, 1), (5, 7)])
def test_an_output_that_is_divided_by_a_size_is_read_again(part, less):
    model = Windows(part, less)
    found = archlint.infer(model, "N 2 T")
    entry = found.entry()
    assert found.exact
    assert "//(" in str(entry.output)
    assert output_shape.parse(entry.output) == found.output_formulas
    accepts = found.contract().clause.text
    verdict = archlint.check(model, "N 2 T", accepts=accepts, output=entry.output, samples=0)
    assert verdict.word == "proved", verdict.message
    with pytest.raises(archlint.ArchlintError, match="which can be 0"):
        archlint.check(model, "N 2 T", accepts="any size", output=entry.output, samples=0)
