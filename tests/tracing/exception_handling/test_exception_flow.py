"""Models that go on after an operator has refused: such sizes are accepted, as running shows."""

from __future__ import annotations

import contextlib
import sys
import warnings

import pytest
import torch
from torch.nn import functional as F

from archlint.tracing.exception_handling.exception_flow import is_caught
from tests.support.refusing_models import decided, forward_of, runs


def by_threes(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError:
        return x.mean((2, 3), keepdim=True)


def the_largest_window(x):
    for size in (7, 3, 1):
        try:
            return F.avg_pool2d(x, size)
        except Exception:
            continue
    return None


def after_a_helper(x):
    def product(x):
        return x @ x

    try:
        y = product(x)
    except (ValueError, RuntimeError):
        y = x
    return y


def returned_in_the_end(x):
    try:
        y = x.view(1, 4, -1, 3, x.shape[3])
    finally:
        return x  # noqa: B012
    return y


def left_in_the_end(x):
    y = x
    for _ in range(2):
        try:
            y = x.view(1, 4, -1, 3, x.shape[3])
        except (IndexError, KeyError):
            raise
        finally:
            break  # noqa: B012
    for _ in range(2):
        try:
            y = y.mean(1)
        except TypeError:
            pass
        else:
            y = x.view(1, 4, -1, 3, x.shape[3])
        finally:
            if y.dim() < 5:
                y = x
            continue  # noqa: B012
    return y


def returned_after_a_handler(x):
    try:
        y = x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError:
        y = x.view(1, 4, -1, 5, x.shape[3])
    finally:
        return x  # noqa: B012
    return y


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(
    "forward",
    [
        by_threes,
        the_largest_window,
        after_a_helper,
        returned_in_the_end,
        left_in_the_end,
        returned_after_a_handler,
    ],
)
def test_what_is_caught_refuses_nothing(forward):
    assert decided(forward, accepts="any size").word == "proved"
    for sizes in [(1, 1), (6, 4), (5, 5), (2, 9)]:
        forward(torch.zeros(1, 4, *sizes))


def test_the_two_ways_have_their_own_outputs():
    verdict = decided(by_threes, accepts="any size", output="1 4 1 1")
    assert verdict.counterexample == {"H": 3, "W": 1}
    assert by_threes(torch.zeros(1, 4, 3, 1)).shape == (1, 4, 1, 3, 1)
    assert decided(by_threes, accepts="any H % 3 != 0", output="1 4 1 1").word == "proved"


def again(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError:
        raise


def other_words(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError as e:
        raise ValueError("no threes") from e


def not_this_kind(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except (KeyError, TypeError):
        return x


def in_the_end(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    finally:
        x = None


def in_a_loop_of_the_end(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    finally:
        for _ in range(2):
            break

        def unused():
            return x


@pytest.mark.parametrize(
    "forward", [again, other_words, not_this_kind, in_the_end, in_a_loop_of_the_end]
)
def test_what_is_raised_in_the_end_is_refused(forward):
    assert decided(forward, accepts="only H % 3 == 0").word == "proved"
    with pytest.raises((RuntimeError, ValueError)):
        forward(torch.zeros(1, 4, 5, 5))


def the_fifth_row(x):
    try:
        return x[:, :, 4]
    except IndexError:
        return x[:, :, 0]


def test_an_index_out_of_range_is_an_index_error():
    assert decided(the_fifth_row, accepts="any size").word == "proved"
    assert decided(the_fifth_row_otherwise, accepts="any size").word == "broken"
    for forward in (the_fifth_row, the_fifth_row_otherwise):
        assert decided(forward, accepts="any H >= 5").word == "proved"


def the_fifth_row_otherwise(x):
    try:
        return x[:, :, 4]
    except RuntimeError:  # it is an IndexError
        return x[:, :, 0]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* came with Python 3.11")
def test_a_group_of_errors_is_caught_too():
    text = """
def forward(x):
    y = x
    try:
        y = x.view(1, 4, -1, 3, x.shape[3])
    except* RuntimeError:
        y = x
    return y
"""
    forward = forward_of(text, "group", globals())
    assert decided(forward, accepts="any size").word == "proved"
    assert runs(forward, 5)


def by_the_words_of_the_error(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError as e:
        if "is invalid for input" not in str(e):
            raise
        return x


def as_long_as_the_words_of_the_error(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError as e:
        return torch.zeros(len(str(e)))


def kept_for_later(x):
    error = None
    try:
        x = x.view(1, 4, -1, 3, x.shape[3])
    except (IndexError, RuntimeError) as e:
        if x.dim() == 4:
            error = e
    return x[:, :, None] if error and "is invalid for input" in str(error) else x


@pytest.mark.parametrize(
    "forward", [by_the_words_of_the_error, as_long_as_the_words_of_the_error, kept_for_later]
)
def test_nothing_is_said_where_its_words_decide(forward):
    verdict = decided(forward, accepts="any size")
    assert verdict.word == "error"
    assert "inside a `try` or `with` that may catch its error" in verdict.message
    assert decided(forward, accepts="any H % 3 == 0").word == "proved"
    assert runs(forward, 5)


def told_to_people(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError as e:
        warnings.warn(f"no threes: {e}", stacklevel=2)
        if x.shape[2] == 5:
            raise ValueError(f"five rows: {e}") from e
        return x


@pytest.mark.filterwarnings("ignore:no threes")
def test_words_that_are_told_or_raised_decide_nothing():
    assert decided(told_to_people, accepts="only H != 5").word == "proved"
    assert [h for h in range(1, 9) if not runs(told_to_people, h)] == [5]


def a_value(x):
    return x.sum().item()


def a_bare_except(x):
    try:
        rows = int(a_value(x))
    except:  # noqa: E722
        rows = 9
    return x[:, :, rows:].view(1, -1, 3)


def a_finally_that_returns(x):
    def rows():
        try:
            return int(a_value(x))
        finally:
            return 9  # noqa: B012, SIM107

    return x[:, :, rows() :].view(1, -1, 3)


def an_except_around_a_pin(x):
    try:
        rows = int(x.shape[2])
    except:  # noqa: E722
        rows = 9
    return x.view(1, -1, rows)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("forward", [a_bare_except, a_finally_that_returns])
def test_what_nobody_knows_is_not_swallowed(forward):
    verdict = decided(forward, accepts="any size")
    assert verdict.word == "error"
    assert "the value of a tensor is needed" in verdict.message


def test_a_trace_that_is_to_start_again_does():
    assert decided(an_except_around_a_pin, accepts="any size").word == "proved"


@pytest.mark.parametrize(
    ("body", "goes_on"),
    [
        ("try:\n  return view(x)\n except RuntimeError:\n  return x", True),
        ("try:\n  return view(x)\n except:\n  pass\n return x", True),
        ("try:\n  return view(x)\n finally:\n  return x", True),
        ("with suppress(RuntimeError):\n  return view(x)\n return x", True),
        ("try:\n  return view(x)\n finally:\n  x = None", False),
        ("try:\n  return view(x)\n except RuntimeError as e:\n  raise ValueError from e", False),
        ("try:\n  x = x + 1\n except RuntimeError:\n  x = x\n return view(x)", False),
        ("return view(x)", False),
    ],
)
def test_code_without_source(body, goes_on):
    names = {"view": view, "suppress": contextlib.suppress}
    exec(compile(f"def forward(x):\n {body}\n", "<made>", "exec"), names)
    forward = names["forward"]
    assert runs(forward, 5) is goes_on
    # Handlers are read from source. Without it, code that may have one is not judged: it may
    # continue.
    may_handle = body.startswith(("try", "with"))
    verdict = decided(forward, accepts="any size")
    assert verdict.word == ("error" if may_handle else "broken")
    assert decided(forward, accepts="any H % 3 == 0").word == "proved"


def view(x):
    return x.view(1, 4, -1, 3, x.shape[3])


def test_only_what_the_caller_calls_counts():
    def caller(asked):
        return asked()

    def guarded():
        try:
            return is_caught(caller.__code__, (RuntimeError,))
        except RuntimeError:
            return None

    assert caller(guarded) is True
    try:
        found = caller(lambda: is_caught(caller.__code__, (RuntimeError,)))
    except RuntimeError:
        found = None
    assert found is False
    assert is_caught(None) is False


@pytest.mark.parametrize("text", ["any(f() for _ in [0])", "(lambda: any(f() for _ in [0]))()"])
def test_an_expression_without_source_handles_nothing(text):
    found = []

    def root():
        return eval(text, {"f": lambda: found.append(is_caught(root.__code__, (IndexError,)))})

    root()
    assert found == [False]
