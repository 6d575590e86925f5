"""Which layers break a promise together, and what each would change."""

import time

import pytest
import torch
from torch import nn

from archlint.engine.pipeline import accepted_sizes
from archlint.engine.prove import prove
from archlint.engine.python_contracts import contract_of, source_of
from archlint.engine.question import Question
from archlint.explanation.blame import blame, blame_lines
from archlint.tracing.model_tracer import ModelTracer


def conv_net():
    return nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(2), nn.Conv2d(2, 3, 5))


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(64, 3), nn.Linear(64, 2)

    def forward(self, x):
        y = x.flatten(1)
        return self.a(y), self.b(y)


def broken(model, accepts):
    deadline = time.monotonic() + 20
    contract, source = contract_of(input="N 1 H W", accepts=accepts), source_of(model)
    question = Question.of(contract)
    found = accepted_sizes(ModelTracer(contract, source), question, deadline)
    violation = prove(contract, question, found, deadline).violation
    assert violation is not None
    return contract, source, violation, deadline


def names(model, accepts):
    found = blame(*broken(model, accepts))
    assert found.complete
    return [b.name for b in found.blamed]


@pytest.mark.parametrize(
    ("low", "layers"), [(12, ["2"]), (5, ["1", "2"]), (4, ["0", "1", "2"]), (6, ["2"])]
)
def test_as_few_as_needed(low, layers):
    # 5x5 needs 5; its output a pool of 2: 6; the second 5x5: (H-4)//2 >= 5, so H >= 14.
    assert set(names(conv_net(), f"any H, W >= {low}")) == set(layers)


def test_what_two_layers_ask_is_the_fault_of_both():
    assert names(TwoHeads(), "any H, W >= 8") == ["a", "b"]


def test_without_all_of_them_the_promise_holds_and_without_fewer_it_does_not():
    from archlint.explanation.relaxation import accepted_without

    contract, source, violation, deadline = broken(conv_net(), "any H, W >= 1")
    sites = [b.site for b in blame(contract, source, violation, deadline).blamed]
    subject, question = ModelTracer(contract, source), Question.of(contract)

    def holds(spared):
        found = accepted_without(subject, question, spared, 16, deadline)
        assert found.covered
        return prove(contract, question, found, deadline).violation is None

    assert holds(sites)
    assert not any(holds([s for s in sites if s is not left]) for left in sites)


def test_lines_say_what_each_would_change():
    assert blame_lines(blame(*broken(conv_net(), "any H, W >= 12"))) == [
        "without `2` every promised size would be accepted"
    ]
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert blame_lines(blame(*broken(flat, "any H, W >= 8"))) == [
        "without `1` every promised size would be accepted",
        "`1.weight` 3x64 would have to be 3x72 for N=1 H=8 W=9: 24 weights that were never trained",
    ]


def test_a_line_of_a_users_module_can_be_to_blame():
    class Adds(nn.Module):
        def forward(self, x):
            y = nn.functional.interpolate(nn.functional.max_pool2d(x, 2), scale_factor=2)
            return x + y

    (name,) = names(Adds(), "any H, W >= 2")
    assert name.startswith("add at")
    assert "test_blame.py:" in name


def test_an_exception_of_the_users_is_nobodys_claim():
    class Raises(nn.Module):
        def forward(self, x):
            if x.shape[2] > 8:
                raise ValueError("too high")
            return x

    contract, source, violation, deadline = broken(Raises(), "any H >= 8")
    assert blame(contract, source, violation, deadline).blamed == ()
    assert blame_lines(blame(contract, source, violation, deadline)) == []


def test_nothing_is_held_back_from_layers_that_need_what_was_granted_elsewhere():
    """A parallel layer's own need is not forgotten because another one was spared."""

    class Parallel(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Conv2d(1, 1, 9)
            self.right = nn.Conv2d(1, 1, 9)

        def forward(self, x):
            return torch.stack([self.left(x), self.right(x)])

    assert names(Parallel(), "any H, W >= 4") == ["left", "right"]
