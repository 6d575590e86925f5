"""Sizes as keys of dictionaries: what the real model does at each size."""

from __future__ import annotations

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


CACHES = [by_sizes, by_dtype_too, one_after_the_other, of_few_sizes, of_few_sizes_or_another]


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
