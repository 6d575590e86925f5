"""Numbers and their texts, looked up among keys that are sizes and texts of sizes."""

from __future__ import annotations

import pytest
import torch

import archlint
from tests.tracing.keys.drawn_models import FOLLOWED, drawn, loaded

EXACT_KEYS = ("text", "str", "named", "size", "joined", "spec", "added")


def at_size(module, size):
    """The shape that a new model gives."""
    caches = (module.CACHE, module.Model.SHARED)
    for cache in caches:
        assert not cache, "a run left something behind"
    try:
        return tuple(module.Model()(torch.zeros(2, 3, size)).shape)
    except Exception:  # whatever the model raises, it refuses the size
        return None
    finally:
        for cache in caches:
            cache.clear()


def assert_right(folder, names):
    module = loaded(folder, names)
    found = archlint.infer(module.Model(), "2 3 T")
    proved = archlint.check(module.Model(), "2 3 T", accepts="any size", samples=0)
    for size in (*range(1, 13), 18, 24, 80, 88):
        real = at_size(module, size)
        if found.exact:
            assert found.accepts(T=size) is (real is not None), size
            assert found.output(T=size) in (real, None), size
        assert real is not None or not proved, size
    return found


@pytest.mark.parametrize("names", list(drawn(0)), ids=lambda names: names.look)
def test_a_drawn_look_up(tmp_path, names):
    found = assert_right(tmp_path, names)
    if names.look in FOLLOWED and names.key in EXACT_KEYS and names.place != "ordered":
        assert found.exact, found.reasons


@pytest.mark.sweep
@pytest.mark.parametrize("names", [n for seed in range(1, 12) for n in drawn(seed)], ids="-".join)
def test_many_drawn_look_ups(tmp_path, names):
    assert_right(tmp_path, names)
