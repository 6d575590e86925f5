"""Loops over a size against runs of the model at plain sizes."""

from __future__ import annotations

import itertools
import sys

import pytest
import torch
from hypothesis import HealthCheck, given, settings

import archlint
from tests.support.examples import examples
from tests.tracing.loops.drawn_loops import REFUSED, SIZES, module_of, really, shapes, sources
from tests.tracing.loops.loop_models import EXACT, Bidirectional, HandWrittenRNN

_numbers = itertools.count()


def plain(output):
    """An inferred output as nested tuples."""
    if isinstance(output, (tuple, list)):
        return tuple(map(plain, output))
    return output


def compare(found, name, run, sizes):
    """Every answer of ``found`` is what the model does; returns how many there are."""
    answers = 0
    for size in sizes:
        point = dict(zip(found.explored.names, size, strict=False))
        accepted = found.accepts(**point)
        if accepted is None:
            continue
        result = run(size)
        assert accepted == (result != REFUSED), (name, size, result)
        if accepted:
            assert plain(found.output(**point)) == result, (name, size)
        answers += 1
    return answers


@pytest.mark.parametrize("model", EXACT, ids=lambda m: m.__name__)
def test_a_loop_is_exact_for_every_length(model):
    layout, text = EXACT[model]
    made = model().eval()
    found = archlint.infer(made, layout)
    assert found.exact, found.reasons
    assert text is None or found.text == text

    def run(size):
        sizes = [s if n.isalpha() else int(n) for n, s in zip(layout.split(), size, strict=True)]
        try:
            with torch.no_grad():
                return shapes(made(torch.zeros(sizes)))
        except Exception:
            return REFUSED

    lengths = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 150)
    channels = (4,) if layout.endswith("4") else (1, 2, 3, 5)
    points = [(n, t, c) for n in (1, 2, 3) for t in lengths for c in channels]
    if layout.endswith("4"):
        found_points = [p[:2] for p in points]
        assert compare(found, model, lambda p: run((*p, 4)), found_points) == len(points)
    else:
        assert compare(found, model, run, points) == len(points)


def test_a_contract_on_every_length_is_proved_without_running():
    verdict = archlint.check(
        Bidirectional(), input="N T 4", accepts="any N, T >= 1", output="N T 12", samples=0
    )
    assert verdict.word == "proved", verdict.message


def test_an_earlier_result_among_the_globals_of_a_model_is_no_state_of_its_loops(
    folder, monkeypatch
):
    source = (
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return torch.stack([x[:, t] for t in range(x.shape[1])])\n"
    )
    module = module_of(source, folder, "notebook")
    monkeypatch.setitem(sys.modules, "notebook", module)
    module.found = archlint.infer(module.Net(), "N T C")
    assert archlint.infer(module.Net(), "N T C", paths=8).exact


def test_the_cost_does_not_depend_on_the_length():
    found = archlint.infer(HandWrittenRNN(), "N T 4")
    most = max(len(path.trace.calls) for path in found.explored.paths)
    assert most <= 3 * 5 + 4  # five calls a turn, and four outside
    assert len(found.explored.paths) <= 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn")


def check_drawn(source, folder):
    """``"exact"`` or ``"open"``; a wrong answer raises ``AssertionError``."""
    name = f"drawn_loop_{next(_numbers)}"
    module = module_of(source, folder, name)
    found = archlint.infer(module.Drawn(), "N T C", paths=20, seconds=30)
    compare(found, source, lambda size: really(module, size), SIZES)
    return "exact" if found.exact else "open"


@settings(examples(10), suppress_health_check=list(HealthCheck))
@given(source=sources())
def test_drawn_loops_are_never_wrong(source, folder):
    check_drawn(source, folder)


DEEP = "1" + " + 1" * 1400
DEEP_SOURCE = f"""
import torch

class Deep(torch.nn.Module):
    def forward(self, x):
        try:
            y = 0
            for t in range(2):
                y = y + x[:, t]
            k = {DEEP} if x.shape[1] < 9 else 2
        finally:
            z = {DEEP}
        return y.sum() * k / z
"""


def test_source_that_is_nested_too_deeply_to_be_rewritten_runs_as_it_is(tmp_path):
    model = module_of(DEEP_SOURCE, tmp_path, f"deep_{next(_numbers)}").Deep()
    found = archlint.infer(model, "N T")
    assert (found.exact, found.text) == (True, "T >= 2")
