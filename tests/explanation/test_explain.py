"""Explanations, and the recorded examples of examples/why_fixed_size."""

import re

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import archlint
from archlint.cli.app import cli
from archlint.cli.explain import explain as command
from archlint.errors import ArchlintError
from tests import REPO
from tests.explanation.test_tied_weights import Recurrent, Tokens, Viewed

ROOT = REPO
SEEDS = ROOT / "examples" / "why_fixed_size"
EXAMPLES = [  # recorded as explained/NAME.txt: pytest tests/explanation/test_explain.py --record
    ("dense-net-3", "DenseNet3", "N F", "4"),
    ("dense-head", "dense_head", "N 1 H W", None),
    ("dense-head-at-64x64", "dense_head", "N 1 H W", "64x64"),
    ("dense-head-unpooled", "dense_head_unpooled", "N 1 S S", "29"),
    ("global-pool", "global_pool", "N 1 H W", "64x48"),
    ("fully-convolutional", "fully_convolutional", "N 1 H W", "64x48"),
    ("valid-padding-at-20x40", "valid_padding", "N 1 H W", "20x40"),
    ("pyramid-pool", "pyramid_pool", "N 1 H W", "64x48"),
    ("resizes-inside", "ResizesInside", "N 1 H W", "64x48"),
    ("pads-inside-at-30x30", "PadsInside", "N 1 H W", "30x30"),
    ("pads-to-grid", "PadsToGrid", "N 1 H W", "30x13"),
]


class Flat(nn.Module):
    """Its own code flattens in one line."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU()))
        self.fc = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x):
        return self.fc(torch.flatten(self.body(x), 1))


@pytest.mark.parametrize("example", EXAMPLES, ids=[s[0] for s in EXAMPLES])
def test_the_recorded_example(example, request, monkeypatch):
    monkeypatch.chdir(ROOT)
    name, model, input, at = example
    args = [f"examples/why_fixed_size/models.py:{model}", "--input", input]
    result = CliRunner().invoke(command, [*args, *(["--at", at] if at else [])])
    assert result.exit_code == 0, result.output
    words = " ".join(f'"{a}"' if " " in a else a for a in args[:3])
    text = f"$ archlint explain {words}{f' --at {at}' if at else ''}\n{result.output}"
    file = SEEDS / "explained" / f"{name}.txt"
    if request.config.getoption("--record"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_the_page_quotes_what_was_recorded():
    recorded = {
        line.rstrip()
        for file in (SEEDS / "explained").glob("*.txt")
        for line in file.read_text().splitlines()
    }
    page = (ROOT / "docs" / "why-fixed-size.md").read_text()
    blocks = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    quoted = [line for block in blocks for line in block.splitlines()]
    assert [q for q in quoted if q.strip() != "…" and q.rstrip() not in recorded] == []


def test_every_layer_with_its_sizes_in_formulas_and_numbers():
    explanation = archlint.explain(Flat(), "N 1 H W", at="8x8")
    rows = {s.row.module or s.row.kind: s for s in explanation.steps}
    assert list(map(str, rows["flatten"].row.dims)) == ["N", "4*H*W"]
    assert rows["fc"].accepts == explanation.accepts.text
    assert "1 4 8 8" in explanation.text()
    assert explanation.accepted


def test_the_set_without_the_layer_that_narrows_it():
    (limit,) = archlint.explain(Flat(), "N 1 H W").limiting
    assert (limit.sites, limit.words, limit.exact) == (("fc",), "any size", True)


def test_two_layers_with_the_same_claim_are_left_out_together():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(64, 3), nn.Linear(64, 2)

        def forward(self, x):
            return self.a(x.flatten(1)), self.b(x.flatten(1))

    (limit,) = archlint.explain(Heads(), "N 1 H W").limiting
    assert (limit.sites, limit.words) == (("a", "b"), "any size")


def test_which_weights_depend_on_the_input():
    explanation = archlint.explain(Flat(), "N 1 H W", at="16x16")
    (tie,) = explanation.ties
    assert (tie.name, tie.shape, tie.dim, str(tie.needed)) == ("fc.weight", (3, 256), 1, "4*H*W")
    assert [(k.name, k.layers, k.tied, k.weights) for k in explanation.kinds] == [
        ("Conv2d", 1, 0, 40),
        ("Linear", 1, 1, 771),
    ]
    assert (
        "`fc.weight` 3x256 would have to be 3x1024 for N=1 H=16 W=16: "
        "larger by 2,304 untrained weights" in explanation.text()
    )
    assert nn.Linear(4 * 16 * 16, 3).weight.numel() - Flat().fc.weight.numel() == 2304


def test_a_position_embedding_is_such_a_weight():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.zeros(1, 16, 8))

        def forward(self, x):
            return x + self.table

    (tie,) = archlint.explain(Positions(), "N T 8", at="20").ties
    assert (tie.name, tie.at({"N": 1, "T": 20})) == ("table", (1, 20, 8))


def test_a_refused_size_goes_back_to_the_input_line_by_line():
    explanation = archlint.explain(Flat(), "N 1 H W", at={"H": 9, "W": 8})
    assert not explanation.accepted
    text = explanation.text().split("refused   N=1 H=9 W=8")[1]
    lines = text.splitlines()
    assert "in_features 256 == last size 288" in lines[1]
    assert "flatten" in lines[2]
    assert "test_explain.py:" in lines[2]
    assert lines[4].split() == ["input", "N", "1", "H", "W", "=", "1", "1", "9", "8"]


def test_a_long_path_is_folded_and_can_be_unfolded():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.stage = nn.ModuleList([nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(4)))])

        def forward(self, x):
            return self.stage[0](x)

    explanation = archlint.explain(Deep(), "N 1 H W")
    assert [s.row.module for s in explanation.steps] == ["stage.0"]
    assert "stage.0.3" not in explanation.text().split("without")[0]
    assert "stage.0.3" in explanation.text(verbose=True)
    only = explanation.text(layer="stage.0.[23]")
    assert "stage.0.3" in only
    assert "stage.0.1 " not in only
    assert "no layer on this path matches 'nothing'" in explanation.text(layer="nothing")


def test_an_exception_of_user_code_comes_with_its_condition():
    class Raises(nn.Module):
        def forward(self, x):
            if x.shape[2] > 8:
                raise ValueError("too high")
            return x

    text = archlint.explain(Raises(), "N 1 H W", at="9x9").text()
    assert "refused   N=1 H=9 W=9: ValueError: too high at " in text
    assert "the code takes this path where H >= 9" in text
    assert "sizes with H >= 9" in text


def test_a_target_that_does_not_exist_cannot_be_explained():
    result = CliRunner().invoke(cli, ["explain", "no.such:thing"])
    assert result.exit_code == 2
    assert "no module" in result.output


def test_a_model_that_hangs_is_stopped(monkeypatch):
    class Hangs(nn.Module):
        def forward(self, x):
            while True:
                pass

    monkeypatch.setattr("archlint.explanation.explain.WORDING", 0.0)
    with pytest.raises(ArchlintError, match=r"did not finish within 0\.5 s; it was at "):
        archlint.explain(Hangs(), "N 3 H W", seconds=0.5)


class Halves(nn.Module):
    """Each length has a path of its own."""

    def forward(self, x):
        turn = 0
        while x.shape[1] > 3:
            turn += 1
            x = x[:, : x.shape[1] // 2 + turn % 3]
        return x


@pytest.mark.parametrize("length", [1, 37, 1000, 4097])
def test_any_size_is_explained_where_not_every_path_was_explored(length):
    explanation = archlint.explain(Halves(), "N T", at={"N": 2, "T": length}, paths=2)
    assert not explanation.covered
    assert explanation.point == {"N": 2, "T": length}
    assert "accepted" in str(explanation)


def test_a_recurrent_layer_shows_its_output_or_that_it_refuses():
    accepted = archlint.explain(Recurrent(), "N T F", at="5x16")
    (row,) = (s.row for s in accepted.steps if s.row.module == "r")
    assert list(map(str, row.dims)) == ["N", "T", "8"]
    refused = archlint.explain(Recurrent(), "N T F", at="5x20").text()
    assert re.search(r"r +LSTM\(16, 8, batch_first=True\) +refused", refused)


def test_layers_behind_still_pin_the_size():
    for model, input in ((Tokens(), "N T 8"), (Viewed(), "N 1 H W")):
        explanation = archlint.explain(model, input)
        assert explanation.limiting == ()
        assert "no single layer causes this limit" in explanation.text()


def test_shared_weights_count_once_and_their_layers_twice():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(16, 16), nn.Linear(16, 16)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    explanation = archlint.explain(Tied(), "N 16")
    (kind,) = explanation.kinds
    assert (kind.layers, kind.weights) == (2, 16 * 16 + 2 * 16)
    assert "Linear(16, 16)" in explanation.text(verbose=True)
    used_twice = nn.Linear(16, 16)
    (kind,) = archlint.explain(nn.Sequential(used_twice, used_twice), "N 16").kinds
    assert (kind.layers, kind.weights) == (1, 16 * 16 + 16)  # one module


def test_a_path_of_one_size_ties_no_weight():
    class Resizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 2)

        def forward(self, x):
            if x.shape[-2:] != (8, 8):
                x = nn.functional.interpolate(x, (8, 8))
            return self.fc(x.flatten(1))

    assert archlint.explain(Resizes(), "N 1 H W", at="8x8").ties == ()


def test_sizes_behind_a_division_by_zero_have_no_numbers():
    class Windows(nn.Module):
        def forward(self, x):
            return nn.functional.avg_pool1d(x, x.shape[2] // 4).view(-1, 4)

    explanation = archlint.explain(Windows(), "N 1 T", at={"T": 3})
    assert "kernel_size 0 > 0" in explanation.text()
    details = archlint.check(Windows(), "N 1 T", accepts="any size", samples=0).details
    assert "advice" not in details
