"""Real runs look where the doubt is: at the edge of what is proved, with values that reach it."""

import pytest
import torch
from torch import nn

import archlint
from archlint.engine.sampling import cross_check


class Positions(nn.Module):
    """Positions count what is not padding, as RoBERTa's do."""

    def __init__(self, rows, pad):
        super().__init__()
        self.table, self.pad = nn.Embedding(rows, 4), pad

    def forward(self, ids):
        mask = ids.ne(self.pad).int()
        return self.table((torch.cumsum(mask, 1).type_as(mask) * mask).long() + self.pad)


class Count(nn.Module):
    """The row of the table is how many values are positive."""

    def __init__(self, rows):
        super().__init__()
        self.table = nn.Embedding(rows, 4)

    def forward(self, x):
        return self.table((x > 0).sum(1))


class Kinds(nn.Module):
    """The row is how many different values there are."""

    def __init__(self, rows):
        super().__init__()
        self.table = nn.Embedding(rows, 4)

    def forward(self, ids):
        return self.table(torch.tensor(len(set(ids.flatten().tolist()))))


def ids(below, shape="N T"):
    return {"shape": shape, "dtype": "int64", "below": below}


def test_sizes_that_no_random_draw_meets_are_solved_for():
    net = nn.Sequential(nn.Flatten(), nn.Linear(96 * 96, 1))
    verdict = archlint.check(net, "N 1 H W", accepts="any H*W == 9216")
    assert (verdict.word, verdict.samples.run) == ("proved", 8)


def test_a_proof_is_not_confirmed_where_no_size_to_run_at_is_found(monkeypatch):
    monkeypatch.setattr(cross_check, "_chosen", lambda *_: [])  # 1046527*1048573 takes seconds
    verdict = archlint.check(nn.ReLU(), "N 3 H W", accepts="any H*W == 15")
    assert (verdict.word, verdict.samples.run) == ("tested", 0)
    assert "could not be run at any size: the search for a size" in verdict.message
    verdict = archlint.check(nn.ReLU(), "N 3 H W", accepts="any H*W == 15", samples=0)
    assert verdict.word == "proved"


def test_an_expensive_model_whose_every_size_is_proved_runs_once(monkeypatch):
    """A run of segment-anything's encoder takes half a minute, and there were two."""
    monkeypatch.setattr(cross_check, "_ENOUGH", 0.0)
    contract = {"input": "N 3 H W", "accepts": "any H, W >= 3"}
    net = nn.Conv2d(3, 4, 3)
    assert archlint.check(net, **contract).samples.run == 1
    assert archlint.check(net, **contract, samples=4).samples.run == 4
    doubtful = archlint.check(Kinds(12).eval(), ids(100, "T"), accepts="any T <= 11")
    assert (doubtful.word, doubtful.samples.run > 1) == ("tested", True)
    seen = archlint.check(Kinds(12).eval(), ids(100, "T"), accepts="any T <= 12")
    assert (seen.word, seen.counterexample) == ("broken", {"T": 12})


@pytest.mark.parametrize("below", [5, 50])
@pytest.mark.parametrize("longest", [17, 18, 20, 31])
def test_a_bound_that_some_values_reach_is_broken(below, longest):
    verdict = archlint.check(Positions(20, 3).eval(), ids(below), accepts=f"any T <= {longest}")
    assert verdict.word == "broken"
    assert 17 <= verdict.counterexample["T"] <= longest
    assert "IndexError" in verdict.message
    assert verdict.at.source.endswith(f":{Positions.forward.__code__.co_firstlineno + 2}")


@pytest.mark.parametrize("samples", [0, 8])
def test_a_bound_that_no_values_reach_is_proved(samples):
    contract = {"accepts": "any T <= 16", "samples": samples}
    assert archlint.check(Positions(20, 3).eval(), ids(5), **contract).word == "proved"


@pytest.mark.parametrize("rows", [10, 33])
def test_a_count_that_reaches_the_table_is_broken(rows):
    verdict = archlint.check(Count(rows).eval(), "N T", accepts=f"any T <= {rows}")
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "T": rows})
    assert "with the largest values" in verdict.details["fails at"]
    fewer = archlint.check(Count(rows).eval(), "N T", accepts=f"any T < {rows}")
    assert fewer.word == "proved"


def test_many_different_values_are_tried():
    verdict = archlint.check(Kinds(12).eval(), ids(100, "T"), accepts="any T <= 12")
    assert (verdict.word, verdict.counterexample) == ("broken", {"T": 12})


class Rare(nn.Module):
    """Nothing is known of a size where Python compares a value; wrong only at one of them."""

    def forward(self, x):
        if x.shape[1] >= 90 and float(x.sum()) > 1e9:
            return x
        return x[:, :7] if x.shape[1] == 90 else x


def test_the_smallest_size_of_which_nothing_is_proved_is_run():
    verdict = archlint.check(Rare(), "N T", accepts="any size", output="N T", samples=4)
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "T": 90})


class Sometimes(nn.Module):
    """Raises for positive values only."""

    def forward(self, x):
        if x.max() > 0.9:
            raise ValueError("too large")
        return x


def test_what_must_be_refused_is_reported_where_some_values_are_accepted():
    verdict = archlint.check(Sometimes(), "N T", rejects="any size")
    assert verdict.word == "broken"
    assert "must be refused, but is accepted" in verdict.message
    verdict = archlint.check(Sometimes(), "N T", accepts="any size")
    assert verdict.word == "broken"
    assert "ValueError: too large" in verdict.message


class Pyramid(nn.Module):
    """Pools by a part of its size: at refused sizes the part is 0, and the output has no size."""

    def forward(self, x):
        part = int(x.shape[2] / 6)
        pooled = torch.nn.functional.avg_pool2d(x, part, stride=part)
        return torch.nn.functional.interpolate(pooled, size=x.shape[2:])


def test_sizes_that_divide_by_zero_are_refused():
    found = archlint.infer(Pyramid(), "N 3 H W")
    assert found.exact
    assert found.ran == ("N=1 H=6 W=1 (accepted)", "N=1 H=1 W=1 (refused)")
    verdict = archlint.check(Pyramid(), "N 3 H W", accepts=f"only {found.text}", samples=20)
    assert verdict.word == "proved"
    assert verdict.samples.run > 20


MATRICES = {
    "cholesky": lambda x: torch.linalg.cholesky(x @ x.mT - 9 * torch.eye(x.shape[1])),
    "inv": lambda x: torch.linalg.inv(x.new_zeros(x.shape[1], x.shape[1])),
    "inverse": lambda x: torch.inverse(x.sum() * x.new_zeros(3, 3)),
    "solve": lambda x: torch.linalg.solve(x.sum() * x.new_zeros(3, 3), x.new_ones(3)),
    "a factor of no regular matrix": lambda x: torch.linalg.cholesky(-x @ x.mT),
}


@pytest.mark.parametrize("refusing", MATRICES.values(), ids=MATRICES)
def test_a_matrix_that_cannot_be_factored_is_no_error_of_archlint(refusing):
    class Factored(nn.Module):
        def forward(self, x):
            return refusing(x)

    found = archlint.check(Factored(), "N T 8", accepts="any N, T <= 6")
    assert found.word == "broken", found
    inferred = archlint.infer(Factored(), "N T 8")
    assert not inferred.exact
    assert "disagree" not in str(inferred)


def test_a_regular_matrix_is_factored_at_every_size():
    class Factored(nn.Module):
        def forward(self, x):
            return torch.linalg.cholesky(x @ x.mT + 9 * torch.eye(x.shape[1]))

    assert archlint.check(Factored(), "N T 8", accepts="any N, T <= 6").word == "proved"
