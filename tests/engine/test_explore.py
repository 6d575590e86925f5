"""Exploring: what is decided is decided inside the region, and of nothing else."""

from __future__ import annotations

import decimal

import pytest
import torch
from torch import nn

import archlint
from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance


class Halving(nn.Module):
    """Adds to an image what is left of it in sixteenths."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.max_pool2d(x, 16)
        return x + nn.functional.interpolate(y, scale_factor=16)


class Thrifty(nn.Module):
    """Small images go another path."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) if x.shape[2] < 100 else x.flatten(1)[:, :3]


def explored(model, **words):
    contract = contract_of(input="N 3 H W", **words)
    return explore_model(CheckRun.start(contract, from_instance(model)))


def test_what_the_promise_says_of_the_sizes_settles_what_the_model_needs():
    found = explored(Halving(), accepts="any H >= 16 and H % 16 == 0 and W >= 16 and W % 16 == 0")
    (path,) = found.paths
    assert found.covered
    assert path.trace.path.events == []
    assert (path.known, path.accepted) == (True, True)


@pytest.mark.parametrize("sizes", [{"H": 17, "W": 32}, {"H": 8, "W": 16}, {"H": 16, "W": 40}])
def test_nothing_is_decided_outside_of_what_the_promise_names(sizes):
    found = explored(Halving(), accepts="any H >= 16 and H % 16 == 0 and W >= 16 and W % 16 == 0")
    assert found.path_at({"N": 1, **sizes}) is None
    assert found.accepts({"N": 1, **sizes}) is None
    assert found.accepts({"N": 1, "H": 48, "W": 16}) is True


def test_a_second_path_starts_from_the_first_sizes_that_are_left():
    found = explored(Thrifty(), accepts="any size")
    assert found.covered
    assert [dict(w.trace.path.env) for w in found.paths] == [
        {"N": 256, "H": 288, "W": 320},
        {"N": 1, "H": 1, "W": 1},
    ]


class Refusing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(3, 4) @ x


@pytest.mark.parametrize(
    ("input", "accepts", "word"),
    [
        ("5 H", "only H >= 5 and H <= 3", "vacuous"),
        ("5 H", "only H >= 5", "broken"),
        ("4 H", "only H >= 1", "proved"),
    ],
)
def test_only_of_no_size_says_nothing_even_where_nothing_is_accepted(input, accepts, word):
    verdict = archlint.check(Refusing(), input=input, accepts=accepts, samples=0)
    assert verdict.word == word


class Looking(nn.Module):
    """Looks its rows up in a table of nine; ``Decimal`` does not take symbolic sizes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(9)[int(decimal.Decimal(x.shape[0])) + 8]


class Strict(nn.Module):
    """Takes images of ten rows, and no others."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[2] != 10:
            raise ValueError(f"{x.shape[2]} rows")
        return x


class Complaining(nn.Module):
    """Says of large images that they are, and refuses them with what torch says."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        try:
            return x.view(-1, 3, 10, x.shape[3])
        except RuntimeError:
            self.large = bool(x.shape[3] > 100)
            raise


def test_another_error_with_plain_numbers_is_none_of_the_models_at_other_sizes():
    found = explored(Looking(), accepts="any size")
    assert not found.covered
    (reason,) = found.reasons
    assert "with plain numbers the model raises IndexError: " in reason
    assert "test_explore.py:" in reason
    assert "TypeError" in reason
    assert found.accepts({"N": 1, "H": 1, "W": 1}) is None


def test_the_same_error_with_plain_numbers_may_have_other_words():
    found = explored(Strict(), accepts="any size")
    assert found.covered, found.reasons
    assert "ValueError: H rows" in {path.trace.error for path in found.paths}
    assert found.accepts({"N": 1, "H": 11, "W": 1}) is False
    assert found.accepts({"N": 1, "H": 10, "W": 1}) is True


def test_what_an_operator_refuses_with_plain_numbers_too_is_refused():
    found = explored(Complaining(), accepts="any size")
    assert found.covered, found.reasons
    assert found.accepts({"N": 1, "H": 11, "W": 1}) is False
    assert found.accepts({"N": 1, "H": 10, "W": 200}) is True


class Halved(nn.Module):
    """As many poolings as halve the width to 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while x.shape[-1] > 1:
            x = nn.functional.max_pool1d(x, 2, ceil_mode=True)
        return x


class Padded(nn.Module):
    """Padded to a power of two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = 8
        while n < x.shape[-1]:
            n *= 2
        return nn.functional.pad(x, (0, n - x.shape[-1]))


@pytest.mark.parametrize("model", [Halved(), Padded()])
def test_loops_that_halve_end_at_the_largest_size_of_a_tensor(model):
    found = archlint.infer(model, "N 3 T")
    assert (found.exact, found.text) == (True, "any size")
    for t in (1, 2, 8, 9, 255, 4097):
        assert found.output(N=1, T=t) == tuple(model(torch.zeros(1, 3, t)).shape)


class OddPart(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = x.shape[-1]
        while t % 2 == 0:
            t //= 2
        return x.unflatten(-1, (-1, t))


def test_a_loop_without_end_on_a_branch_of_no_size_ends():
    """Merging looks at the other side of each branch, where the path's own sizes do not come."""
    found = archlint.infer(OddPart(), "N 3 T", paths=8)
    assert found.output(N=1, T=12) == (1, 3, 4, 3)
