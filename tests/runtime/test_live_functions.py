import gc

from archlint.runtime.live_functions import live_functions


def target(x):
    return x


def test_functions_are_found_also_if_they_are_frozen():
    frozen = gc.get_freeze_count()
    gc.freeze()
    try:
        assert not [f for f in gc.get_objects() if f is target]  # why this module exists
        assert live_functions(lambda f: f.__code__ is target.__code__) == [target]
        assert gc.get_freeze_count() > frozen
        assert live_functions(lambda f: False) == []
    finally:
        gc.unfreeze()


def test_a_function_that_is_not_frozen_is_found_without_a_change():
    made = eval("lambda: 7")
    assert live_functions(lambda f: f.__code__ is made.__code__) == [made]
    assert gc.get_freeze_count() == 0
