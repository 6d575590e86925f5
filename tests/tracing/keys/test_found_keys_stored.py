"""What code stores by keys that are made from sizes is removed after a run, wherever it is."""

from __future__ import annotations

from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.keys.found_keys import forget_stored
from archlint.tracing.keys.look_ups import LookUps
from archlint.tracing.path import TracedPath
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.key_texts import is_of_size, marked
from archlint.tracing.symint.python_types import sym_int

SIZE = symbol("T")


def test_only_what_is_stored_by_sizes_is_removed():
    path, look_ups = TracedPath({"T": 7}, Box({"T": (1, None)})), LookUps()
    look_ups.begin(path, TraceRun(path))
    text = marked("T")
    path.keys.texts[text] = SIZE
    cache = {"plan": 1, "1x3": 2}
    look_ups.at(cache)[f"{text}x{3}"] = 3
    look_ups.at(cache)["3x3"] = 4
    look_ups.call(cache.setdefault, ("T", text), 5)
    other = {(9, "plan"): 6}
    look_ups.at(other)[(sym_int(SIZE, path), "plan")] = 7
    assert sum(map(is_of_size, cache)) == 2
    assert sum(map(is_of_size, other)) == 1
    events = list(path.events)
    forget_stored(path)
    assert cache == {"plan": 1, "1x3": 2, "3x3": 4}
    assert other == {(9, "plan"): 6}
    assert path.events == events  # removing asks nothing
