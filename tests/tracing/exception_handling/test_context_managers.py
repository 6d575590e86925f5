"""Which errors a context manager ends, read from its source; held against running it."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading

import pytest
import torch

from archlint.tracing.exception_handling.context_managers import Ends, manager_that_is


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


@contextlib.contextmanager
def ending_by_text():
    try:
        yield
    except RuntimeError as e:
        if "inside" not in str(e):
            raise


@contextlib.contextmanager
def ending_by_class():
    try:
        yield
    except Exception as e:
        if type(e) is not RuntimeError:
            raise


@contextlib.contextmanager
def ending_by_what_is_handled():
    try:
        yield
    except Exception:
        if sys.exc_info()[0] is not RuntimeError:
            raise


@contextlib.contextmanager
def logging_it():
    try:
        yield
    except RuntimeError as e:
        print("caught", e)


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


class OfKind:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, place):
        if not kind:
            return None
        return (
            error is not None
            and issubclass(kind, RuntimeError)
            and isinstance(error, (OSError, RuntimeError))
        )


class OfKindStarred(OfKind):
    def __exit__(self, *error):
        return error[0] is not None and issubclass(error[0], RuntimeError)


class OfClass(OfKind):
    def __exit__(self, kind, error, place):
        return kind is RuntimeError


class OfText(OfKind):
    def __exit__(self, kind, error, place):
        return "inside" in str(error)


class Keeping(OfKind):
    def __exit__(self, kind, error, place):
        self.error = kind
        return True


class Asking(OfKind):
    def __exit__(self, *error):
        return self.ends(*error)

    def ends(self, kind, error, place):
        return kind is RuntimeError


class SuppressOfText(contextlib.suppress):
    def __exit__(self, kind, error, place):
        return "inside" in str(error)


class Replacing(OfKind):
    def __exit__(self, kind, error, place):
        if kind is not None:
            raise ValueError("other")


def stack_of(*managers):
    stack = contextlib.ExitStack()
    for manager in managers:
        stack.enter_context(manager)
    return stack


def stack_with(function):
    stack = contextlib.ExitStack()
    stack.push(function)
    return stack


def ends_runtime_errors(kind, error, place):
    return kind is RuntimeError


def stack_calling():
    stack = contextlib.ExitStack()
    stack.callback(print, "left")
    return stack


def without_source():
    names = {}
    text = "class Made:\n def __enter__(self): pass\n def __exit__(self, *e): return None\n"
    exec(compile(text, "<nowhere>", "exec"), names)
    return names["Made"]()


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(
    ("make", "ends"),
    [
        (plain, Ends.NONE),
        (swallowing, Ends.BY_KIND),
        (swallowing_by_return, Ends.BY_KIND),
        (around_another, Ends.NONE),
        (around_suppress, (RuntimeError,)),
        (translating, Ends.REPLACES),
        (before_it_yields, Ends.NONE),
        (ending_by_text, Ends.UNKNOWN),
        (ending_by_class, Ends.UNKNOWN),
        (ending_by_what_is_handled, Ends.UNKNOWN),
        (logging_it, Ends.BY_KIND),
        (Never, Ends.NONE),
        (Always, Ends.BY_KIND),
        (OfKind, Ends.BY_KIND),
        (OfKindStarred, Ends.BY_KIND),
        (OfClass, Ends.UNKNOWN),
        (OfText, Ends.UNKNOWN),
        (Keeping, Ends.UNKNOWN),
        (Asking, Ends.UNKNOWN),
        (SuppressOfText, Ends.UNKNOWN),
        (Replacing, Ends.REPLACES),
        (torch.no_grad, Ends.NONE),
        (threading.Lock, Ends.NONE),
        (contextlib.nullcontext, Ends.NONE),
        (contextlib.ExitStack, Ends.NONE),
        (tempfile.TemporaryDirectory, Ends.NONE),
        (lambda: stack_of(torch.no_grad(), plain()), Ends.NONE),
        (lambda: stack_of(plain(), contextlib.suppress(RuntimeError)), (RuntimeError,)),
        (lambda: stack_of(swallowing(), torch.no_grad()), Ends.BY_KIND),
        (lambda: stack_of(swallowing(), ending_by_text()), Ends.UNKNOWN),
        (lambda: stack_of(contextlib.suppress(ValueError), translating()), Ends.UNKNOWN),
        (lambda: stack_with(ends_runtime_errors), Ends.UNKNOWN),
        (stack_calling, Ends.NONE),
    ],
)
def test_what_a_manager_ends(make, ends):
    manager = make()
    assert manager_that_is(manager) == ends
    try:
        with manager:
            raise RuntimeError("raised inside")
    except RuntimeError:
        happened = Ends.NONE
    except ValueError:
        happened = Ends.REPLACES
    else:
        happened = Ends.BY_KIND
    assert happened is ends or ends is Ends.UNKNOWN or isinstance(ends, tuple)


def test_without_source_nothing_is_known():
    assert manager_that_is(without_source()) is Ends.UNKNOWN


def test_suppress_names_its_kinds():
    assert manager_that_is(contextlib.suppress(KeyError, OSError)) == (KeyError, OSError)


def test_nothing_private_of_dis_is_used():
    import archlint

    for name, module in list(sys.modules.items()):
        if name.startswith(archlint.__name__ + ".tracing.exception_handling"):
            assert "dis" not in vars(module)
