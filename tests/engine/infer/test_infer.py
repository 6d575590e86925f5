"""``infer``: the accepted set, what comes out, and the rule file that promises it."""

import dataclasses

import pytest
import torch
import yaml
from torch import nn

import archlint
from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml
from archlint.contracts.rulefile import load as rulefile
from archlint.report import accepted_text as inferred


def backbone(stride=2, padding=0, classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride, padding), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, classes),
    )  # fmt: skip


def flat_head():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(8), nn.Flatten(), nn.Linear(64, 5)
    )


class Refuses(nn.Module):
    """Takes sides that are a multiple of 4 only, and says so itself."""

    def forward(self, x):
        if x.shape[2] % 4:
            raise ValueError("the height must be a multiple of 4")
        return x


class Secret(nn.Module):
    """Branches on a value, of which no size tells anything."""

    def forward(self, x):
        return x if x.shape[2] < 8 or x.sum() > 0 else x[:, :, 1:]


class Rows(nn.Module):
    def forward(self, x):
        if x.ndim != 2:
            raise ValueError("expected rows")
        return x


class HeadFirst(nn.Module):
    """What it calls last it makes first."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.body = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


class Spoken(nn.Module):
    """Its rows are in a sequence."""

    def __init__(self):
        super().__init__()
        self.each = nn.Linear(5, 3)

    def forward(self, x):
        return self.each(x).amax(2)


class Drawn(nn.Module):
    """Draws a picture: its convolution does not see the input."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(7, 2 * 4 * 4)
        self.smooth = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        return self.smooth(self.first(x).view(-1, 2, 4, 4))


class Reader(nn.Module):
    """Its convolution sees words, not letters."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 6)
        self.slide = nn.Conv1d(6, 2, 3)

    def forward(self, ids):
        return self.slide(self.words(ids).transpose(1, 2)).amax(2)


class Stubborn(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 3)

    def forward(self, x):
        raise ValueError("never")


class Pair(nn.Module):
    def forward(self, left, right):
        return {"sum": left + right, "parts": [left, right[:, :1]]}


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


class Mono(nn.Module):
    """Adds the channel of a signal itself; its Linear is not the first layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv1d(1, 4, 3), nn.Linear(4, 2)

    def forward(self, signal):
        return self.fc(self.conv(signal.unsqueeze(1)).transpose(1, 2))


class Late(nn.Module):
    """The convolution that sees the image is not the first attribute."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv3d(8, 2, 1)
        self.stem = nn.Conv3d(3, 8, 3)

    def forward(self, clip):
        return self.head(self.stem(clip))


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.time = nn.Linear(1, 4)
        self.classes = nn.Embedding(10, 4)

    def forward(self, x, t, y):
        embedded = self.time(t[:, None]) + self.classes(y)
        return self.conv(x) + embedded[..., None, None]


class Matched(nn.Module):
    def forward(self, image1, image2):
        return image1 - image2


@pytest.mark.parametrize(
    ("model", "input"),
    [
        (backbone, "N 3 H W"),
        (lambda: nn.Conv1d(5, 2, 3), "N 5 L"),
        (lambda: nn.Conv3d(1, 2, 3), "N 1 T H W"),
        (nn.ReLU, "N 3 H W"),
        (lambda: nn.Sequential(nn.Linear(20, 8), nn.Linear(8, 2)), "N 20"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(20, 8)), "N 20"),
        (lambda: nn.LSTM(6, 4, batch_first=True), "N T 6"),
        (lambda: nn.GRU(6, 4), "T N 6"),
        (Spoken, "N T 5"),
        (Drawn, "N 7"),
        (HeadFirst, "N 1 H W"),
        (Mono, "N L"),
        (Late, "N 3 T H W"),
    ],
)
def test_the_input_is_guessed(model, input):
    assert archlint.infer(model()).input.text == input


def test_tokens_are_guessed():
    found = archlint.infer(Reader())
    assert input_as_yaml(found.input) == {"shape": "N T", "dtype": "int64", "below": 30}
    assert found.text == "T >= 3"
    assert archlint.explain(Reader()).input == found.input


def test_further_arguments_are_guessed_by_their_names():
    found = archlint.infer(Denoiser())
    assert input_as_yaml(found.input) == {
        "x": "N 4 H W",
        "t": "N",
        "y": {"shape": "N", "dtype": "int64", "below": 10},
    }
    assert found.text == "any size"
    assert input_as_yaml(archlint.infer(Matched()).input) == {
        "image1": "N 3 H W",
        "image2": "N 3 H W",
    }


def test_a_guess_that_fails_is_said():
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(Stubborn())
    tried = [f"{i} (ValueError: never)" for i in ("N 5", "N T 5", "N 3 H W")]
    assert str(e.value) == (
        f"Stubborn accepts none of the guessed inputs: {'; '.join(tried)}; use --input"
    )
    with pytest.raises(archlint.ArchlintError, match="does not accept the guessed input N 3 H W"):
        archlint.infer(Rows())
    with pytest.raises(archlint.ArchlintError, match=r"Pair\.forward takes left, right"):
        archlint.infer(Pair())


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


class Captions(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.conv = nn.Embedding(50, 4), nn.Conv2d(3, 4, 3)

    def forward(self, image, token_ids, video):
        return self.conv(image).mean((2, 3)) + self.words(token_ids).mean(1)


def test_the_example_has_integers_for_the_indices_of_an_embedding():
    tokens = "token_ids: {shape: N K, dtype: int64, below: 50}"
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(Captions())
    assert f"--input '{{image: N 3 H W, {tokens}, video: N K}}'" in str(e.value)


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
