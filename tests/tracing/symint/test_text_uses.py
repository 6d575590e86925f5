"""Sizes as keys of dictionaries: what the real model does at each size."""

from __future__ import annotations

import collections
import importlib
import itertools

import pytest
import torch
from torch import nn

import archlint

TABLE = {(8, 8): torch.zeros(8, 8), (8, 4): torch.zeros(8, 4)}


def by_sizes(x, cache):
    key = (x.shape[2], x.shape[3])
    if key not in cache:
        cache[key] = torch.zeros(key)
    return x + cache[key]


def by_dtype_too(x, cache):
    key = (*x.shape[2:], x.dtype, x.device)
    if key not in cache:
        cache[key] = torch.zeros(key[:2])
    return x + cache[key]


def one_after_the_other(x, cache):
    for n in x.shape[2:]:
        if n not in cache:
            cache[n] = torch.zeros(n)
    return x + cache[x.shape[3]] + cache[x.shape[2]][:, None]


def of_few_sizes(x, cache):
    return x + TABLE[x.shape[2], x.shape[3]]


def of_few_sizes_or_another(x, cache):
    return x + TABLE.get((x.shape[2], x.shape[3]), torch.zeros(1, 5))


def by_joined_texts(x, cache):
    key = "sizes " + ",".join(f"{s}" for s in [tuple(x.shape), x.shape[2:]])
    try:
        table = cache[key]
    except KeyError:
        table = cache[key] = torch.zeros(x.shape[2:])
    return x + table


def by_listed_texts(x, cache):
    texts = [str(size) for size in x.shape[2:]]
    key = "x".join(texts)
    if key not in cache:
        cache[key] = torch.zeros(x.shape[2:])
    return x + cache[key]


def by_text_before_and_after_broadcast(x, cache):
    cache[f"{list(x.shape[2:])}"] = torch.zeros(1)
    y = x + torch.ones(8, 1)  # 8 rows, whatever H is
    return y + cache[f"{list(y.shape[2:])}"]


def of_few_joined(x, cache):
    tables = {"8x8": torch.zeros(8, 8), "8x4": torch.zeros(8, 4)}
    return x + tables["x".join(str(size) for size in x.shape[2:])]


def of_few_by_a_shared_name(x, cache):
    s = {"8x8": torch.zeros(8, 8), "8x4": torch.zeros(8, 4)}
    return x + s["x".join(str(s) for s in x.shape[2:])]


CACHES = [
    *(by_sizes, by_dtype_too, one_after_the_other, of_few_sizes, of_few_sizes_or_another),
    *(by_joined_texts, by_listed_texts, of_few_joined),
]


@pytest.mark.parametrize("read", CACHES, ids=lambda f: f.__name__)
def test_a_cache_of_sizes(read):
    class Cached(nn.Module):
        def __init__(self):
            super().__init__()
            self.cache = {}

        def forward(self, x):
            return read(x, self.cache)

    found = archlint.infer(Cached(), "N 3 H W")
    assert found.exact
    for h, w in ((8, 8), (8, 4), (4, 8), (3, 3), (7, 5), (5, 1)):
        try:
            real = tuple(read(torch.zeros(1, 3, h, w), {}).shape)
        except (KeyError, RuntimeError):
            real = None
        assert found.output(N=1, H=h, W=w) == real
        assert found.accepts(N=1, H=h, W=w) is (real is not None)


def test_texts_of_a_size_and_of_the_number_that_it_is():
    class Cached(nn.Module):
        def forward(self, x):
            return by_text_before_and_after_broadcast(x, {})

    found = archlint.infer(Cached(), "N 3 H W")
    for h, accepted in ((8, True), (1, False), (5, False)):
        assert found.accepts(N=1, H=h, W=4) in (accepted, None)


def test_a_name_of_a_comprehension_and_of_the_function_around_it():
    class Named(nn.Module):
        def forward(self, x):
            return of_few_by_a_shared_name(x, {})

    found = archlint.infer(Named(), "N 3 H W")
    for h, w in ((8, 8), (8, 4), (4, 8), (3, 3)):
        accepted = h == 8 and w in (8, 4)
        assert found.accepts(N=1, H=h, W=w) in (accepted, None)


def axes_by_size(x):
    axes = collections.defaultdict(list)
    for axis, size in enumerate(x.shape):
        axes[size].append(axis)
    return x.sum(max(axes.values(), key=len))


def counted(x):
    counts = {}
    for size in x.shape:
        counts[size] = counts.get(size, 0) + 1
    return x.flatten(0, max(counts.values()) - 1)


def by_a_number_later(x):
    levels = {}
    for level in (x, x[:, :, ::2]):
        levels[level.shape[2]] = level
    return levels.get(8, x[:, :1])


@pytest.mark.parametrize(
    "read", [axes_by_size, counted, by_a_number_later], ids=lambda f: f.__name__
)
def test_a_number_looked_up_after_a_size_became_a_key(read):
    class Keyed(nn.Module):
        def forward(self, x):
            return read(x)

    found = archlint.infer(Keyed(), "N 3 H W")
    assert found.exact
    assert bool(archlint.check(Keyed(), "N 3 H W", accepts="any size", samples=0))
    for n, h, w in ((3, 5, 7), (1, 8, 2), (2, 16, 3), (2, 15, 3), (5, 3, 5)):
        real = tuple(read(torch.zeros(n, 3, h, w)).shape)
        assert found.output(N=n, H=h, W=w) in (real, None), (n, h, w)


BEFORE = ("", "key = 'w4'", "if h % 2: key = 'w9'")
OTHERWISE = (
    "if key not in heads: key = 'w8'",
    "if key not in heads: key = 'w8' if w > 8 else 'w4'",
    "if key not in heads:\n  key = f'w{h}'\n  if key not in heads: return x[..., 0]",
    "for other in ('w4', 'w8'):\n  if key in heads: break\n  key = other",
    "if h == 3: key = f'w{h + 1}'",
    "if key not in heads: key = key.replace('w', 'W')",
    "if w == 7: key += '0'\nif key not in heads: key = 'w4'",
    "if w == 4:\n  key = 'w'\n  key += f'{w * 2}'",
)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("otherwise", OTHERWISE)
def test_a_name_that_has_another_text_too(before, otherwise, tmp_path, monkeypatch):
    body = f"h, w = x.shape[2:]\n{before}\nkey = f'w{{w}}'\n{otherwise}\nreturn heads[key](x)"
    code = "def choose(x, heads):\n" + "".join(f"  {line}\n" for line in body.split("\n"))
    name = f"named_{BEFORE.index(before)}_{OTHERWISE.index(otherwise)}"
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    choose = importlib.import_module(name).choose

    class Chosen(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleDict({f"w{n}": nn.AdaptiveAvgPool2d(n) for n in (4, 8, 70)})

        def forward(self, x):
            return choose(x, self.heads)

    model = Chosen()
    found = archlint.infer(model, "N 3 H W")
    if "replace" not in otherwise and "+=" not in otherwise:
        assert found.exact
    for h, w in itertools.product((2, 3, 4, 7, 8), (1, 3, 4, 7, 8, 9, 12, 70)):
        try:
            real = tuple(model(torch.zeros(1, 3, h, w)).shape)
        except KeyError:
            real = None
        assert found.accepts(N=1, H=h, W=w) in (real is not None, None), (h, w)
        assert found.output(N=1, H=h, W=w) in (real, None), (h, w)
