"""User code that raises what ends a process has failed; Ctrl-C and time limits pass through it."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import torch
from torch import nn

import archlint
from archlint.runtime.deadline import TimeLimitReached
from archlint.runtime.interruptions import raised_by_statement, stops_run


class Own(BaseException):
    pass


class Raises(nn.Module):
    """Raises an exception on images lower than 12."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        if x.shape[2] < 12:
            raise self.error
        return x


class Interrupts(nn.Module):
    """What Ctrl-C does while the model runs."""

    def forward(self, x):
        os.kill(os.getpid(), signal.SIGINT)
        return x


class RaisesWhenRead(nn.Module):
    def named_modules(self, *args, **kwargs):
        raise KeyboardInterrupt


class RaisesWhenCopied(nn.Linear):
    def __deepcopy__(self, memo):
        raise Own


def check(model):
    return archlint.check(model, "N 3 H W", accepts="any N >= 1 and H, W >= 8", samples=2)


@pytest.mark.parametrize("error", [Own("small"), GeneratorExit("small")])
def test_an_exception_of_the_models_own_refuses_a_size(error):
    verdict = check(Raises(error))
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 8, "W": 8})
    assert verdict.message == f"N=1 H=8 W=8 is refused: {type(error).__name__}: small"
    assert repr(archlint.infer(Raises(error), "N 3 H W")).startswith(
        "<Raises in eval mode accepts H >= 12; exact"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "it raises KeyboardInterrupt (KeyboardInterrupt)"),
        (SystemExit(3), "it calls sys.exit (SystemExit: 3)"),
    ],
)
def test_what_ends_a_process_says_nothing_about_sizes(error, reason):
    verdict = check(Raises(error))
    assert verdict.word == "error"
    assert reason in verdict.message
    accepted = archlint.infer(Raises(error), "N 3 H W")
    assert not accepted.exact
    assert reason in repr(accepted)


def test_ctrl_c_ends_the_check():
    for run in (check, lambda model: archlint.infer(model, "N 3 H W"), archlint.explain):
        with pytest.raises(KeyboardInterrupt):
            run(Interrupts())


def test_a_handler_of_the_users_ends_the_check(monkeypatch):
    def end(number, frame):
        raise SystemExit(5)

    before = signal.signal(signal.SIGINT, end)
    try:
        with pytest.raises(SystemExit):
            check(Interrupts())
    finally:
        signal.signal(signal.SIGINT, before)


def test_methods_that_archlint_calls_may_raise_it_too():
    with pytest.raises(archlint.ArchlintError, match=r"could not be read: .*KeyboardInterrupt"):
        archlint.infer(RaisesWhenRead(), "N 3 H W")
    verdict = archlint.check(RaisesWhenCopied(8, 2), "N 8", accepts="any N")
    assert verdict.word == "proved"  # where it cannot be copied, the model itself is run


def raised(call):
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError


def throw(error):
    raise error


@pytest.mark.parametrize(
    ("call", "stops"),
    [
        (lambda: throw(KeyboardInterrupt()), False),
        (lambda: throw(SystemExit()), False),
        (lambda: throw(Own()), False),
        (lambda: throw(ValueError()), False),
        (lambda: throw(TimeLimitReached()), True),
        (lambda: pytest.skip("not today"), True),
        (lambda: signal.raise_signal(signal.SIGINT), True),
    ],
)
def test_which_exceptions_stop_a_run(call, stops):
    assert stops_run(raised(call)) is stops


def test_a_thread_has_no_signals():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(Raises(Own("small"))).word))
    thread.start()
    thread.join()
    assert found == ["broken"]


def test_compiled_code_has_no_raise_statement():
    assert raised_by_statement(raised(lambda: throw(RuntimeError())))
    assert not raised_by_statement(raised(lambda: torch.ones(2).view(3)))
