import gc

from archlint.runtime.live_functions import functions_of_code, live_functions


def target(x):
    return x


def test_functions_are_found_also_if_they_are_frozen():
    frozen = gc.get_freeze_count()
    gc.freeze()
    try:
        assert not [f for f in gc.get_objects() if f is target]  # why this module exists
        assert live_functions(lambda f: f.__code__ is target.__code__) == [target]
        assert gc.get_freeze_count() > frozen
        assert functions_of_code(target.__code__) == [target]
        assert live_functions(lambda f: False) == []
    finally:
        gc.unfreeze()


def test_a_function_that_is_not_frozen_is_found_without_a_change():
    made = eval("lambda: 7")
    assert live_functions(lambda f: f.__code__ is made.__code__) == [made]
    assert functions_of_code(made.__code__) == [made]
    assert gc.get_freeze_count() == 0


def test_functions_of_a_code_are_all_that_share_it_and_no_other():
    """A function with an equal code, and one that defines the code's function, are others."""

    def outer():
        return lambda: 8

    one, other = outer(), outer()
    equal = eval("lambda: 7").__code__
    assert equal == eval("lambda: 7").__code__
    found = functions_of_code(one.__code__, equal)
    assert {*map(id, found)} == {id(one), id(other)}
