"""``while`` loops whose turns show how many there are, at plain sizes too."""

import ast
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import archlint
from archlint.tracing.loops.counted_while import with_test
from archlint.tracing.loops.measured_while import is_followed, measured_of
from tests.support.examples import examples
from tests.tracing.loops.drawn_loops import module_of, really
from tests.tracing.loops.test_loop_iterator import compare

_numbers = itertools.count()

TEMPLATE = """
import torch
from torch import nn
import torch.nn.functional as F

class Drawn(nn.Module):
    def forward(self, x):
        n, h, outs, k = x.shape[1], x[:, 0] * 0, [], 0
        y = x[:, :1]
        xs = list(x.unbind(1))
        {header}
            {body}
        return {ending}
"""
LOOPS = (
    ("while xs:", "h = torch.tanh(h + xs.pop()); k += 1"),
    ("while xs:", "outs.append(xs.pop(0))"),
    ("while len(xs) > 0:", "outs.insert(0, xs.pop(-1))"),
    ("while len(xs):", "h = h + xs[0]; xs = xs[1:]"),
    ("while len(xs) > 2:", "outs.append(xs[-1]); del xs[0]"),
    ("while 3 <= len(xs):", "h = h + xs.pop(); xs.pop(); k = k + 1"),
    ("while len(xs) != 0:", "h = xs.pop(0) * h; outs.append(h)"),
    ("while len(outs) < n:", "outs.append(torch.tanh(h))"),
    ("while not len(outs) >= n - 1:", "h = h * 2; outs.append(h); outs.append(h * 3)"),
    ("while y.size(1) < n:", "y = torch.cat([y, y[:, -1:]], 1)"),
    ("while y.shape[1] != n:", "y = torch.cat([y, y[:, :1]], 1); k += 1"),
    ("while x.shape[1] > 4:", "outs.append(x[:, :4].sum(1)); x = x[:, 4:]"),
    ("while x.size(1) > 0:", "h = h + x[:, 0]; x = x[:, 1:]; k += x.shape[0]"),
    ("while n:", "n -= 1; h = h + x[:, n]"),
    ("while n != 0:", "h = h + x[:, n - 1]; n = n - 1; outs += [h]"),
    ("while n > 0:", "k = min(3, n); outs.append(x[:, :k].sum(1)); n -= k"),
    ("while k != n:", "h = h + x[:, k]; k += 1"),
    ("while True:", "outs.append(x[:, k]); k += 1\n            if k == n: break"),
    ("while True:", "if not xs: break\n            outs.append(xs.pop())"),
    ("while True:", "e = min(k + 4, n); outs.append(x[:, k:e].sum(1))\n"
     "            if e == n: break\n            k = e"),
    ("while True:", "e = k + 3; h = x[:, k:e].amax(1)\n"
     "            if e >= n: break\n            k += 2"),
    ("while k < n:", "k += 1\n            if k % 2: continue\n            outs.append(h)"),
)  # fmt: skip
OPEN = (
    ("while len(outs) < n:", "h = h * 2; outs.append(h); outs.append(x[:, 0])"),
    ("while k * k < n:", "k += 1"),
    ("while len(xs) > 1:", "xs.append(xs.pop(0) + xs.pop(0))"),
    ("while y.size(1) < n:", "y = torch.cat([y, y], 1)"),
    ("while k != n + 1:", "k += 2\n            if k > 40: break"),
    ("while xs:", "k += 1; xs = xs[k:]"),
    ("while n:", "n = n // 3"),
    ("while n > 2:", "n -= 1 + k; k = 1 - k"),
    ("while len(xs) < 2 * n:", "xs = xs + xs[:1] * (1 + k); k += 1"),
)
ENDINGS = (
    "h, x.new_zeros(len(outs), k), x.new_zeros(len(xs)), y, x.new_zeros(n)",
    "x, torch.stack(outs, 1)", "outs[-1], torch.cat([y, x], 1)",
)  # fmt: skip
SIZES = [(2, t, 2) for t in (*range(1, 14), 30, 31)]


def answers(header, body, ending, folder):
    """The inferred sizes, and how many answers there were, all of which are right."""
    source = TEMPLATE.format(header=header, body=body, ending=ending)
    module = module_of(source, folder, f"measured_{next(_numbers)}")
    found = archlint.infer(module.Drawn(), "N T C", paths=16)
    return found, compare(found, source, lambda size: really(module, size), SIZES)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_is_exact_for_every_length(loop, tmp_path):
    found, count = answers(*loop, ENDINGS[0], tmp_path)
    assert found.exact, found.reasons
    assert count == len(SIZES)


@pytest.mark.parametrize("loop", OPEN)
def test_other_loops_are_right_as_far_as_they_are_followed(loop, tmp_path):
    assert answers(*loop, ENDINGS[0], tmp_path)[1] > 0


STEPS = (
    "xs.pop()", "xs.pop(0)", "del xs[-1]", "xs.append(h)", "xs = xs[2:]", "outs.append(h)",
    "outs.append(xs[0])", "outs += [h, h]", "k += 1", "k += 2", "n -= 1", "n = n - 3",
    "x = x[:, 1:]", "x = x[:, :-2]", "y = torch.cat([y, x[:, :1]], 1)", "h = h + x[:, 0]",
    "k += min(2, n)", "if k > 2: outs.append(h)", "if len(xs) % 2: continue", "if k == 5: break",
    "xs[0] = h", "y = y[:, 1:]", "h = x[:, k]",
)  # fmt: skip
TESTS = (
    "xs", "len(xs)", "len(xs) > 1", "len(xs) < n + 2", "len(outs) < n", "len(outs) != n", "k != n",
    "k < n", "n", "n > 3", "n >= k", "x.size(1)", "x.shape[1] > 2", "y.size(1) <= n", "y.size(1)",
    "len(xs) > len(outs)", "not k >= len(xs)", "x.shape[1] != y.shape[1]", "k <= 3",
)  # fmt: skip


@st.composite
def drawn(draw):
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4))
    test, at = draw(st.sampled_from(TESTS)), draw(st.integers(0, len(steps)))
    lines = ["k += 0", *steps]
    header = f"while {test}:"
    if draw(st.integers(0, 2)) == 0:
        header = "while True:"
        lines.insert(at, f"if not ({test}): break")
    lines.insert(0, "w = w + 1")
    lines.insert(1, "if w > 60: raise ValueError")
    return f"w = 0\n        {header}", ("\n" + 12 * " ").join(lines), draw(st.sampled_from(ENDINGS))


@settings(examples(6), suppress_health_check=list(HealthCheck))
@given(loop=drawn())
def test_drawn_loops_are_never_wrong(loop, tmp_path_factory):
    answers(*loop, tmp_path_factory.mktemp("measured"))


@pytest.mark.parametrize(
    ("loop", "measured"),
    [
        ("while xs:\n pass", ("true", "xs", "0")),
        ("while self.xs:\n pass", ("true", "self.xs", "0")),
        ("while len(xs) > 1:\n pass", ("<", "1", "len(xs)")),
        ("while not a == b:\n pass", ("!=", "a", "b")),
        ("while not a > b:\n pass", ("<=", "a", "b")),
        ("while a != b.shape[1]:\n continue", ("!=", "a", "b.shape[1]")),
        ("while not xs:\n pass", None),
        ("while f(x):\n pass", None),
        ("while xs.pop():\n pass", None),
        ("while a == b:\n pass", None),
        ("while a < b < c:\n pass", None),
        ("while a and b:\n pass", None),
        ("while a < f(b):\n pass", None),
        ("while xs:\n pass\nelse:\n pass", None),
    ],
)
def test_what_a_loop_compares(loop, measured):
    (node,) = ast.parse(loop).body
    found = measured_of(node)
    assert measured == (found and (found.kind, *map(ast.unparse, found[1:])))


@pytest.mark.parametrize(
    ("loop", "counts"),
    [
        ("while True:\n a()\n if x == n: break\n b()", True),
        ("while True:\n a()\n if xs: break\n b()", False),
        ("while True:\n a()\n if not xs: break\n b()", True),
        ("while True:\n a()\n if x: continue\n if not xs: break\n b()", False),
        ("while True:\n if not xs: return a\n b()", True),
    ],
)
def test_a_test_may_stand_anywhere_in_the_body(loop, counts):
    (node,) = ast.parse(loop).body
    assert (with_test(node, is_followed) is not None) is counts
