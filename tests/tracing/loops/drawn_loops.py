"""Models with drawn loops over a size, as source files, and what they do at plain sizes."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from hypothesis import strategies as st

ENDS = (
    "x.shape[1]", "x.size(1)", "x.shape[1] - 1", "x.shape[1] + 1", "x.shape[2]", "x.shape[1] // 2",
    "len(x)",
)  # fmt: skip
HEADERS = (
    "for t in range({end}):",
    "for t in range(1, {end}):",
    "for t in range(0, {end}, 2):",
    "for t in reversed(range({end})):",
    "for t, e in enumerate(x.unbind(1)):",
    "for t, e in enumerate(x.unbind(1), 1):",
    "for t, (e, _) in enumerate(zip(x.unbind(1), x.unbind(2))):",
    "for t, e in zip(range({end}), x.unbind(1)):",
    "for t, e in enumerate(torch.unbind(x, dim=1)[1:]):",
    "for t, e in enumerate(p.squeeze(1) for p in list(x.split(1, 1))):",
    "for t, e in enumerate(x.transpose(0, 1)):",
    "for t in range(0, {end}, 3):",
    "for t, e in enumerate(x[:, j] * 2 for j in range({end})):",
    "for t, e in self.items(x):",
)
WHILES = (
    ("t = 0", "while t < {end}:", "t += 1"),
    ("t = 0", "while {end} > t:", "t = t + 1"),
    ("t = 1", "while t <= {end} - 1:", "t = 1 + t"),
    ("t = 0", "while t + 2 <= {end}:", "t += 2"),
    ("t = x.shape[1] - 1", "while t >= 0:", "t -= 1"),
    ("t = {end}", "while t > 1:", "t = t - 2"),
    ("t = 0", "while t < 4 + {end} - len(outs):", "t += 1"),
    ("t = 0", "while t < x.shape[1] - self.count:", "t += 1"),
    ("t = 0", "while t < x.shape[1] and k < 9:", "t += 1"),
    ("t, n = 0, {end}", "while t < n:", "t += 1 + k"),
    ("t = self.count", "while t < x.shape[1]:", "t += 1; self.count = t"),
    ("t = 0", "while True:\n            if t >= {end}: break", "t += 1"),
    ("t = x.shape[1]", "while True:\n            t -= 1\n            if t < 0: break", "k = k"),
    ("t = 1", "while 1:\n            if not t + 1 <= {end}: return h", "t += 2"),
    ("t = 0", "while True:", "t += 1\n            if t >= {end}: break"),
    ("t = 0", "while True:", "t = t + 3\n            if {end} <= t + 1: break"),
    ("t = 0", "while t != {end}:", "t += 1"),
    ("t, todo = 0, list(x.unbind(1))", "while todo:", "todo.pop(); t += 1"),
    ("t, todo = 0, list(x.unbind(1))", "while len(todo) > 1:", "t += 1; todo.pop(0)"),
    ("t, rest = 0, x", "while rest.shape[1] > 1:", "rest = rest[:, 2:]; t += 2"),
    ("t = -1", "while len(outs) < {end}:", "t += 1; outs.append(x[:, t])"),
)  # a name's first value, the loop, and how the name changes
INDICES = ("t", "t", "t", "t", "t + 1", "t - 1", "-1 - t", "k", "0", "x.shape[1] - 1 - t")
STARTS = (
    "None", "x[:, 0] * 0", "torch.zeros(x.shape[0], x.shape[2])", "torch.zeros(1, x.shape[2])",
    "torch.zeros(x.shape[0], 2)", "torch.zeros(x.shape[2])", "x.new_zeros(x.size(0), 1)",
)  # fmt: skip
BODIES = (
    "h = {e} if h is None else h + {e}",
    "h = {e} if h is None else torch.tanh(h) * {e}",
    "outs.append({e})",
    "outs.append(h if h is not None else {e})",
    "outs.insert(0, {e})",
    "outs += [{e}]",
    "outs.extend([{e}, {e}])",
    "outs = [*outs, {e}]",
    "k += 1",
    "k = k + {e}.shape[0]",
    "g = torch.cat([g, {e}.unsqueeze(1)], 1)",
    "g = g[:, 1:]",
    "g = torch.cat([g[:, 1:], {e}.unsqueeze(1)], 1)",
    "buf[:, {i}] = {e}",
    "buf[:, {i}] = buf[:, {i}] + 1",
    "h, prev = {e}, h",
    "pair = (pair[1], {e})",
    "self.last = {e}",
    "self.count += 1",
    "LOG.append(1)",
    "seen['n'] = seen.get('n', 0) + 1",
    "d['a'].append({e})",
    "rows[k % 2].append({e})",
    "rows[-1].append({e}); rows[0] += [t]",
    "y = x[:, t:t + 3]; h = y.sum(1)",
    "outs.append(x[:, t:t + 3])",
    "g = torch.cat([g, x[:, t:t + 2] * 2], 1)",
    "y = x[:, :t + 1]; h = y.sum(1)",
    "y = x[:, t:]; h = y.sum(1)",
    "for j in range(x.shape[2]): k2 = x[:, {i}, j]",
    "h = torch.stack([x[:, {i}, j] for j in range(x.shape[2])], 1)",
    "h = x[:, {i}].view(x.shape[0], -1, 2)[:, 0]",
)
CONDITIONS = (
    "t == 0", "t > 0", "t < x.shape[1] - 1", "t != 1", "t % 2 == 0", "len(outs) > 1", "outs",
    "(t + 1) % 3 == 1", "t // 2 % 2",
    "k > 2", "x.shape[2] > 2", "h is None", "h is not None", "prev is not None", "t > 1 or k > 0",
    "x.shape[0] == t", "g.shape[1] > 2", "t % 3 == 1", "(t + 1) % 4", "k % 2",
)  # fmt: skip
ENDINGS = (
    "torch.stack(outs, 1)", "torch.stack(outs)", "torch.cat(outs, -1)", "torch.cat(outs, 0)",
    "torch.cat(outs, 1)",
    "outs[-1]", "outs[0]", "h", "h", "x.new_zeros(k)", "x.new_zeros(len(outs))", "g", "buf",
    "sum(outs)", "torch.stack([o * 2 for o in outs], 1)", "torch.stack(outs[::-1])",
    "torch.stack(outs[1:])", "torch.stack(list(reversed(outs)))", "(h, torch.stack(outs, 1))",
    "torch.stack(tuple(outs), dim=1)", "self.last", "x.new_zeros(self.count)",
    "x.new_zeros(len(LOG))", "x.new_zeros(seen.get('n', 7))", "torch.stack(d['a'])", "pair[0]",
    "torch.stack(rows[0])", "x.new_zeros(len(rows[0]), len(rows[1]))",
    "x[:, t]", "torch.stack([a + b for a, b in zip(outs, x.unbind(1))])",
    "torch.cat([o.unsqueeze(1) for o in outs], 1)", "prev", "torch.stack(outs + outs[:1])",
)  # fmt: skip
TEMPLATE = """\
import torch
from torch import nn

LOG = []


class Drawn(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.last = None

    def items(self, x):
        for i in range(x.shape[1]):
            yield i, x[:, i]

    def forward(self, x):
        LOG.clear()
        h = {start}
        outs, k, prev, seen, d = [], {k}, None, {{}}, {{"a": []}}
        g = x[:, :{first}]
        buf = torch.zeros(x.shape[0], {length}, x.shape[2])
        pair = (x[:, 0], x[:, 0])
        rows = [[] for _ in range(2)]
        {before}
        {header}
{body}
        return {ending}
"""
SIZES = tuple(itertools.product((1, 2), (1, 2, 3, 4, 5, 8, 11), (1, 2, 3, 4)))


@st.composite
def sources(draw: Any) -> str:
    """The source of a model with one or two nested loops over its input's sizes."""
    end = draw(st.sampled_from(ENDS))
    before, header, after = "pass", draw(st.sampled_from(HEADERS)).format(end=end), ""
    if draw(st.integers(0, 3)) == 0:
        before, header, after = (p.format(end=end) for p in draw(st.sampled_from(WHILES)))
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        index = draw(st.sampled_from(INDICES))
        element = f"x[:, {index}]"
        if "e" in header.split(" in ")[0].split() and draw(st.booleans()):
            element = "e"
        line = draw(st.sampled_from(BODIES)).format(e=element, i=index)
        if draw(st.integers(0, 3)) == 0:
            leave = draw(st.sampled_from(("", "", "", "continue", "break")))
            lines.append(f"if {draw(st.sampled_from(CONDITIONS))}:")
            if ";" in line or line.startswith("for"):
                lines.append(f"    {leave or 'pass'}")
                lines.append(line)
            else:
                lines.append(f"    {line}" + (f"; {leave}" if leave else ""))
        else:
            lines.append(line)
    if after:  # a ``continue`` would go on without end
        lines = [line.replace("continue", "break") for line in lines]
        lines.insert(draw(st.sampled_from((0, len(lines), len(lines)))), after)
    return TEMPLATE.format(
        start=draw(st.sampled_from(STARTS)),
        k=draw(st.integers(0, 1)),
        first=draw(st.integers(0, 2)),
        length=draw(st.sampled_from(("x.shape[1]", "3", "x.shape[1] + 1"))),
        before=before,
        header=header,
        body="\n".join(" " * 12 + line for line in lines),
        ending=draw(st.sampled_from(ENDINGS)),
    )


def module_of(source: str, folder: Path, name: str) -> ModuleType:
    """The source as a module of its own file."""
    file = folder / f"{name}.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shapes(output: Any) -> Any:
    """The output with each tensor as the tuple of its sizes."""
    if isinstance(output, torch.Tensor):
        return tuple(output.shape)
    if isinstance(output, (tuple, list)):
        return tuple(map(shapes, output))
    return output if output is None else type(output).__name__


REFUSED = "refused"


def really(module: ModuleType, sizes: tuple[int, ...]) -> Any:
    """What the model returns at these sizes, as shapes, or :data:`REFUSED`."""
    try:
        with torch.no_grad():
            return shapes(module.Drawn()(torch.zeros(sizes)))
    except Exception:
        return REFUSED
