"""What stands for a function in C passes for it, in all that code can ask of a function."""

from __future__ import annotations

import copy
import inspect
import math
import operator
import pickle
from types import BuiltinFunctionType

import pytest

from archlint.runtime.stand_in_functions import StandIn, original_of
from archlint.tracing.python.math_functions import EXACT, of_sizes


@pytest.mark.parametrize("original", [*EXACT, max, len, hash], ids=str)
def test_it_passes_for_the_original(original):
    stand_in = StandIn(original, original)
    assert stand_in == original
    assert original == stand_in
    assert stand_in != abs
    assert {original: 1}[stand_in] == {stand_in: 1}[original] == 1
    assert repr(stand_in) == repr(original)
    assert str(stand_in) == str(original)
    assert inspect.isbuiltin(stand_in)
    assert isinstance(stand_in, BuiltinFunctionType)
    assert callable(stand_in)
    assert pickle.loads(pickle.dumps(original)) == stand_in
    assert copy.deepcopy(stand_in) == original
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__self__", "__class__"):
        assert getattr(stand_in, name) == getattr(original, name)
    assert not hasattr(stand_in, "elsewhere")
    assert original_of(stand_in) is original
    assert original_of(original) is original


def test_it_calls_what_it_is_made_with():
    assert StandIn(max, min)(3, 2, key=abs) == 2
    assert of_sizes(math.gcd)(12, 18) == 6
    assert of_sizes(operator.index)(3) == 3
