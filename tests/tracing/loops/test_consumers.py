"""Generators over a size, and the loops that take their items, against runs at plain sizes."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archlint
from tests.support.examples import examples
from tests.tracing.loops.drawn_loops import module_of, really
from tests.tracing.loops.test_loop_iterator import compare

_numbers = itertools.count()

TEMPLATE = """
import functools
import torch
from torch import nn

class Drawn(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def items(self, x):
        h, k, kept = x[:, 0] * 0, 0, []
        {header}
            {body}

    def again(self, items):
        k = 1
        for item in items:
            k += 1
            yield item
            self.seen = 1

    def forward(self, x):
        self.seen = 0
        outs, k, h, y = [], 0, x[:, 0], x[:, :1]
        {use}
        return h, x.new_zeros(len(outs), k, self.seen), y
"""
GENERATORS = (
    ("for t in range(x.size(1)):", "yield x[:, t]"),
    ("for t in range(x.size(1)):", "h = torch.tanh(h + x[:, t])\n            yield h"),
    ("for t in range(x.size(1)):", "k += 1\n            yield x[:, t]\n            h = h + k"),
    ("for t in range(0, x.size(1), 3):", "yield x[:, t : t + 3].sum(1)"),
    ("while k + 2 <= x.size(1):", "yield x[:, k]\n            k += 2"),
    ("while len(kept) < x.size(1):", "kept.append(h)\n            yield kept[-1]"),
    ("for e in x.unbind(1):", "yield e\n            yield e * 2"),
    ("for t in range(x.size(1)):", "if t > 0:\n                yield x[:, t - 1]"),
    ("for t in range(x.size(1)):", "if t % 2: continue\n            yield x[:, t]"),
    ("for t in range(x.size(1)):", "for c in range(x.size(2)):\n                yield x[:, t] * c"),
    ("for t in range(1):", "yield from x.unbind(1)"),
    ("for t in range(x.size(1)):", "self.seen = 2\n            yield x[:, t]"),
)  # fmt: skip
USES = (
    "for e in self.items(x): h = h + e; k += 1",
    "outs = list(self.items(x)); h = outs[-1]",
    "outs = [e * 2 for e in self.items(x)]",
    "h = sum(self.items(x))",
    "h = torch.stack(tuple(self.items(x)), 1)",
    "for k, e in enumerate(self.items(x), 1): outs.append(e)",
    "for e in self.items(x): y = torch.cat([y, e.unsqueeze(1)], 1)",
    "for e in self.again(self.items(x)): outs.append(h); h = e",
    "h = functools.reduce(torch.add, self.items(x))",
    "g = (e * 2 for e in self.items(x)); outs += list(g)",
    "outs = [*self.items(x), h]",
)
OPEN = (
    "it = self.items(x); h = next(it); outs += list(it)",
    "it = self.items(x)\n        for e in it: outs.append(next(it, e)); k += 1",
    "for a, b in zip(self.items(x), self.items(x)): h = a + b; k += 1",
    "for e in self.items(x):\n            k += 1\n            if k == 3: break",
    "a, b = self.items(x), self.items(x)\n        for e in a: outs.append(next(b)); k += 2",
    "k = int(any(e.shape[0] > 1 for e in self.items(x)))",
    "for e in self.items(x):\n            for _ in self.items(x): k += 1",
    "self.it = self.items(x); outs = [e for e in self.it]; k = len(list(self.it))",
    "outs = list(map(torch.tanh, self.items(x)))",
    "for e, k in zip(self.items(x), range(2)): outs.append(e)",
)
SIZES = [(2, t, 2) for t in (*range(1, 13), 23)]


def answers(generator, use, folder):
    """The inferred sizes, and how many answers there were, all of which are right."""
    header, body = generator
    source = TEMPLATE.format(header=header, body=body, use=use)
    module = module_of(source, folder, f"generator_{next(_numbers)}")
    found = archlint.infer(module.Drawn(), "N T 2", paths=12)
    sizes = [size[:2] for size in SIZES]
    return found, compare(found, source, lambda size: really(module, (*size, 2)), sizes)


@pytest.mark.parametrize("at", range(len(GENERATORS)))
def test_a_generator_is_exact_for_every_length(at, tmp_path):
    found, count = answers(GENERATORS[at], USES[at % len(USES)], tmp_path)
    assert found.exact, found.reasons
    assert count == len(SIZES)


@pytest.mark.parametrize("use", USES)
def test_all_that_takes_the_items_of_a_generator_is_exact(use, tmp_path):
    assert answers(GENERATORS[2], use, tmp_path)[0].exact


@pytest.mark.parametrize("use", OPEN)
def test_what_takes_items_in_another_way_is_right_as_far_as_it_is_followed(use, tmp_path):
    assert answers(GENERATORS[2], use, tmp_path)[1] > 0


HEADERS = (
    "for t in range(x.size(1)):", "for t in range(0, x.size(1), 2):", "while k < x.size(1):",
    "for t, e in enumerate(x.unbind(1)):", "for t in reversed(range(x.size(1))):",
)  # fmt: skip
STEPS = (
    "k += 1", "kept.append(h)", "h = h + x[:, 0]", "self.seen += 1", "if k > 1: yield h",
    "if k == 4: return", "k, h = k + 1, x[:, 0]", "yield h * 2", "yield x[:, k]",
    "h = kept[-1] if kept else h", "for c in range(x.size(2)): yield h",
)  # fmt: skip
TAKES = (
    "k += 1", "outs.append(h)", "h = h + e", "h = e", "self.seen += 1", "outs += [e, h]",
    "y = torch.cat([y, e.unsqueeze(1)], 1)", "if k > 2: outs.append(e)", "if k == 5: break",
    "y = y[:, 1:]", "if self.seen > 2: k += 1", "if self.seen % 2: continue", "x = x[:, :3]",
)  # fmt: skip


@st.composite
def drawn(draw):
    steps = draw(st.lists(st.sampled_from(STEPS), max_size=3))
    steps.insert(
        draw(st.integers(0, len(steps))), draw(st.sampled_from(("yield h", "yield x[:, k]")))
    )
    header = draw(st.sampled_from(HEADERS))
    if header.startswith("while"):
        steps.insert(draw(st.sampled_from((0, len(steps)))), "k += 1")
    if draw(st.integers(0, 2)) == 0:
        use = draw(st.sampled_from(USES + OPEN))
    else:
        takes = draw(st.lists(st.sampled_from(TAKES), min_size=1, max_size=3))
        over = draw(st.sampled_from(("self.items(x)", "self.again(self.items(x))")))
        over, e = draw(st.sampled_from(((over, "e"), (f"enumerate({over})", "k, e"))))
        use = "\n            ".join([f"for {e} in {over}:", *takes])
    return (header, "\n            ".join(steps)), use


@settings(examples(6), suppress_health_check=list(HealthCheck))
@given(model=drawn())
def test_drawn_generators_are_never_wrong(model, tmp_path_factory):
    answers(*model, tmp_path_factory.mktemp("generators"))
