"""A diff is shown if it holds in a copy of the project, and breaks no other contract there."""

import subprocess

import pytest
import torch
from click.testing import CliRunner

from archlint.cli.fix import fix as command
from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.contract import TensorInput
from archlint.project.lock_file import text as lock_text
from archlint.runner.patched_project import Answer

HEAD = """\
import functools
import torch
from torch import nn
from torch.nn import functional as F


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


class Base(nn.Module):
    def __init__(self, k=256):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(k, 2)
"""
SPELLINGS = {
    "batch of -1": "return self.fc(self.conv(x).view(-1, 256))",
    "len": "x = self.conv(x)\n        return self.fc(x.reshape(len(x), -1))",
    "number": "x = self.conv(x)\n        return self.fc(x.view(x.size(0), 256))",
    "keyword": "return self.fc(torch.flatten(input=self.conv(x), start_dim=1))",
    "twice": "return self.fc(self.conv(x).flatten(2).flatten(1))",
    "one line": "x = self.conv(x); return self.fc(x.flatten(1))",
    "else": "x = self.conv(x)\n        if x.ndim == 2: return x\n"
            "        else: return self.fc(x.flatten(1))",
    "nested": "def flat(y): return y.flatten(1)\n        return self.fc(flat(self.conv(x)))",
    "comprehension": "return [self.fc(y.flatten(1)) for y in [self.conv(x)]][0]",
    "sizes by name": "x = self.conv(x)\n        b, c, h, w = x.shape\n"
                     "        return self.fc(x.view(b, c * h * w))",
}  # fmt: skip
CONTRACT = '  - {{id: {0}, models: [{0}], input: N 3 H W, accepts: "{1}"}}\n'


@pytest.fixture
def fixed(tmp_path, monkeypatch, one_copy_server):
    """Run ``archlint fix`` on models by name, with the sizes that each must accept."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()

    def run(source, accepts, contracts=None):
        (tmp_path / "nets.py").write_text(HEAD + source)
        models = "".join(f"  {name}: nets.py:{name}\n" for name in accepts)
        rules = "".join(CONTRACT.format(name, clause) for name, clause in accepts.items())
        (tmp_path / "archlint.yaml").write_text(
            f"archlint: 1\nmodels:\n{models}contracts:\n{rules}"
        )
        result = CliRunner().invoke(command, ["--select", next(iter(accepts))])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.output

    return run


def apply_first(output, folder):
    """Apply the first diff as it is printed; the model of the patched file."""
    lines = output.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("--- a/nets.py"))
    hunk = lines[start:]
    end = next((i for i, line in enumerate(hunk) if line.startswith("  fix ")), len(hunk))
    patch = "\n".join(hunk[:end]).rstrip("\n") + "\n"
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True)
    namespace = {"__name__": "patched"}
    exec(compile((folder / "nets.py").read_text(), "nets.py", "exec"), namespace)
    return namespace


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spelling", "decorator"),
    [*((s, "") for s in SPELLINGS), ("len", "    @logged\n"), ("nested", "    @logged\n")],
)
def test_pooling_is_shown_for_each_spelling_of_a_flatten(fixed, tmp_path, spelling, decorator):
    body = SPELLINGS[spelling]
    output = fixed(f"\n\nclass Net(Base):\n{decorator}    def forward(self, x):\n        {body}\n",
                   {"Net": "any H, W >= 8"})  # fmt: skip
    assert "fix        AdaptiveAvgPool2d((8, 8)) before the flatten\n" in output
    model = apply_first(output, tmp_path)["Net"]().eval()
    for sizes in ((8, 8), (9, 30), (40, 17)):
        assert model(torch.randn(2, 3, *sizes)).shape == (2, 2)


SHARED = """

class Net(Base):
    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


def big():
    return Net(256)


def small():
    return Net(64)
"""


def test_a_diff_that_breaks_another_contract_is_not_shown(fixed):
    output = fixed(SHARED, {"big": "any H, W >= 8", "small": "any H == 4 and W == 4"})
    pooled = output.partition("fix        AdaptiveAvgPool2d")[2].partition("  fix ")[0]
    assert "no diff: the same change in the source breaks small" in pooled
    assert "--- a/nets.py" not in pooled


def test_a_contract_that_is_broken_already_does_not_count(fixed):
    output = fixed(SHARED, {"big": "any H, W >= 8", "small": "any H, W >= 4"})
    pooled = output.partition("fix        AdaptiveAvgPool2d")[2].partition("  fix ")[0]
    assert "--- a/nets.py" in pooled


OBSOLETE = """\
archlint: 1
models: {net: ../nets.py:Net, twin: ../nets.py:Net}
contracts:
  - id: exact
    models: [net, twin]
    input: N 3 H W
    accepts: only (H-2)*(W-2) == 36  # the set of both
    output: N 2
  - {id: wide, models: net, input: N 3 H W, accepts: "any H, W >= 8"}
  - {id: small, models: net, input: N 3 H W, rejects: "any H < 8 and W < 8"}
waivers:
  - {contract: wide, model: net, reason: known, until: 2999-01-01}
"""
SHRINKING = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4 * 36, 2)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))
"""


def test_contracts_that_a_fix_makes_obsolete_are_updated_with_it(
    tmp_path, monkeypatch, one_copy_server
):
    monkeypatch.chdir(tmp_path)
    rules = tmp_path / "contracts" / "all.archlint.yaml"
    rules.parent.mkdir()
    rules.write_text(OBSOLETE)
    (tmp_path / "nets.py").write_text(SHRINKING)
    lock = [AcceptedSet("net", "eval", TensorInput((1,), text="N 3 H W"), "H == 8", True)]
    (tmp_path / "archlint.lock").write_text(lock_text(lock))
    result = CliRunner().invoke(command, ["--write"])
    after = OBSOLETE.replace("only (H-2)*(W-2) == 36", "only H, W >= 3").replace(
        "any H < 8 and W < 8", "any H <= 7 and W <= 2 or H <= 2 and W <= 7"
    )
    assert rules.read_text() == after
    assert "adaptive_avg_pool2d" in (tmp_path / "nets.py").read_text()
    shown, _, rest = result.output.partition("--- a/contracts/all.archlint.yaml")
    assert "updates    exact to accepts: only H, W >= 3; small to rejects: any H <= 7" in shown
    assert "+    accepts: only H, W >= 3  # the set of both" in rest.partition("  fix ")[0]
    assert "written to nets.py, contracts/all.archlint.yaml: AdaptiveAvgPool2d((6, 6))" in rest
    assert result.output.splitlines()[-3:] == [
        "1 written, 2 contracts updated",
        "contracts/all.archlint.yaml:12: the waiver covers wide · net, which holds now",
        "archlint.lock: archlint lock --update records what net accepts now",
    ]
    assert result.exit_code == 0


HELPER = """

def make_head(k):
    return nn.Sequential(nn.Flatten(), nn.Linear(k, 2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.aux = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = make_head(256)

    def forward(self, x):
        x = self.conv(x)
        return self.head(x), self.aux(x)
"""


def test_a_diff_changes_the_layer_that_refuses_and_no_other(fixed, tmp_path):
    output = fixed(HELPER, {"Net": "any H, W >= 8"})
    pooled = output.partition("fix        AdaptiveAvgPool2d")[2].partition("  fix ")[0]
    assert [line for line in pooled.splitlines() if line[:2] == "+ "] == [
        "+    return nn.Sequential(nn.Sequential(nn.AdaptiveAvgPool2d((8, 8)), nn.Flatten()), "
        "nn.Linear(k, 2))"
    ]
    model = apply_first(output, tmp_path)["Net"]().eval()
    assert [y.shape for y in model(torch.randn(1, 3, 9, 30))] == [(1, 2), (1, 10)]


HELPER_OF_TWO = HELPER.replace(
    "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))",
    "nn.Sequential(nn.AdaptiveAvgPool2d(1), make_head(4))",
)


def test_a_diff_that_changes_another_layer_is_not_shown(fixed):
    output = fixed(HELPER_OF_TWO, {"Net": "any H, W >= 8"})
    pooled = output.partition("fix        AdaptiveAvgPool2d")[2].partition("  fix ")[0]
    assert pooled
    assert "--- a/nets.py" not in pooled


TWO_HEADS = """

class Net(Base):
    def __init__(self):
        super().__init__()
        self.other = nn.Linear(256, 5)

    def forward(self, x):
        x = self.conv(x)
        one = self.fc(x.flatten(1))
        return one, self.other(x.flatten(1))
"""


def test_two_heads_are_pooled_together(fixed, tmp_path):
    output = fixed(TWO_HEADS, {"Net": "any H, W >= 8"})
    model = apply_first(output, tmp_path)["Net"]().eval()
    for sizes in ((8, 8), (9, 30)):
        assert [y.shape[1] for y in model(torch.randn(1, 3, *sizes))] == [2, 5]


def test_an_answer_is_read_as_data():
    facts = {"accepts": "any size", "exact": True, "weights": "fit", "ran": ({"N": 1},), "same": ()}
    for answer in (Answer(facts, ((2, "refused"),)), Answer(None)):
        assert Answer.from_json(answer.to_json().encode()) == answer


@pytest.mark.parametrize(
    "text",
    [b"", b"\x80\x04.", b"{}", b"[1, []]", b"[null]", b'[{"accepts": 1}, []]', b"[null, [1]]"],
)
def test_another_answer_is_none(text):
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Answer.from_json(text)
