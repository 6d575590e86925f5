"""Rule files: valid ones, every error message, and arbitrary bytes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.contracts.contract import (
    ANY_SIZE,
    ANY_SIZES,
    Budget,
    ModelRef,
    TensorInput,
    TensorOutput,
)
from archlint.contracts.rulefile.load import load
from archlint.errors import Location, RuleFileError
from archlint.symbolic import symbol
from tests import REPO
from tests.support.rulefile_cases import CASES, CONTRACT

N, H, W, T = map(symbol, "NHWT")

GOOD = """\
archlint: 1
models:
  resnet18: torchvision.models:resnet18   # a callable or an nn.Module
  resnet34: {target: torchvision.models:resnet34, args: [1, x], kwargs: {classes: 2, on: null}}
  unet: acme/models.py:UNet
contracts:
  - id: any-photo
    why: the app sends photos of any shape
    models: [resnet18, "res*", torchvision:alexnet]
    input: N 3 H W
    accepts: any N >= 1 and H, W >= 32
    output: N 1000
  - id: everything
    models: unet
    input:
      image: N 3 H W
      ids: {shape: N 2*T, dtype: int64, below: H}
      pair: [N 3, 4]
    rejects: any T < 16
    output: {scores: [N _ ..., 4], loss: N H//2}
    mode: train
    samples: 0
    budget: {paths: 3, seconds: 1.5, memory: 2GB}
    skip: later
    xfail: {reason: known, strict: false}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(content):
        raw = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        Path("r.yaml").write_bytes(raw)
        return Path("r.yaml")

    return write


@pytest.fixture
def message(write):
    def message(content):
        with pytest.raises(RuleFileError) as caught:
            load(write(content))
        assert caught.value.mistakes
        return str(caught.value)

    return message


def test_a_good_file(write):
    rules = load(write(GOOD))
    resnet18 = ModelRef("resnet18", "torchvision.models:resnet18", where=Location("r.yaml", 3, 3))
    resnet34 = ModelRef(
        "resnet34", "torchvision.models:resnet34", (1, "x"), {"classes": 2, "on": None},
        Location("r.yaml", 4, 3),
    )  # fmt: skip
    unet = ModelRef("unet", "acme/models.py:UNet", where=Location("r.yaml", 5, 3))
    assert rules.path == Path("r.yaml")
    assert rules.models == {"resnet18": resnet18, "resnet34": resnet34, "unet": unet}
    photo, everything = rules.contracts
    alexnet = ModelRef(
        "torchvision:alexnet", "torchvision:alexnet", where=Location("r.yaml", 9, 32)
    )
    assert photo.models == (resnet18, resnet34, alexnet)
    assert photo.input == TensorInput((N, 3, H, W), text="N 3 H W")
    assert photo.output == TensorOutput((N, 1000), "N 1000")
    assert photo.why == "the app sends photos of any shape"
    assert photo.clause.kind == "any"
    assert str(photo.clause.region) == "N >= 1 and H >= 32 and W >= 32"
    assert photo.clause.text == "any N >= 1 and H, W >= 32"
    assert photo.where == Location("r.yaml", 7, 5)
    assert (photo.mode, photo.samples, photo.budget) == ("eval", None, Budget())
    assert (photo.skip, photo.xfail, photo.xfail_strict) == (None, None, True)
    assert everything.models == (unet,)
    assert everything.input == {
        "image": TensorInput((N, 3, H, W), text="N 3 H W"),
        "ids": TensorInput((N, 2 * T), "int64", H, "N 2*T"),
        "pair": [TensorInput((N, 3), text="N 3"), TensorInput((4,), text="4")],
    }
    assert everything.clause.kind == "rejects"
    assert everything.output == {
        "scores": [TensorOutput((N, ANY_SIZE, ANY_SIZES), "N _ ..."), TensorOutput((4,), "4")],
        "loss": TensorOutput((N, H // 2), "N H//2"),
    }
    assert (everything.mode, everything.samples) == ("train", 0)
    assert everything.budget == Budget(3, 1.5, 2_000_000_000)
    assert (everything.skip, everything.xfail, everything.xfail_strict) == ("later", "known", False)


def test_a_single_tensor_with_dtype_a_text_xfail_and_an_alias(write):
    first, second = load(
        write("""\
        archlint: 1
        contracts:
          - id: a
            models: fixture:net
            input: &ids {shape: N T, dtype: int64, below: 100}
            accepts: any size
            xfail: "#12"
          - {id: b, models: "pkg.mod:Outer.Inner", input: *ids, accepts: any N, T}
        """.replace("any N, T}", '"any N, T"}'))
    ).contracts  # fmt: skip
    assert first.input == second.input == TensorInput((N, T), "int64", 100, "N T")
    assert first.clause.region is True
    assert (first.xfail, first.xfail_strict) == ("#12", True)


def test_an_argument_called_shape(write):
    text = CONTRACT.replace("N 3 H W", "{shape: {shape: N H}, mask: N 1}")
    assert set(load(write(text)).contracts[0].input) == {"shape", "mask"}


def test_folded_and_quoted_texts(write):
    text = CONTRACT.replace("any H >= 3", ">\n      any H >= 3\n      and W >= 4")
    assert str(load(write(text)).contracts[0].clause.region) == "H >= 3 and W >= 4"


@pytest.mark.parametrize(("content", "expected"), CASES)
def test_mistakes(write, content, expected):
    start = time.perf_counter()
    with pytest.raises(RuleFileError) as caught:
        load(write(content))
    assert time.perf_counter() - start < 2
    assert [
        (m.where.line, m.where.column, m.found, m.expected) for m in caught.value.mistakes
    ] == expected
    lines = content.splitlines() if isinstance(content, str) else []
    for mistake in caught.value.mistakes:
        if lines[mistake.where.line - 1 :]:
            source = lines[mistake.where.line - 1][:160].replace("\t", " ")
            assert mistake.source == source


def test_how_a_mistake_is_shown(message):
    assert message(CONTRACT.replace("any H >= 3", "any h >= 3")) == (
        "r.yaml:6:18: found 'h', which is not a size of the input; did you mean 'H'?\n"
        "        accepts: any h >= 3\n"
        "                     ^\n"
        "    expected one of H, N, W"
    )


def test_all_mistakes_at_once_in_their_order(message):
    text = message(
        CONTRACT.replace("archlint: 1", "archlint: 3")
        .replace("m:f", "nope")
        .replace("N 3 H W", "N 3, H W")
        .replace("any H >= 3", "H >= 3")
        + "    output: N _ ..? 3\n    mode: x\n  - id: a\n    extra: 1\n"
    )
    places = [part.split(": ")[0] for part in text.split("\n") if part.startswith("r.yaml")]
    assert places == [
        "r.yaml:1:11", "r.yaml:4:13", "r.yaml:5:15", "r.yaml:6:14", "r.yaml:7:17", "r.yaml:8:11",
        "r.yaml:9:5", "r.yaml:9:5", "r.yaml:9:5", "r.yaml:9:9", "r.yaml:10:5",
    ]  # fmt: skip


def test_a_phrase_ten_thousand_deep(message):
    deep = "any " + "(" * 10_000 + "H" + ")" * 10_000 + " > 1"
    assert "found an expression nested 10000 deep" in message(CONTRACT.replace("any H >= 3", deep))


def test_files_that_are_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, found in ((".", "found a directory"), ("nope.yaml", "this file does not exist")):
        with pytest.raises(RuleFileError) as caught:
            load(path)
        assert str(caught.value) == f"{path}:1:1: {found}\n    expected a rule file"


# Any bytes, and valid files with random edits: a RuleFileError or a result, within seconds.

SPOILERS = st.sampled_from(
    ["", " ", "\t", "\n", ":", "- ", "{", "}", "[", "]", "&a ", "*a", "!!x ", "'", '"', "null", "1",
     "-1", "1.5", "true", "any ", "(", ")", "# ", "_", "...", "%", "@", "é", "\0", "\r", "---\n",
     "? ", "| ", "> ", "<<: ", "9" * 40, "\u2028", "\x85", "\ufeff"]
)  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), SPOILERS), min_size=1, max_size=4
    )
)
def test_spoilt_files(tmp_path_factory, edits):
    text = GOOD
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    check_any(tmp_path_factory, text.encode())


@given(st.permutations(GOOD.splitlines()), st.integers(1, 25))
def test_shuffled_files(tmp_path_factory, lines, count):
    check_any(tmp_path_factory, "\n".join(lines[:count]).encode())


@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, raw):
    check_any(tmp_path_factory, raw)


def check_any(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    start = time.perf_counter()
    mistakes = mistakes_of(path)
    lines = raw.decode("utf-8", "replace").splitlines()
    for mistake in mistakes:
        assert mistake.found
        assert mistake.where.file == str(path)
        assert 1 <= mistake.where.line <= len(lines) + 1
        assert mistake.where.column >= 1
    assert time.perf_counter() - start < 3


def mistakes_of(path):
    try:
        assert load(path).contracts
    except RuleFileError as error:
        return error.mistakes or [None]
    return []


PROBE = """
import sys
import archlint.contracts.rulefile.load
for path in sys.argv[1:]:
    try:
        archlint.contracts.rulefile.load.load(path)
    except archlint.errors.RuleFileError:
        pass
heavy = {"torch", "numpy", "z3", "torchvision"}
print(sorted(heavy & set(sys.modules)))
"""


def test_no_torch_is_imported(write):
    paths = [write(GOOD), Path("nope.yaml")]
    run = [sys.executable, "-c", PROBE, *map(str, paths)]
    root = REPO
    done = subprocess.run(run, capture_output=True, text=True, env={"PYTHONPATH": str(root)})
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_loaded_file_is_read_again_in_milliseconds(write):
    path = write(GOOD)
    load(path)
    start = time.perf_counter()
    for _ in range(10):
        load(path)
    assert time.perf_counter() - start < 1


def test_a_large_file_is_read_in_seconds(write):
    entry = CONTRACT.split("contracts:\n")[1]
    text = CONTRACT + "".join(entry.replace("id: a", f"id: a{i}") for i in range(2000))
    start = time.perf_counter()
    assert len(load(write(text)).contracts) == 2001
    assert time.perf_counter() - start < 20
