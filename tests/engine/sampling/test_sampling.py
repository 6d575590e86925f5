"""Choosing sizes, and running real models there."""

import collections
import dataclasses
import random
import signal
import sys

import pytest
import torch
from torch import nn

from archlint.contracts.contract import TensorInput
from archlint.contracts.rulefile.load import loads
from archlint.engine.pipeline import check_source
from archlint.engine.sampling.input_values import build_input
from archlint.engine.sampling.real_run import run_at
from archlint.engine.sampling.sizes import choose_sizes
from archlint.models.arbitrary_weights import quickly_built
from archlint.models.meta_weights import LARGE
from archlint.models.targets import ModelSource
from archlint.ops.registry import RULES
from archlint.symbolic import symbol
from archlint.symbolic.formula import conj, disj, eq, ge, holds, le
from archlint.symbolic.intervals import Box
from tests.engine.sampling.test_work import sampled

N, H, W, T = map(symbol, "NHWT")
IMAGE = TensorInput((N, 3, H, W))


def chosen(region, ranges, moduli=None, count=12, **more):
    return choose_sizes(list(ranges), region, Box(ranges), moduli or {}, count, **more)


def test_starts_with_the_given_points_then_the_smallest_corner():
    region = conj(ge(H, 32), ge(W, 32))
    ranges = {"N": (1, None), "H": (32, None), "W": (32, None)}
    points = chosen(region, ranges, points=[{"N": 2, "H": 40, "W": 50}, {"N": 1, "H": 8, "W": 50}])
    assert points[:2] == [{"N": 2, "H": 40, "W": 50}, {"N": 1, "H": 32, "W": 32}]
    assert len(points) == 12
    assert len({tuple(p.values()) for p in points}) == 12
    assert all(holds(region, p) for p in points)
    assert max(p["H"] for p in points) < 200


def test_every_residue_of_the_moduli_occurs():
    ranges = {"H": (5, None), "W": (5, None)}
    points = chosen(True, ranges, {"H": {4}, "W": {2, 3}}, count=12)
    assert {p["H"] % 4 for p in points} == {0, 1, 2, 3}
    assert {p["W"] % 6 for p in points} >= {0, 1, 2}
    assert {p["W"] % 3 for p in points} == {0, 1, 2}


def test_the_same_for_the_same_arguments():
    ranges = {"H": (1, None), "W": (1, None)}
    random.seed(1)
    first = chosen(True, ranges)
    random.seed(2)  # of the process, which a model may set
    assert chosen(True, ranges) == first


@pytest.mark.parametrize(
    ("region", "ranges", "moduli"),
    [
        (eq(H, W), {"H": (1, None), "W": (1, None)}, {}),
        (
            conj(eq(H % 16, 0), eq(W % 16, 0)),
            {"H": (1, None), "W": (1, None)},
            {"H": {16}, "W": {16}},
        ),
        (conj(ge(H, 3), le(H, 9)), {"H": (3, 9)}, {}),
    ],
)
def test_narrow_regions_are_hit(region, ranges, moduli):
    points = chosen(region, ranges, moduli, count=6)
    assert len(points) == 6
    assert all(holds(region, p) for p in points)


def test_the_largest_corner_and_no_more_points_than_there_are():
    region = conj(ge(H, 3), le(H, 5))
    assert sorted(p["H"] for p in chosen(region, {"H": (3, 5)}, count=9)) == [3, 4, 5]
    wide = conj(ge(H, 1), le(H, 1024))
    assert {"H": 1024} in chosen(wide, {"H": (1, 1024)}, count=6)


def test_no_region_no_points_and_no_symbols_one_point():
    assert chosen(False, {"H": (1, None)}, points=[{"H": 3}]) == []
    assert choose_sizes([], True, Box({}), {}, 5) == [{}]
    assert chosen(disj(eq(H, 0), eq(7 // H, 1)), {"H": (0, 9)}, count=5)  # 7 // 0 is no point


# -- running ------------------------------------------------------------------------------------


class Calls(nn.Module):
    """A model that does what it is told."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, *args, **kwargs):
        return self.body(*args, **kwargs)


def run(body, input=IMAGE, sizes=None, **more):
    return run_at(Calls(body), input, sizes or {"N": 2, "H": 4, "W": 6, "T": 3}, **more)


def test_accepted_with_its_shapes():
    outcome = run_at(nn.Conv2d(3, 8, 3), IMAGE, {"N": 2, "H": 4, "W": 6})
    assert (outcome.accepted, outcome.output, outcome.error) == (True, (2, 8, 2, 4), "")


def test_refused_with_the_error_and_the_users_line():
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(10, 2)

        def forward(self, x):
            return self.fc(x.flatten(1))  # the line

    outcome = run_at(Head(), IMAGE, {"N": 2, "H": 4, "W": 6})
    assert outcome.accepted is False
    assert outcome.error.startswith("RuntimeError: ")
    assert "mat1 and mat2" in outcome.error
    file, line = outcome.source.rsplit(":", 1)
    assert file.endswith("test_sampling.py")
    with open(__file__) as source:
        assert source.read().splitlines()[int(line) - 1].endswith("# the line")


def test_an_error_inside_torch_alone_has_no_line():
    assert run_at(nn.Conv2d(4, 8, 3), IMAGE, {"N": 2, "H": 4, "W": 6}).source == ""


def test_inputs_by_name_with_their_dtypes():
    input = {
        "image": IMAGE,
        "ids": TensorInput((N, T), "int64", below=T + 2),
        "zeros": TensorInput((T,), "int32"),
        "mask": TensorInput((T,), "bool"),
        "waves": [TensorInput((T,), "complex64"), TensorInput((H - 2,), "float16")],
    }
    made = build_input(input, {"N": 2, "H": 4, "W": 6, "T": 300})
    assert made["image"].shape == (2, 3, 4, 6)
    assert made["ids"].dtype is torch.int64
    assert 0 <= made["ids"].min() < made["ids"].max() < 302
    assert made["zeros"].dtype is torch.int32
    assert not made["zeros"].any()
    assert made["mask"].dtype is torch.bool
    assert made["waves"][0].dtype is torch.complex64
    assert (made["waves"][1].dtype, made["waves"][1].shape) == (torch.float16, (2,))
    again = build_input(input, {"N": 2, "H": 4, "W": 6, "T": 300})
    assert torch.equal(made["image"], again["image"])
    outcome = run(lambda image, ids, **rest: {"ids": ids, "n": len(rest)}, input)
    assert outcome.output == {"ids": (2, 3), "n": "int"}


def test_nested_outputs():
    Pair = collections.namedtuple("Pair", "a b")

    @dataclasses.dataclass
    class Result:
        logits: object
        loss: object = None

    outcome = run(lambda x: Result([x, Pair(x[0], {"k": x[0, 0]})]))
    assert outcome.output == {
        "logits": [(2, 3, 4, 6), [(3, 4, 6), {"k": (4, 6)}]],
        "loss": None,
    }


def raising(error):
    def body(x):
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ValueError("too small\nmore"), "ValueError: too small"),
        (AssertionError(), "AssertionError"),
        (KeyError("k"), "KeyError: 'k'"),
        (NotImplementedError("no such size"), "NotImplementedError: no such size"),
        (RuntimeError("shape '[2]' is invalid"), "RuntimeError: shape '[2]' is invalid"),
    ],
)
def test_what_counts_as_a_refusal(error, word):
    outcome = run(raising(error))
    assert (outcome.accepted, outcome.error) == (False, word)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        SystemExit(3),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        NotImplementedError("Could not run 'x' with arguments from the 'CUDA' backend."),
        AssertionError("Torch not compiled with CUDA enabled"),
        NotImplementedError("Cannot copy out of meta tensor; no data!"),
        RuntimeError("Tensor on device cpu is not on the expected device meta!"),
        RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'"),
    ],
)
def test_what_says_nothing_about_the_sizes(error):
    outcome = run(raising(error))
    assert outcome.accepted is None
    assert type(error).__name__ in outcome.error


def test_a_real_allocation_that_fails():
    outcome = run(lambda x: torch.empty(1 << 60, dtype=torch.uint8))
    assert outcome.accepted is None
    assert outcome.error.startswith("not enough memory")


def test_endless_recursion_is_the_models_failure():
    def body(x):
        return body(x)

    outcome = run(body)
    assert outcome.accepted is False
    assert outcome.error.startswith("RecursionError")
    assert "test_sampling.py" in outcome.source


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt):
        run(lambda x: signal.raise_signal(signal.SIGINT))
    outcome = run(raising(KeyboardInterrupt()))  # the model itself says so, whatever the sizes
    assert outcome.accepted is None
    assert outcome.error == "it raises KeyboardInterrupt (KeyboardInterrupt)"


def test_inputs_beyond_the_memory_are_not_made():
    outcome = run(lambda x: x, sizes={"N": 1 << 20, "H": 1 << 20, "W": 1})
    assert outcome.accepted is None
    assert "input alone" in outcome.error


def test_on_meta_nothing_is_computed():
    outcome = run(lambda x: x + torch.arange(x.shape[3]), device="meta")
    assert outcome.output == (2, 3, 4, 6)
    assert run(lambda x: x.sum().item(), device="meta").accepted is None


def test_the_model_and_the_world_stay_as_they_were():
    class Swin(nn.Module):
        window = 7

        def forward(self, x):
            print("shrinking")
            self.window = min(self.window, x.shape[2])
            torch.set_default_dtype(torch.float64)
            sys.path.clear()
            return x[:, :, : self.window]

    model = Swin().train()
    path = list(sys.path)
    small = run_at(model, IMAGE, {"N": 1, "H": 4, "W": 4})
    large = run_at(model, IMAGE, {"N": 1, "H": 9, "W": 9})
    assert (small.output, large.output) == ((1, 3, 4, 4), (1, 3, 7, 9))
    assert small.printed == "shrinking\n"
    assert vars(model).get("window") is None
    assert torch.get_default_dtype() is torch.float32
    assert sys.path == path


def test_no_gradients_and_the_fast_path_of_attention():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True).eval()
    model = Calls(lambda x: (print(torch.is_grad_enabled()), layer(x))[1])
    calls = []
    original = torch._transformer_encoder_layer_fwd
    torch._transformer_encoder_layer_fwd = lambda *a: (calls.append(1), original(*a))[1]
    try:
        outcome = run_at(model.eval(), TensorInput((N, T, 8)), {"N": 1, "T": 3})
    finally:
        torch._transformer_encoder_layer_fwd = original
    assert outcome.output == (1, 3, 8)
    assert outcome.printed == "False\n"
    assert calls


# -- choosing by cost ---------------------------------------------------------------------------


def test_bounds_orders_and_the_cheapest_residues_come_before_random_points():
    ranges = {"N": (1, 64), "H": (63, 1024), "W": (63, 1024)}
    points = chosen(True, ranges, {"H": {4}, "W": {4}}, count=20)
    firsts = points[:12]
    assert points[0] == {"N": 1, "H": 63, "W": 63}
    assert {"N": 64, "H": 63, "W": 63} in firsts
    assert {"N": 1, "H": 1024, "W": 63} in points
    assert {(p["H"] > p["W"]) - (p["H"] < p["W"]) for p in firsts} == {-1, 0, 1}
    assert {p["H"] % 4 for p in firsts} == {p["W"] % 4 for p in firsts} == {0, 1, 2, 3}


def test_what_is_too_expensive_is_left_out():
    ranges = {"H": (1, 1000), "W": (1, 1000)}
    few = chosen(True, ranges, {"H": {8}}, count=12, admits=lambda p: p["H"] * p["W"] <= 200)
    assert len(few) == 12
    assert max(p["H"] * p["W"] for p in few) <= 200
    assert {p["H"] % 8 for p in few} == set(range(8))


@pytest.mark.parametrize("fault", ["height for width", "one more", "odd sizes", "only one"])
def test_a_wrong_rule_is_found(monkeypatch, fault):
    """The cheap sizes show what is wrong with a shape rule."""
    right = RULES[torch.conv2d]

    def wrong(path, *args, **kwargs):
        made = right(path, *args, **kwargs)
        *rest, h, w = made.dims
        dims = {
            "height for width": (*rest, w, w),
            "one more": (*rest, h, w + 1),
            "odd sizes": (*rest, h - h % 2, w),
            "only one": (1, *rest[1:], h, w),
        }[fault]
        return made.like(dims)

    monkeypatch.setitem(RULES, torch.conv2d, wrong)
    _, verdict = sampled(nn.Conv2d(3, 4, 3, padding=1), "any size", monkeypatch)
    assert verdict.word == "error"
    assert "the proof and the real model disagree" in verdict.message


class Inverse(nn.Module):
    """Its matrix has an inverse unless its two weights are the same."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.empty(LARGE).normal_())
        self.other = nn.Parameter(torch.empty(LARGE).normal_())

    def forward(self, x):
        both = torch.stack([self.one, self.other])
        return x @ torch.linalg.inv(both @ both.T)


def test_a_sample_that_disagrees_runs_again_with_all_weights_drawn():
    def check(samples):
        contract = "- {id: c, models: python:model, input: N 2, accepts: any size}"
        (parsed,) = loads(f"archlint: 1\ncontracts:\n{contract}\n").contracts
        with ModelSource("model", Inverse) as source:
            return check_source(parsed, source, samples=samples)

    quick = quickly_built(Inverse)
    with pytest.raises(torch.linalg.LinAlgError):
        quick(torch.ones(1, 2))
    verdict = check(3)
    assert (verdict.word, verdict.samples.run) == (check(0).word, 3)
    assert verdict.word == "proved"


@pytest.mark.parametrize("accepts", ["any H, W >= 8", "only H, W >= 8"])
def test_a_proved_refusal_builds_no_model_with_all_weights_drawn(accepts, monkeypatch):
    def model():
        return nn.Sequential(nn.Conv2d(3, 64, 8), nn.ReLU())

    full = []
    build = ModelSource._build
    monkeypatch.setattr(ModelSource, "_build", lambda self: full.append(1) or build(self))
    contract = f"- {{id: c, models: python:model, input: N 3 H W, accepts: '{accepts}'}}"
    (parsed,) = loads(f"archlint: 1\ncontracts:\n{contract}\n").contracts
    with ModelSource("model", model) as source:
        verdict = check_source(parsed, source, samples=8)
    assert (verdict.word, verdict.samples.run >= 8, full) == ("proved", True, [])
