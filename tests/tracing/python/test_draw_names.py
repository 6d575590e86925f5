"""Each function that is answered exists, once, and so does the method that answers it."""

import importlib

import pytest

from archlint.tracing.python.draw_names import BY_ANSWER, DATES
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
