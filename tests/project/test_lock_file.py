"""``archlint lock``, ``check --locked`` and ``diff``: what models accept, kept and compared."""

import dataclasses
import typing

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import archlint
from archlint.cli import app as cli
from archlint.contracts.accepted_set import AcceptedSet, Refusal
from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause, TensorInput
from archlint.contracts.job import Job
from archlint.errors import ArchlintError, Location
from archlint.project import lock_check as locking
from archlint.project import lock_file as lock
from archlint.project.compare import compare
from archlint.symbolic import symbol
from tests.support import in_process


def net(stride=2, padding=0, pool=1, classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, stride, padding), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(pool),
        nn.Flatten(), nn.Linear(4 * pool * pool, classes),
    )  # fmt: skip


def flat(classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, classes)
    )


def entry_of(model, mode="eval"):
    return dataclasses.replace(archlint.infer(model, "N 3 H W", mode=mode).entry(), model="net")


# A change of a layer


@pytest.mark.parametrize(
    ("after", "word", "shrunk", "grown", "by"),
    [
        (net(), "same", None, None, ""),
        (net(pool=3), "same", None, None, ""),  # another head, the same sizes and output
        (net(stride=3), "shrunk", (1, 7, 7), None, "1 (max_pool2d) needs kernel_size 2"),
        (net(stride=1), "grown", None, (1, 6, 6), "1 (max_pool2d) needs kernel_size 2"),
        (net(padding=1), "grown", None, (1, 5, 5), "1 (max_pool2d) needs kernel_size 2"),
        (net(stride=4, padding=1), "same", None, None, ""),
        (flat(), "shrunk", (1, 7, 11), None, "3 (linear) needs in_features 4"),
        (net(classes=7), "other output", None, None, ""),
    ],
)
def test_a_change_of_a_layer(after, word, shrunk, grown, by):
    change = compare(entry_of(net()), entry_of(after))
    assert change.word == word
    for example, point in ((change.shrunk, shrunk), (change.grown, grown)):
        assert (example and tuple(example.point.values())) == point
        if example:
            assert str(example.refusal).startswith(by)


def test_the_example_is_right():
    before, after = archlint.infer(net(), "N 3 H W"), archlint.infer(flat(), "N 3 H W")
    point = compare(before.entry(), after.entry()).shrunk.point
    sides = range(1, sum(point.values()))
    smaller = [(h, w) for h in sides for w in sides if 1 + h + w < sum(point.values())]
    assert before.accepts(**point)
    assert not after.accepts(**point)
    assert all(before.accepts(N=1, H=h, W=w) == after.accepts(N=1, H=h, W=w) for h, w in smaller)


# Outputs that are more than one shape


class Returns(nn.Module):
    def __init__(self, make, channels=4):
        super().__init__()
        self.c, self.make = nn.Conv2d(3, channels, 1), make

    def forward(self, x):
        return self.make(self.c(x))


class Wide(typing.NamedTuple):
    out: object
    aux: object = None


class Tall(typing.NamedTuple):
    logits: object
    aux: object = None


def halves(step, rank=0):
    def make(y):
        if y.shape[-1] >= 8:
            return y[..., ::step]
        return y.mean(1) if rank else y

    return make


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (lambda y: {"loss": y.mean(), "logits": y}, None, (1, 1, 1)),  # other channels
        (lambda y: (y.sum(), y), None, (1, 1, 1)),
        (lambda y: (None, y), None, (1, 1, 1)),
        (lambda y: {"a": y}, lambda y: {"b": y}, (1, 1, 1)),
        (lambda y: {"a": y, "n": 3}, lambda y: {"a": y, "n": "3"}, (1, 1, 1)),
        (lambda y: Wide(y), lambda y: Tall(y), (1, 1, 1)),
        (lambda y: y, lambda y: y.half(), (1, 1, 1)),
        (lambda y: y.amax(1), lambda y: y.argmax(1), (1, 1, 1)),
        (lambda y: [y], lambda y: [y, y], (1, 1, 1)),
        (halves(2), halves(4), (1, 1, 8)),
        (halves(2), halves(2, rank=1), (1, 1, 1)),
        (halves(2), halves(2), None),
        (lambda y: {"loss": y.mean(), "logits": y}, lambda y: {"loss": y.max(), "logits": y}, None),
    ],
)
def test_the_whole_output_is_compared(before, after, where):
    one = Returns(before)
    other = Returns(after or before, 9 if after is None else 4)
    change = compare(entry_of(one), entry_of(other))
    assert change.not_compared == ""
    assert change.word == ("other output" if where else "same")
    assert (change.output and tuple(change.output.point.values())) == where


def test_a_refusal_that_values_decide_is_not_a_known_refusal():
    def either(y):
        return torch.nn.functional.max_pool2d(y, 2) if y.mean() > 0 else y

    before, after = entry_of(Returns(lambda y: y)), entry_of(Returns(either))
    assert not after.exact
    assert compare(before, after).word == "not compared"


# The file


ENTRIES = [
    AcceptedSet(
        "unet", "train", TensorInput((symbol("N"), 3, symbol("H")), text="N 3 H"), "H >= 8", True,
        {"out": "N 2 H", "aux": ["N 1", "5"]}, (Refusal("H <= 7", "0", "conv1d", "needs: 'more'"),),
    ),
    AcceptedSet(
        "embed", "eval", {"ids": TensorInput((symbol("N"), symbol("T")), "int64", 10, "N T")},
        "T <= 512", False, None, (), ("values: not known", "# paths"), "T >= 513",
    ),
    AcceptedSet("pair", "eval", [TensorInput((3, symbol("H")), text="3 H")], "any size", True, "7"),
]  # fmt: skip


def test_a_lock_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / lock.NAME
    path.write_text(lock.text(ENTRIES))
    read = lock.read(path)
    assert read.entries == locking.entries_by_key(ENTRIES)
    assert lock.text(reversed(list(read.entries.values()))) == path.read_text()
    lines = path.read_text().splitlines()
    for at, where in read.where.items():
        assert lines[where.line - 1] == f"  - model: {at[0]}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("archlint: 1", "not a lock file of version 1"),
        ("archlint-lock: 2\nmodels: []", "not a lock file of version 1"),
        ("archlint-lock: 1\nmodels: 3", "a list"),
        ("archlint-lock: 1\nmodels:\n  - model: a", ":3:"),
        ("archlint-lock: 1\nmodels:\n  - {model: a, mode: eval, accepts: x, exact: 1}", "exact"),
        ("<<<<<<< HEAD", ":1:"),
        (
            lock.text([ENTRIES[2]]) + lock.text([ENTRIES[2]]).partition("models:\n")[2],
            ":12:.*second entry for pair; the first is in line 5",
        ),
    ],
)
def test_a_file_that_is_no_lock_file(tmp_path, text, said):
    path = tmp_path / lock.NAME
    path.write_text(text)
    with pytest.raises(ArchlintError, match=said):
        lock.read(path)


def test_one_question_for_each_model_input_and_mode(tmp_path):
    def job(name="net", mode="eval", file="a.yaml", seconds=60.0, **kwargs):
        input = TensorInput((symbol("N"),), text="N")
        contract = Contract(
            "id", input, SizeClause("any", True, "any size"), mode=mode,
            budget=Budget(seconds=seconds), where=Location(file, 1),
        )  # fmt: skip
        return Job(contract, ModelRef(name, "m:net", kwargs=kwargs), tmp_path)

    same = locking.infer_jobs([job(), job(file="b.yaml", seconds=90.0), job(mode="train")])
    assert [(j.ref.name, j.contract.mode) for j in same] == [("net", "eval"), ("net", "train")]
    assert same[0].contract.budget == Budget(locking.PATHS, 90.0)
    other = locking.infer_jobs([job(), job(file="b.yaml", width=3)])
    assert [j.ref.name for j in other] == ["net (a.yaml)", "net (b.yaml)"]


# The commands


MODELS = """
from torch import nn
def small():
    return nn.Sequential(nn.Conv2d(3, 4, {kernel}), nn.AdaptiveAvgPool2d(1))
def other():
    return nn.Conv2d(3, {classes}, 1)
"""
RULES = """
archlint: 1
models: {{small: nets.py:small, other: nets.py:other}}
contracts:
  - {{id: a, models: {models}, input: N 3 H W, accepts: "any H, W >= 9"}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project; calling it writes its models and rules, ``run`` runs a command in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    (tmp_path / "pyproject.toml").touch()

    def write(kernel=3, classes=2, models="[small, other]"):
        (tmp_path / "nets.py").write_text(MODELS.format(kernel=kernel, classes=classes))
        (tmp_path / "archlint.yaml").write_text(RULES.format(models=models))

    write()
    return write


def run(*args):
    result = CliRunner().invoke(cli.cli, args)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_lock_then_check(project, tmp_path):
    assert run("check", "--locked", "--no-sample")[0] == 2  # there is none yet
    assert run("lock") == (0, "archlint.lock: 2 new\n", "")
    before = (tmp_path / lock.NAME).read_text()
    assert run("lock") == (0, "archlint.lock: 2 unchanged\n", "")
    code, out, _ = run("check", "--locked", "--no-sample")
    assert (code, "4 proved" in out) == (0, True)

    project(kernel=5)
    code, out, _ = run("check", "--locked", "--no-sample")
    assert code == 1
    assert (
        "archlint.lock:11  BROKEN  locked · small (eval, N 3 H W)\n"
        "  reason     has shrunk\n"
        "  before     accepts H, W >= 3\n"
        "  now        accepts H, W >= 5\n"
        "  shrunk     N=1 H=3 W=3 was accepted, is refused now\n"
        "             refused because 0 (conv2d) needs kernel_size 5 <= padded size H\n"
        "  to accept  archlint lock --update\n"
    ) in out
    code, out, err = run("lock")
    assert (code, out.splitlines()[0]) == (1, "SHRUNK  small   N 3 H W   eval")
    assert "--update" in err
    assert (tmp_path / lock.NAME).read_text() == before

    code, out, _ = run("lock", "--update")
    assert (code, out.splitlines()[-1]) == (0, "archlint.lock: 1 changed, 1 unchanged")
    assert "accepts: H, W >= 5" in (tmp_path / lock.NAME).read_text()


def test_models_come_and_go(project, tmp_path):
    project(models="small")
    run("lock")
    project(models="other")
    code, out, _ = run("check", "--locked", "--no-sample", "--strict")
    assert code == 1
    assert "other (eval, N 3 H W)\n  reason     is not in the lock file" in out
    assert "small (eval, N 3 H W)\n  reason     is no longer under contract" in out
    assert run("check", "--locked", "--no-sample", "archlint.yaml")[1].count("BROKEN") == 1
    code, out, _ = run("lock")
    assert (code, out.splitlines()[0]) == (1, "GONE  small   N 3 H W   eval")
    assert "small" in (tmp_path / lock.NAME).read_text()
    assert run("lock", "--update")[1].endswith("archlint.lock: 1 new, 1 removed\n")
    assert "small" not in (tmp_path / lock.NAME).read_text()


def test_diff(project, tmp_path):
    run("lock")
    (tmp_path / "old.lock").write_text((tmp_path / lock.NAME).read_text())
    project(classes=3, models="other")
    run("lock", "--update")
    assert run("diff", "old.lock", "old.lock") == (0, "same\n", "")
    code, out, _ = run("diff", "old.lock", lock.NAME)
    assert code == 1
    assert "OTHER OUTPUT  other   N 3 H W   eval\n" in out
    assert "N 2 H W is now N 3 H W" in out
    assert out.endswith("- small   N 3 H W   eval\n")
    code, out, _ = run("diff", "nets.py:other", "nets.py:small")
    assert (code, out.startswith("SHRUNK  nets.py:small   N 3 H W   eval\n")) == (1, True)


def test_diff_of_a_lock_file_and_a_model(project, tmp_path):
    run("lock")
    for target in ("small", "nets.py:small"):
        assert run("diff", lock.NAME, target) == (0, "same\n", "")
    project(kernel=5)
    code, out, _ = run("diff", lock.NAME, "nets.py:small")
    assert (code, out.split()[0]) == (1, "SHRUNK")
    assert "N=1 H=3 W=3 was accepted, is refused now" in out
    code, out, _ = run("diff", "small", lock.NAME, "--mode", "eval", "--input", "N 3 H W")
    assert (code, out.split()[0]) == (1, "GROWN")
    code, _, err = run("diff", lock.NAME, "smal")
    assert (code, "archlint.lock has no entry of 'smal'; did you mean 'small'?" in err) == (2, True)
    code, _, err = run("diff", lock.NAME, "small", "--mode", "train")
    assert "no entry of 'small' with this input and mode; it has eval, N 3 H W" in err


def test_a_model_of_two_names_is_locked_and_compared_once(project, tmp_path):
    project(models="[small, twin]")
    rules = tmp_path / "archlint.yaml"
    rules.write_text(rules.read_text().replace("small: nets", "small: nets.py:small, twin: nets"))
    assert run("lock") == (0, "archlint.lock: 1 new\n", "")
    project(kernel=5, models="[small, twin]")
    rules.write_text(rules.read_text().replace("small: nets", "small: nets.py:small, twin: nets"))
    _, out, _ = run("check", "--locked", "--no-sample", "-q")
    assert out.count("has shrunk") == 1
    assert run("lock")[1].count("SHRUNK") == 1


# Costs


def test_costs_are_recorded_and_compared():
    def of(width):
        model = nn.Sequential(nn.Conv2d(3, width, 3), nn.Conv2d(width, 4, 1))
        return dataclasses.replace(archlint.infer(model, "N 3 H W").entry(), model="net")

    before, after = of(4), of(8)
    assert before.costs.layers == {"0": 2 * 27 * 4 * 222**2, "1": 2 * 16 * 222**2}
    assert sum(before.costs.layers.values()) == before.costs.flops
    assert before.costs.parameters == 4 * 27 + 4 + 16 + 4
    change = compare(before, after)
    assert (change.word, change.same) == ("same", False)
    assert change.lines()["costs"].splitlines()[0].endswith(", mostly in 0, 1")
    assert "grew by 100 %" in change.lines()["costs"]
    assert compare(before, before).same
    assert compare(dataclasses.replace(before, costs=None), after).same  # an older lock file


def test_costs_survive_the_lock_file(tmp_path):
    entry = entry_of(net())
    path = tmp_path / lock.NAME
    path.write_text(lock.text([entry]))
    assert lock.read(path).entries[lock.key_of(entry)].costs == entry.costs


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("flops:", "floops:", "these costs were not written by archlint"),
        ("model: net", "model: not", "these are costs of not, which has no"),
    ],
)
def test_damaged_costs_are_mistakes(tmp_path, old, new, found):
    path = tmp_path / lock.NAME
    text = lock.text([dataclasses.replace(entry_of(net()), model="net")])
    entries, costs = text.split("costs:\n")
    assert old in costs
    path.write_text(f"{entries}costs:\n{costs.replace(old, new)}")
    with pytest.raises(ArchlintError, match=found):
        lock.read(path)


def test_costs_that_can_no_longer_be_counted_need_an_update():
    before = dataclasses.replace(entry_of(net()), model="net")
    after = dataclasses.replace(before, costs=None)
    (change,) = locking.changes({lock.key_of(before): before}, {lock.key_of(after): after})
    assert "can no longer be counted" in change.lines()["costs"]
