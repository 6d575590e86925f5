"""``archlint.check`` and the lazy public door."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

import archlint


def test_the_door_is_lazy_and_complete():
    code = (
        "import sys, archlint\n"
        "heavy = {'torch', 'z3', 'yaml', 'pydantic', 'lark'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "archlint.ArchlintError, archlint.Contract, archlint.Verdict, archlint.load\n"
        "assert 'torch' not in sys.modules\n"
        "assert set(archlint.__all__) <= set(dir(archlint))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in archlint.__all__:
        assert getattr(archlint, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        archlint.nothing  # noqa: B018


def test_a_contract_that_holds_and_one_that_does_not():
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))
    verdict = archlint.check(model, "N 8", accepts="any N", output="N 2", samples=1)
    assert verdict
    assert (verdict.word, verdict.model) == ("proved", "Sequential")
    verdict = archlint.check(model, input="N F", accepts="any F >= 8", samples=1)
    assert not verdict
    assert verdict.counterexample == {"N": 1, "F": 9}
    assert archlint.check(model, "N F", rejects="any F > 8", samples=1).word == "proved"


def test_the_model_and_the_world_are_left_alone():
    model = nn.BatchNorm1d(8).train()
    mean, state = model.running_mean.clone(), torch.get_rng_state()
    assert archlint.check(model, "N 8", accepts="any N", samples=2)
    assert model.training
    assert torch.equal(model.running_mean, mean)
    assert torch.equal(torch.get_rng_state(), state)
    assert not archlint.check(model, "N 8", accepts="any N", mode="train", samples=2)


def test_a_hook_that_writes_to_the_model_leaves_nothing_behind():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    maps = []

    def hook(module, args, out):
        model.count = getattr(model, "count", 0) + 1
        model.last = out
        maps.append(out)

    model[0].register_forward_hook(hook)
    before = dict(vars(model))
    assert archlint.check(model, "N 3 H W", accepts="any H, W >= 3", samples=2).word == "proved"
    assert archlint.infer(model, "N 3 H W").text == "H, W >= 3"
    assert vars(model) == before
    assert maps == []


LAZY = (
    "2 (LazyLinear) is a lazy layer, which takes its sizes from the first input; "
    "call the model once where it is made"
)


def lazy():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(5))


def test_layers_that_the_first_input_makes():
    model = lazy()
    verdict = archlint.check(model, "N 3 H W", accepts="any H, W >= 8")
    assert (verdict.word, verdict.message) == ("error", LAZY)
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(model, "N 3 H W")
    assert str(e.value) == LAZY
    assert type(model[2]) is nn.LazyLinear
    assert type(model(torch.ones(1, 3, 6, 6))) is torch.Tensor
    assert archlint.infer(model, "N 3 H W").accepts(N=1, H=6, W=6)
    assert model[2].in_features == 64


def test_inputs_by_name_with_dtypes():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(10, 4)

        def forward(self, ids, scale):
            return self.words(ids) * scale

    input = {"ids": {"shape": "N T", "dtype": torch.int64, "below": 10}, "scale": "N T 1"}
    assert archlint.check(Reader(), input, accepts="any N, T", output="N T 4", samples=1)


def test_targets():
    verdict = archlint.check("torch.nn:Identity", "N", accepts="any N", output="N", samples=0)
    assert (verdict.word, verdict.model) == ("proved", "torch.nn:Identity")
    verdict = archlint.check("torch.nn:Identety", "N", accepts="any N")
    assert verdict.word == "error"
    assert "did you mean Identity" in verdict.message
    assert archlint.check(3, "N", accepts="any N").message == "expected an nn.Module, got an int"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"input": "N 8", "accepts": "evry N"},
            "found 'evry'\n    accepts: \"evry N\"\n              ^\n"
            "    expected 'any' or 'only', as in 'any H, W >= 32'",
        ),
        (
            {"input": "N 8", "accepts": "any M"},
            "found 'M', which is not a size of the input\n    accepts: \"any M\"\n"
            "                  ^\n    expected one of N",
        ),
        (
            {"input": "N 8"},
            "found a contract that checks nothing\n"
            "    expected accepts, rejects, structure or costs",
        ),
        (
            {"input": "N 8", "accepts": "any N", "mode": "evil"},
            "found the text 'evil'; did you mean 'eval'?\n    mode: \"evil\"\n          ^\n"
            "    expected one of eval, train",
        ),
    ],
)
def test_mistakes_have_a_caret(words, message):
    with pytest.raises(archlint.ArchlintError) as caught:
        archlint.check(nn.Identity(), **words)
    assert str(caught.value) == message


def test_all_mistakes_at_once():
    with pytest.raises(archlint.ArchlintError) as caught:
        archlint.check(nn.Identity(), "N +", accepts="any N >", output="M")
    assert str(caught.value).count("^") >= 2
    shown = caught.traceback.filter(caught)
    assert [entry.name for entry in shown] == ["test_all_mistakes_at_once"]


def test_what_pytest_shows_of_a_bare_assert():
    verdict = archlint.check(nn.Linear(4, 2), "N C", accepts="any C", samples=0)
    assert repr(verdict) == (
        "<broken Linear: N=1 C=1 is refused: in_features 4 == last size C; str() is the report>"
    )
    assert repr(archlint.check(nn.ReLU(), "N", accepts="any N", samples=0)).startswith(
        "<proved ReLU;"
    )


def test_a_file_of_ranges_is_read_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = []
    for least in (5, 2):
        shapes = {"min": [1, 3, least], "opt": [1, 3, 8], "max": [2, 3, 64]}
        (tmp_path / "ranges.json").write_text(json.dumps({"input": shapes}))
        declared = {"from": "ranges.json"}
        verdict = archlint.check(nn.Conv1d(3, 3, 5), "N 3 T", accepts=declared, samples=0)
        words.append(verdict.word)
    assert words == ["proved", "broken"]
