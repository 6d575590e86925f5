"""Each function that is answered exists, once, and so does the method that answers it."""

import datetime
import functools
import importlib
import time

import pytest

from archlint.runtime.outside_watch import _Watched
from archlint.tracing.python.draw_names import BY_ANSWER, DATES, _held_sources, held_source
from archlint.tracing.python.draws import _Draws

ABSENT = {"os.getrandom"}  # on some systems


@pytest.mark.parametrize("module", BY_ANSWER)
def test_functions_and_answers_exist(module):
    found = importlib.import_module(module)
    names = [name for names in BY_ANSWER[module].values() for name in names]
    assert len(set(names)) == len(names)
    assert all(callable(getattr(_Draws, answer)) for answer in BY_ANSWER[module])
    missing = {f"{module}.{name}" for name in names if not callable(getattr(found, name, None))}
    assert missing <= ABSENT


def test_methods_that_read_the_clock_exist():
    assert all(callable(getattr(kind, name)) for kind, names in DATES.items() for name in names)


def test_what_is_held_is_known_while_others_take_its_place(monkeypatch):
    original, other = time.perf_counter, len
    _held_sources.cache_clear()

    @functools.wraps(original)
    def stand_in():
        return 0.0

    monkeypatch.setattr(time, "perf_counter", stand_in)
    assert held_source(original) == "time.perf_counter"
    assert held_source(stand_in) is None
    assert held_source(other) is None
    assert held_source(_Watched("time.time", time.time, print)) == "time.time"
    assert held_source(datetime.datetime.now) == "datetime.datetime.now"
    assert held_source(datetime.datetime.fromtimestamp) is None
