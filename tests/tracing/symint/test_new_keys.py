"""Dicts and sets of sizes, made and questioned in drawn ways, at every size of a small grid."""

from __future__ import annotations

import importlib.util
import itertools
import random

import pytest
import torch

import archlint

SETS = {
    "set": "{{{0}, {1}, {2}}}",
    "spread set": "{{*({0}, {1}), {2}}}",
    "set of list": "set([{0}, {2}, {1}])",
    "frozenset": "frozenset(({2}, {0}, {1}))",
    "set of generator": "set(k for k in ({0}, {1}, {2}))",
    "set comprehension": "{{k for k in ({0}, {1}, {0}, {2})}}",
    "sizes": "set((*x.shape, {1}))",
}
DICTS = {
    "dict": "{{{0}: 1, {2}: 2, {1}: 3}}",
    "repeated dict": "{{{0}: 1, {1}: 2, {0}: 3}}",
    "spread dict": "{{**{{{0}: 1}}, **{{{1}: 2}}}}",
    "spread dicts": "{{**{{{0}: 1}}, {1}: 2, **{{{0}: 3}}}}",
    "fromkeys": "dict.fromkeys(({0}, {2}, {1}), 4)",
    "pairs": "dict([({0}, 1), ({1}, 2), ({2}, 3)])",
    "repeated pairs": "dict([({0}, 1), ({1}, 2), ({0}, 3)])",
    "zip": "dict(zip(({0}, {1}, {0}), (1, 2, 3)))",
    "comprehension": "{{k: i for i, k in enumerate(({0}, {1}, {0}))}}",
    "stored": "store({{}}, ({0}, {1}, {2}))",
}
KEYS = ("%s", "f'{%s}'", "str(%s)", "(%s, 1)", "%s // 2", "f'w{%s}'")
COUNTED = {
    "length": "len({c})",
    "in": "1 + ({1} in {c})",
    "not in": "1 + ({2} not in {c})",
    "variable": "lengths(c) if len(c := {c}) > 2 else 1",
    "asserted": "asserted({c})",
}
OTHERS = {
    "first": "2 if list({c})[0] == {0} else 1",
    "iterated": "2 if next(iter({c})) == {1} else 1",
    "sorted": "1 + (sorted({c}, key=str)[0] == {0})",
    "items": "1 + sum(i for i, k in enumerate({c}) if k == {1})",
    "popped": "1 + (min({c}) == {0})",
    "union": "len({c} | {{{1}}}) if isinstance({c}, (set, frozenset)) else 1",
}
OF_VALUES = {
    "values": "sum({c}.values())",
    "last": "list({c}.values())[-1]",
    "found": "{c}[{0}]",
    "get": "{c}.get({1}, 7)",
}
EXACT = {
    (container, question, key)
    for question in ("length", "in", "not in")
    for key in KEYS
    for container in (("set", "dict") if "'" in key or "str" in key else (*SETS, "fromkeys"))
}

MODEL = """import torch

def lengths(c):
    return len(c)

def asserted(c):
    assert len(c) > 1, f"too few: {{c}}"
    return 2

def store(c, keys):
    for i, key in enumerate(keys):
        c[key] = i + 1
    return c

class Model(torch.nn.Module):
    def forward(self, x, y):
        return torch.zeros({question})
"""


def drawn(seed):
    draws = random.Random(seed)
    for container in (*SETS, *DICTS):
        questions = {**COUNTED, **OTHERS, **(OF_VALUES if container in DICTS else {})}
        for question in draws.sample(list(questions), 1 if seed == 0 else 4):
            yield container, question, draws.choice(KEYS)


def model_of(folder, container, question, key):
    names = [key % name for name in ("x.shape[1]", "y.shape[1]", "3")]
    made = {**SETS, **DICTS}[container].format(*names)
    text = {**COUNTED, **OTHERS, **OF_VALUES}[question].format(*names, c=made)
    path = folder / "makes_keys.py"
    path.write_text(MODEL.format(question=text))
    spec = importlib.util.spec_from_file_location(f"makes_keys_{abs(hash(text))}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Model()


def real(model, t, c):
    try:
        return tuple(model(torch.zeros(2, t), torch.zeros(2, c)).shape)
    except Exception:  # whatever the model raises, it refuses the sizes
        return None


def assert_right(folder, case):
    model = model_of(folder, *case)
    found = archlint.infer(model, {"x": "2 T", "y": "2 C"})
    proved = archlint.check(model, {"x": "2 T", "y": "2 C"}, accepts="any size", samples=0)
    for t, c in itertools.product((1, 2, 3, 4, 6, 7), repeat=2):
        shape = real(model, t, c)
        accepts = found.accepts(T=t, C=c)
        assert accepts in (None, shape is not None), (t, c)
        assert not accepts or found.output(T=t, C=c) in (None, shape), (t, c)
        assert shape is not None or not proved, (t, c)
    return found


@pytest.mark.parametrize("case", list(drawn(0)), ids="-".join)
def test_new_containers_of_sizes(tmp_path, case):
    found = assert_right(tmp_path, case)
    if case in EXACT:
        assert found.exact, found.reasons


@pytest.mark.sweep
@pytest.mark.parametrize("case", [c for seed in range(1, 9) for c in drawn(seed)], ids="-".join)
def test_more_new_containers_of_sizes(tmp_path, case):
    assert_right(tmp_path, case)
