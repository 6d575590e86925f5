"""What the runs of a check cost: cheap sizes, and fewer of them where each is expensive."""

import pytest
from torch import nn

import archlint
from archlint.engine.sampling import cross_check, work
from archlint.engine.sampling.real_run import run_at


def sampled(model, accepts, monkeypatch, **more):
    """The sizes at which a check runs the real model, and the verdict."""
    ran = []

    def noted(model, input, sizes, *rest):
        ran.append(dict(sizes))
        return run_at(model, input, sizes, *rest)

    monkeypatch.setattr(cross_check, "run_at", noted)
    verdict = archlint.check(model, input="N 3 H W", accepts=accepts, **more)
    return ran, verdict


def test_a_bounded_contract_on_a_small_model_is_cheap_and_names_what_did_not_run(monkeypatch):
    net = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2))
    accepts = "any N in 1..64 and H, W in 63..1024"
    ran, verdict = sampled(net, accepts, monkeypatch)
    assert verdict.word == "proved"
    assert len(ran) == 8
    assert sum(p["N"] * p["H"] * p["W"] for p in ran) < 64 * 200 * 200
    assert {"N": 1, "H": 1024, "W": 63} in ran
    assert verdict.details == {"not run": "N=64 H=1024 W=1024, the largest sizes"}


def test_the_largest_corner_runs_where_it_is_cheap(monkeypatch):
    ran, verdict = sampled(nn.Conv2d(3, 4, 3), "any N == 1 and H, W in 3..40", monkeypatch)
    assert {"N": 1, "H": 40, "W": 40} in ran
    assert verdict.details == {}


def test_a_model_that_is_expensive_everywhere_still_runs(monkeypatch):
    monkeypatch.setattr(work, "BUDGET", 1000)
    monkeypatch.setattr(work, "MEMORY", 1000)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3))
    ran, _ = sampled(net, "any N >= 1 and H, W >= 64", monkeypatch)
    assert len(ran) >= 4
    assert {"N": 1, "H": 64, "W": 64} in ran
    assert max(p["N"] * p["H"] * p["W"] for p in ran) <= 8 * 64 * 64


@pytest.mark.parametrize(("samples", "least", "most"), [(8, 3, 6), (20, 9, 16)])
def test_calls_cost_too(monkeypatch, samples, least, most):
    net = nn.Sequential(*(nn.ReLU() for _ in range(400)))
    ran, _ = sampled(net, "any N >= 1 and H, W >= 8", monkeypatch, samples=samples)
    assert least <= len(ran) <= most
