"""Advice on broken contracts, and that it keeps its time limit."""

import time
from dataclasses import replace

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.contract import Budget, ModelRef
from archlint.contracts.rulefile.load import load
from archlint.engine.pipeline import check_source
from archlint.engine.python_contracts import contract_of, source_of
from archlint.explanation import advice
from archlint.explanation.fixes import broken_contract, find_fixes
from archlint.symbolic.solver.solver import Unsolved
from tests import REPO


def pinned():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 4 * 4, 3)
    )


def test_a_refused_size_comes_with_blame_the_accepted_set_and_checked_fixes():
    details = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8").details
    assert details["blame"].splitlines() == [
        "without `3` every size of the contract would be accepted",
        "`3.weight` 3x32 would have to be 3x40 for N=1 H=8 W=10: larger by 24 untrained weights",
    ]
    assert details["accepts"].startswith("(H//2)*(W//2) == 16 ")
    assert details["accepts"].endswith("   (exact)")
    assert details["fix"].splitlines() == [
        "AdaptiveAvgPool2d((4, 4)) before the flatten: accepts H, W >= 2   (checked)",
        "resize the input to 8 x 8: accepts any size   (checked)",
        "narrow the contract: accepts: any H, W in 8..9   (checked)",
    ]


def test_an_accepted_size_comes_with_the_accepted_set_only():
    details = archlint.check(pinned(), "N 1 H W", rejects="any H < 16").details
    assert "accepts" in details
    assert not details.keys() & {"blame", "fix"}


def test_another_output_comes_with_the_sizes_at_which_it_is_right():
    details = archlint.check(nn.Identity(), "N 1 H W", accepts="any size", output="N 1 H H").details
    assert not details.keys() & {"blame", "accepts"}
    assert details["holds at"] == "H == W   (exact)"
    assert details["fix"] == "narrow the contract: accepts: any H == W   (checked)"


def test_an_output_that_rounding_makes_too_small_is_padded_and_cropped():
    model = nn.Sequential(nn.Conv2d(3, 4, 4, 2, 1), nn.ConvTranspose2d(4, 3, 4, 2, 1))
    details = archlint.check(model, "N 3 H W", accepts="any H, W >= 2", output="N 3 H W").details
    assert details["holds at"] == "H % 2 == 0 and W % 2 == 0   (exact)"
    assert details["fix"].splitlines()[0] == (
        "pad the input to a multiple of 2: accepts any size   (checked)"
    )


def test_a_size_that_is_cropped_is_padded_even_where_the_output_is_large_enough():
    down, up = nn.Conv2d(1, 1, 3, 2, 1), nn.ConvTranspose2d(1, 1, 2, 2)
    model = nn.Sequential(down, up)
    details = archlint.check(model, "N 1 H W", accepts="any size", output="N 1 H W").details
    assert details["fix"].splitlines()[0] == (
        "pad the input to a multiple of 2: accepts any size   (checked)"
    )


class Frames(nn.Module):
    """A table of 6 frames for clips of any height and width."""

    def __init__(self):
        super().__init__()
        self.frames = nn.Parameter(torch.zeros(6, 1))

    def forward(self, x):
        return (x.mean((3, 4)).mT + self.frames).mean(1)


def test_only_the_sizes_that_have_to_be_are_resized_and_not_to_one():
    fixes = archlint.check(Frames(), "N 3 T H W", accepts="any size").details["fix"]
    assert fixes.startswith("resize the input to 6 x H x W: accepts any size   (checked)")


def test_a_norm_of_its_own_input_says_so_in_eval_mode():
    verdict = archlint.check(nn.InstanceNorm2d(4).eval(), "N 4 H W", accepts="any size", samples=0)
    assert verdict.details["because"].endswith("variance of its input, in eval mode too")


def test_an_output_that_values_determine_is_not_known_to_hold():
    class Net(nn.Module):
        def forward(self, x):
            if x.shape[0] % 2:
                return x[:, :2]
            return x if x.shape[0] % 3 else x[x.sum(1) > 0]

    details = archlint.check(Net(), "N 4", accepts="any N", output="N 4").details
    assert details["holds at"] == "N % 6 in {2, 4}   (proved; other sizes are unknown)"


def test_what_holds_has_no_advice():
    assert not archlint.check(nn.Identity(), "N 1 H W", accepts="any size").details.keys() & {"fix"}


def test_no_fix_is_shown_where_nothing_may_run():
    details = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8", samples=0).details
    assert "blame" in details
    assert "fix" not in details


def test_slow_blame_leaves_time_for_fixes(monkeypatch):
    """``blame`` that works until its deadline takes a quarter of the time for advice."""

    def blame(run, violation):
        while run.seconds_left:
            pass
        return original(run, violation)

    original = broken_contract.blame
    monkeypatch.setattr(broken_contract, "blame", blame)
    monkeypatch.setattr(advice, "SECONDS", 4.0)
    details = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8").details
    assert {"accepts", "fix"} <= details.keys()


def test_the_verdict_stands_when_the_advice_has_a_bug(monkeypatch):
    def find_fixes(*_, **__):
        raise KeyError("N")

    monkeypatch.setattr(advice, "find_fixes", find_fixes)
    verdict = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8")
    assert verdict.word == "broken"
    assert "blame" in verdict.details
    assert verdict.details["advice"].startswith("internal error in archlint: KeyError: 'N'")


def test_the_verdict_stands_when_there_is_no_time_for_advice(monkeypatch):
    monkeypatch.setattr(advice, "violation_of", lambda *_: time.sleep(1000))
    contract = contract_of(input="N 1 H W", accepts="any H, W >= 8")
    verdict = check_source(contract, source_of(pinned()))
    short = Budget(seconds=verdict.seconds + 0.2)
    with source_of(pinned()) as source:
        advised = advice.with_advice(verdict, replace(contract, budget=short), source)
    assert (
        advised.details.pop("advice")
        == "incomplete: the search for advice reached its time limit of 0.2 s"
    )
    assert advised == verdict
    assert advised.word == "broken"


def test_fixes_that_time_did_not_suffice_for_are_named(monkeypatch):
    def try_fix(proposal, before, seconds):
        time.sleep(0.6 * seconds)

    monkeypatch.setattr(find_fixes, "try_fix", try_fix)
    monkeypatch.setattr(advice, "SECONDS", 2.0)
    details = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8").details
    assert "fix" not in details
    assert details["not tried"].startswith("AdaptiveAvgPool2d((4, 4)) before the flatten, ")
    assert details["not tried"].endswith("   (no time left; archlint fix has more)")


def test_a_proposal_that_the_solver_leaves_open_is_named(monkeypatch):
    def padding(broken):
        raise Unsolved("no time left")

    monkeypatch.setattr(find_fixes, "padding", padding)
    details = archlint.check(pinned(), "N 1 H W", accepts="any H, W >= 8").details
    assert details["fix"].startswith("AdaptiveAvgPool2d((4, 4)) before the flatten: ")
    assert details["not tried"].startswith("padding of the input ")


@pytest.mark.parametrize("name", ["vgg_flatten", "rejects"])
def test_the_worker_adds_advice(name):
    folder = REPO / "tests" / "cases" / name
    contract = load(folder / "rules.yaml").contracts[-1 if name == "vgg_flatten" else 0]
    (ref,) = contract.models
    assert isinstance(ref, ModelRef)
    assert "accepts" in advice.check_contract(contract, ref, root=folder).details


class MakesItsLayers(nn.Module):
    """Calls layers that are made in ``forward``, which no path of the model names."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4 * 5 * 5, 3)

    def forward(self, x):
        y = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))(self.conv(x))
        y = torch.nn.functional.conv2d(nn.ZeroPad2d(1)(y), weight=torch.ones(4, 4, 1, 1))
        return self.head(nn.Flatten()(y))


def test_layers_that_forward_makes_end_no_answer_in_an_error():
    model = MakesItsLayers()
    verdicts = [archlint.check(model, "N 1 H W", accepts="any H, W >= 8")]
    for kind in ("flops", "activations"):
        budget = {kind: "<= 3 at N=1 H=8 W=8"}
        contract = {"accepts": "any H == 8 and W == 8", "costs": budget}
        verdicts.append(archlint.check(model, "N 1 H W", samples=0, **contract))
    for verdict in verdicts:
        assert verdict.word == "broken"
        assert "internal error" not in str(verdict)
    assert "MaxPool2d" in str(archlint.explain(model, "N 1 H W"))
