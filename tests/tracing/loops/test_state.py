"""Lists in lists, tuples and dicts, which the turns of a loop lengthen."""

import pytest

import archlint
from tests.tracing.loops.drawn_loops import module_of, really
from tests.tracing.loops.test_loop_iterator import compare

TEMPLATE = """
import torch

class Drawn(torch.nn.Module):
    def forward(self, x):
        rows = {maker}
        for t in range(x.shape[1]):
            for k in range(3):
                {turn}
        return [x.new_zeros(len(row)) for row in {rows}]
"""
EXACT = (
    ("[[] for _ in range(3)]", "rows[k].append(x[:, t])", "rows"),
    ("[[], [x[:, 0]], []]", "rows[-1].append(x[:, t]); rows[0].append(7)", "rows"),
    ("list([] for _ in range(3))", "rows[k].append(x[:, 0])", "rows"),
    ("[[[]] for _ in range(3)]", "rows[k][0].insert(0, x[:, t])", "[row[0] for row in rows]"),
    ("[dict(a=[]) for _ in range(3)]", "rows[k].update(b=k)", "rows"),
    ("([], [], [])", "rows[k].extend([k, k])", "rows"),
    ("[[], [], []]", "rows[t % 3].append(x[:, t])", "rows"),
)
OTHERS = (
    ("[[], [x[:, 0]], []]", "rows[-1].append(x[:, t]); rows[0].append(k)", "rows"),
    ("list([] for _ in range(3))", "rows[k] += [x[:, t]] * 2", "rows"),
    ("[([], [])] * 3", "rows[k][k % 2].append(x[:, t])", "rows[0]"),
    ("[dict(a=[]) for _ in range(3)]", "rows[k]['a'].append(t)", "[r['a'] for r in rows]"),
    ("[[], [], []]", "rows[min(t, 2)].append(t)", "rows"),
    ("[[], [], []]", "rows[k] = [*rows[k], x[:, t]]", "rows"),
    ("[[]]", "rows[-1].append(t); rows.append([])", "rows[:2]"),
    ("[[], [], []]", "rows.append(rows.pop(0)); rows[0].append(t)", "rows"),
)


@pytest.mark.parametrize(("maker", "turn", "rows"), EXACT + OTHERS)
def test_lists_in_a_list_are_as_long_as_the_turns_made_them(maker, turn, rows, tmp_path):
    source = TEMPLATE.format(maker=maker, turn=turn, rows=rows)
    module = module_of(source, tmp_path, f"rows_{(EXACT + OTHERS).index((maker, turn, rows))}")
    found = archlint.infer(module.Drawn(), "N T C", paths=6)
    sizes = [(2, t, 3) for t in (*range(1, 12), 20)]
    answers = compare(found, source, lambda size: really(module, size), sizes)
    assert answers == len(sizes) if (maker, turn, rows) in EXACT else answers > 0
