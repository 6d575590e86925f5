"""What explain tells, and the recorded stories of examples/why_fixed_size."""

import re

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import archlint
from archlint.cli.explain import explain as command
from archlint.errors import ArchlintError
from archlint.explanation.explain import sizes_at
from tests import REPO

ROOT = REPO
SEEDS = ROOT / "examples" / "why_fixed_size"
STORIES = [  # recorded as explained/NAME.txt: pytest tests/explanation/test_explain.py --record
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
    """One line of its own code flattens."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU()))
        self.fc = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x):
        return self.fc(torch.flatten(self.body(x), 1))


@pytest.mark.parametrize("story", STORIES, ids=[s[0] for s in STORIES])
def test_the_recorded_story(story, request, monkeypatch):
    monkeypatch.chdir(ROOT)
    name, model, input, at = story
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


def test_the_page_says_what_was_recorded():
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
    told = archlint.explain(Flat(), "N 1 H W", at="8x8")
    rows = {s.row.module or s.row.kind: s for s in told.steps}
    assert list(map(str, rows["flatten"].row.dims)) == ["N", "4*H*W"]
    assert rows["fc"].accepts == told.accepts.text
    assert "1 4 8 8" in told.text()
    assert told.accepted


def test_the_set_without_the_layer_that_narrows_it():
    (without,) = archlint.explain(Flat(), "N 1 H W").without
    assert (without.sites, without.words, without.exact) == (("fc",), "any size", True)


def test_two_layers_that_ask_the_same_are_left_out_together():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(64, 3), nn.Linear(64, 2)

        def forward(self, x):
            return self.a(x.flatten(1)), self.b(x.flatten(1))

    (without,) = archlint.explain(Heads(), "N 1 H W").without
    assert (without.sites, without.words) == (("a", "b"), "any size")


def test_which_weights_depend_on_the_input():
    told = archlint.explain(Flat(), "N 1 H W", at="16x16")
    (tie,) = told.ties
    assert (tie.name, tie.shape, tie.dim, str(tie.needed)) == ("fc.weight", (3, 256), 1, "4*H*W")
    assert [(k.name, k.layers, k.tied, k.weights) for k in told.kinds] == [
        ("Conv2d", 1, 0, 40),
        ("Linear", 1, 1, 771),
    ]
    assert (
        "`fc.weight` 3x256 would have to be 3x1024 for N=1 H=16 W=16: "
        "2,304 weights that were never trained" in told.text()
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
    told = archlint.explain(Flat(), "N 1 H W", at={"H": 9, "W": 8})
    assert not told.accepted
    text = told.text().split("refused   N=1 H=9 W=8")[1]
    lines = text.splitlines()
    assert "in_features 256 == last size 288" in lines[1]
    assert "flatten" in lines[2]
    assert "test_explain.py:" in lines[2]
    assert lines[4].split() == ["input", "N", "1", "H", "W", "=", "1", "1", "9", "8"]


def test_a_long_way_is_folded_and_can_be_unfolded():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.stage = nn.ModuleList([nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(4)))])

        def forward(self, x):
            return self.stage[0](x)

    told = archlint.explain(Deep(), "N 1 H W")
    assert [s.row.module for s in told.steps] == ["stage.0"]
    assert "stage.0.3" not in told.text().split("without")[0]
    assert "stage.0.3" in told.text(verbose=True)
    only = told.text(layer="stage.0.[23]")
    assert "stage.0.3" in only
    assert "stage.0.1 " not in only
    assert "no layer on this way matches 'nothing'" in told.text(layer="nothing")


def test_what_users_raise_is_told_with_the_condition():
    class Raises(nn.Module):
        def forward(self, x):
            if x.shape[2] > 8:
                raise ValueError("too high")
            return x

    text = archlint.explain(Raises(), "N 1 H W", at="9x9").text()
    assert "refused   N=1 H=9 W=9: ValueError: too high at " in text
    assert "the code takes this way where H >= 9" in text
    assert "sizes with H >= 9" in text


@pytest.mark.parametrize(
    ("at", "sizes"),
    [
        ("5x7", {"N": 1, "H": 5, "W": 7}),
        ("2x5x7", {"N": 2, "H": 5, "W": 7}),
        ("H=5, W=7", {"N": 1, "H": 5, "W": 7}),
        ({"W": 3}, {"N": 1, "H": 1, "W": 3}),
    ],
)
def test_sizes_in_words(at, sizes):
    assert sizes_at(("N", "H", "W"), at) == sizes


@pytest.mark.parametrize("at", ["", "1x2x3x4", "Q=3", "big"])
def test_words_that_are_no_sizes(at):
    with pytest.raises(ArchlintError):
        sizes_at(("N", "H", "W"), at)


def test_a_target_that_does_not_exist_cannot_be_explained():
    result = CliRunner().invoke(command, ["no.such:thing"])
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
