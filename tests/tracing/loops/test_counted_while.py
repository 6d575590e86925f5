"""``while`` loops that count are followed for all lengths as loops over a range are."""

import ast

import pytest
import torch
from torch import nn

import archlint
from archlint.tracing.loops.counted_while import counter_of, with_test
from tests.tracing.loops.drawn_loops import REFUSED, shapes
from tests.tracing.loops.test_loop_iterator import compare


class Turns(nn.Module):
    def forward(self, x):
        h, t, outs = torch.zeros(x.size(0), x.size(2)), 0, []
        while t < x.size(1):
            h = torch.tanh(x[:, t] + h)
            outs.append(h)
            t += 1
        return torch.stack(outs, 1), x.new_zeros(t)


class Windows(nn.Module):
    def __init__(self):
        super().__init__()
        self.step, self.width = 2, 4

    def forward(self, x):
        start, outs = 0, []
        while start + self.width <= x.shape[1]:
            outs.append(x[:, start : start + self.width].mean(1))
            start = start + self.step
        return torch.stack(outs, 1)


class Backwards(nn.Module):
    def forward(self, x):
        t, h = x.shape[1] - 1, x[:, 0] * 0
        while 0 <= t:  # noqa: SIM300
            h = h * 0.9 + x[:, t]
            t -= 1
        return h


class Steps(nn.Module):
    def forward(self, x):
        t = 1
        while x.shape[1] > t:
            t = 3 + t
        return x.new_zeros(t)


class FirstCounts(nn.Module):
    def forward(self, x):
        t, outs = -1, []
        while t < x.shape[1] - 1:
            t += 1
            outs.append(x[:, t])
        return torch.stack(outs)


class ShorterEachTurn(nn.Module):
    """Its turns are fewer than the first test says."""

    def forward(self, x):
        t, outs = 0, [x[:, 0]] * 3
        while t < x.shape[1] - len(outs):
            outs.append(x[:, t])
            t += 1
        return torch.stack(outs)


class Nested(nn.Module):
    def forward(self, x):
        t, outs = 0, []
        while t < x.shape[1]:
            c, h = 0, torch.zeros(x.shape[0])
            while c < x.shape[2]:
                h = h + x[:, t, c]
                c += 1
            outs.append(h)
            t += 1
        return torch.stack(outs, 1)


class StopsAtTwo(nn.Module):
    def forward(self, x):
        t = 0
        while t < x.shape[1]:
            if t == 2:
                break
            t += 1
        return x.new_zeros(t)


class AskedLast(nn.Module):
    def forward(self, x):
        t, outs = 0, []
        while True:
            outs.append(x[:, t : t + 4].sum(1))
            t += 3
            if t + 4 > x.shape[1]:
                break
        return torch.stack(outs, 1), x.new_zeros(t)


class AskedFirst(nn.Module):
    def forward(self, x):
        t, outs = x.shape[1] - 1, []
        while True:
            if t < 0:
                break
            outs.append(x[:, t])
            t -= 2
        return torch.stack(outs)


class Returns(nn.Module):
    def forward(self, x):
        t, h = 1, x[:, 0]
        while True:
            if not t < x.shape[1]:
                size = (x.shape[0], t)
                return h, x.new_zeros(size)
            h = h * x[:, t]
            t += 1


class NestedTrue(nn.Module):
    def forward(self, x):
        t, outs = 0, []
        while True:
            c, h = 0, torch.zeros(x.shape[0])
            while True:
                h = h + x[:, t, c]
                c += 1
                if c >= x.shape[2]:
                    break
            outs.append(h)
            t += 1
            if x.shape[1] <= t:
                break
        return torch.stack(outs, 1)


class EndsBefore(nn.Module):
    """A turn may end the loop by another ``break``, also the first one."""

    def forward(self, x):
        t = 0
        while True:
            if x.shape[2] == 3:
                break
            t += 1
            if t >= x.shape[1]:
                break
        return x.new_zeros(t)


class MappedAndLargest(nn.Module):
    def forward(self, x):
        rows = list(map(lambda row: row * 2, x))  # noqa: C417
        longest = max((row.shape[0] for row in x[1:]), default=2)
        return torch.stack(rows), x.new_zeros(longest + min(len(row) for row in rows))


EXACT = (
    Turns, Windows, Backwards, Steps, FirstCounts, Nested, MappedAndLargest, AskedLast, AskedFirst,
    Returns, NestedTrue, EndsBefore,
)  # fmt: skip


@pytest.mark.parametrize("model", [*EXACT, ShorterEachTurn, StopsAtTwo], ids=lambda m: m.__name__)
def test_a_loop_that_counts_is_right_at_every_length(model):
    made = model()
    found = archlint.infer(made, "N T C", paths=24)
    assert found.exact is (model in EXACT), found.reasons

    def run(size):
        try:
            return shapes(made(torch.zeros(size)))
        except Exception:
            return REFUSED

    points = [(n, t, c) for n in (1, 2) for t in (*range(1, 14), 40) for c in (1, 3)]
    answers = compare(found, model, run, points)
    assert answers == len(points) if found.exact else answers > 0


@pytest.mark.parametrize(
    "loop",
    [
        "while t < n:\n t += 1\n t += 1",
        "while t < n:\n if a:\n  t += 1",
        "while t < n:\n n -= 1\n t += 1",
        "while t < n:\n t -= 1",
        "while t > n:\n t += 1",
        "while t < n:\n if a:\n  continue\n t += 1",
        "while t < n and a:\n t += 1",
        "while t < n < m:\n t += 1",
        "while t < n:\n t += k\n k = 2",
        "while t < f(n):\n t += 1",
        "while t < n:\n t += 1\nelse:\n a = 1",
        "while t < n:\n t += 1\n for t in m:\n  pass",
        "while t != n:\n t += 1",
        "while t < n:\n t *= 2",
        "while t < n:\n t: int = t + 1",
        "while t < n:\n t += 1\n try:\n  f()\n except ValueError as t:\n  pass",
        "while t < n:\n t += 1\n def t(): pass",
        "while t < n:\n t = u = t + 1",
        "while t < n:\n t[0] += 1",
        "while t < n:\n t += 1\n def f():\n  nonlocal t",
    ],
)
def test_other_loops_do_not_count(loop):
    (node,) = ast.parse(loop).body
    assert counter_of(node) is None


@pytest.mark.parametrize(
    ("loop", "counter"),
    [
        ("while t < n:\n t += 1", ("t", "0", "n", "1", True, False)),
        ("while n >= t:\n t = t + k", ("t", "0", "n", "k", True, True)),
        ("while t + w <= len(x):\n t = s.k + t", ("t", "w", "len(x)", "s.k", True, True)),
        ("while x.size(1) > 2 + t:\n t += 1", ("t", "2", "x.size(1)", "1", True, False)),
        (
            "while t - 1 > x.shape[0] // 2:\n t -= 2",
            ("t", "-1", "x.shape[0] // 2", "2", False, False),
        ),
    ],
)
def test_what_a_loop_counts(loop, counter):
    (node,) = ast.parse(loop).body
    found = counter_of(node)
    assert found is not None
    texts = (found.name, *map(ast.unparse, (found.offset, found.end, found.step)))
    assert (*texts, found.up, found.closed) == counter


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n t += 1\n if t >= n:\n  break\n t += 1",
        "while True:\n t += 1\n if t >= n:\n  f()\n  break",
        "while True:\n t += 1\n if t >= n:\n  return",
        "while True:\n t += 1\n if t >= n:\n  break\n else:\n  f()",
        "while True:\n if a:\n  continue\n t += 1\n if t >= n:\n  break",
        "while True:\n if t >= n:\n  f()\n  break\n if a:\n  break\n t += 1",
        "while True:\n if t >= n:\n  if a:\n   break\n  return\n t += 1",
        "while True:\n if t >= n:\n  f()\n t += 1",
        "while True:\n if t == n:\n  break\n t += 1",
        "while True:\n if t >= n:\n  break",
        "while True:\n if t >= n:\n  break\n t -= 1",
        "while a:\n if t >= n:\n  break\n t += 1",
        "while True:\n t += 1\n if t >= n:\n  break\nelse:\n f()",
    ],
)
def test_other_loops_without_a_test_do_not_count(loop):
    (node,) = ast.parse(loop).body
    assert with_test(node) is None
