"""Which errors a context manager ends, read from its source; held against running it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading

import pytest
import torch

from archlint.tracing.exception_handling.context_managers import manager_that_is


@contextlib.contextmanager
def plain():
    yield


@contextlib.contextmanager
def swallowing():
    try:
        yield
    except RuntimeError:
        print("caught")


@contextlib.contextmanager
def swallowing_by_return():
    try:
        yield
    finally:
        return  # noqa: B012


@contextlib.contextmanager
def around_another():
    with torch.no_grad():
        yield


@contextlib.contextmanager
def around_suppress():
    with contextlib.suppress(RuntimeError):
        yield


@contextlib.contextmanager
def translating():
    try:
        yield
    except RuntimeError as e:
        raise ValueError("other") from e


@contextlib.contextmanager
def before_it_yields():
    try:
        int("x")
    except ValueError:
        print("caught")
    yield


class Never:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        def inner():
            return True

        self.last = inner
        return


class Always:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True


def without_source():
    names = {}
    text = "class Made:\n def __enter__(self): pass\n def __exit__(self, *e): return None\n"
    exec(compile(text, "<nowhere>", "exec"), names)
    return names["Made"]()


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(
    ("make", "may_end"),
    [
        (plain, False),
        (swallowing, True),
        (swallowing_by_return, True),
        (around_another, False),
        (around_suppress, True),
        (translating, False),
        (before_it_yields, False),
        (Never, False),
        (Always, True),
        (torch.no_grad, False),
        (threading.Lock, False),
        (contextlib.nullcontext, False),
        (tempfile.TemporaryDirectory, False),
    ],
)
def test_what_a_manager_ends(make, may_end):
    manager = make()
    assert manager_that_is(manager) is may_end
    try:
        with manager:
            raise RuntimeError("raised inside")
    except (RuntimeError, ValueError):
        ended = False
    else:
        ended = True
    assert ended is may_end


def test_without_source_it_may_end_any_error():
    assert manager_that_is(without_source()) is True


def test_suppress_names_its_kinds():
    assert manager_that_is(contextlib.suppress(KeyError, OSError)) == (KeyError, OSError)


def test_nothing_private_of_dis_is_used():
    import archlint

    for name, module in list(sys.modules.items()):
        if name.startswith(archlint.__name__ + ".tracing.exception_handling"):
            assert "dis" not in vars(module)
