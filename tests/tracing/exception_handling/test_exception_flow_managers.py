"""The manager of a ``with`` may end an error: such sizes are accepted, as running shows."""

from __future__ import annotations

import contextlib

import pytest
import torch

from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
from tests.support.refusing_models import Model, decided, forward_of, runs


class Patient:
    """Lets errors of a kind end, or none."""

    def __init__(self, *kinds):
        self.kinds = kinds

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return kind is not None and issubclass(kind, self.kinds)


class Strict:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


@contextlib.contextmanager
def patience():
    try:
        yield
    except RuntimeError:
        return


@contextlib.contextmanager
def strictness():
    try:
        yield
    finally:
        pass


class OfClass(Strict):
    def __exit__(self, kind, error, traceback):
        return kind is RuntimeError


class OfText(Strict):
    def __exit__(self, kind, error, traceback):
        return "shape" in str(error)


@contextlib.contextmanager
def only_of_text():
    try:
        yield
    except Exception as e:
        if "shape" not in str(e):
            raise


@contextlib.contextmanager
def other_error():
    try:
        yield
    except RuntimeError as e:
        raise ValueError("other") from e


def pushed(ends):
    stack = contextlib.ExitStack()
    stack.push(ends)
    return stack


def of_class(kind, error, traceback):
    return kind is RuntimeError


def either(small):
    return contextlib.suppress(RuntimeError) if small else contextlib.nullcontext()


def strict_one():
    return torch.no_grad()


def with_text(text, name):
    return forward_of(text, name, {**globals(), "ready": Patient(RuntimeError)})


def within(manager):
    """A model that goes on behind a ``with``; ``manager`` is the text of what is made there."""
    text = f"""
def forward(x):
    with {manager}:
        return x.view(1, 4, -1, 3, x.shape[3])
    return x
"""
    return with_text(text, manager)


@pytest.mark.parametrize(
    "manager",
    [
        "contextlib.suppress(RuntimeError)",
        "contextlib.suppress(ValueError, RuntimeError)",
        "contextlib.suppress(Exception)",
        "contextlib.suppress(ValueError)",
        "contextlib.suppress(*[RuntimeError])",
        "Patient(RuntimeError)",
        "Patient(ValueError)",
        "ready",
        "patience()",
        "torch.no_grad(), patience()",
        "strictness()",
        "strict_one()",
        "Strict()",
        "torch.no_grad()",
        "torch.autocast('cpu', enabled=False)",
        "contextlib.nullcontext()",
        "contextlib.ExitStack()",
        "either(x.shape[2] < 4)",
        "(Patient(RuntimeError) if x.shape[2] % 2 else Strict())",
    ],
)
def test_the_manager_of_a_with_may_end_an_error(manager):
    forward = within(manager)
    contract = contract_of(input="1 4 H 2", accepts="any size")
    found = explore_model(CheckRun.start(contract, from_instance(Model(forward))))
    assert found.covered, found.reasons
    for h in range(1, 14):
        assert found.accepts({"H": h}) is runs(forward, h), h


@pytest.mark.parametrize(
    "manager",
    [
        "OfClass()",
        "OfText()",
        "only_of_text()",
        "torch.no_grad(), only_of_text()",
        "contextlib.suppress(ValueError), other_error()",
        "contextlib.suppress(IndexError), other_error()",
        "other_error()",
        "pushed(of_class)",
        "contextlib.ExitStack() as s, contextlib.nullcontext(s.enter_context(only_of_text()))",
        "contextlib.ExitStack() as s, contextlib.nullcontext(s.enter_context(patience()))",
        "contextlib.ExitStack() as s, contextlib.nullcontext(s.enter_context(torch.no_grad()))",
    ],
)
def test_what_a_manager_asks_of_the_error_is_never_guessed(manager):
    forward = within(manager)
    contract = contract_of(input="1 4 H 2", accepts="any size")
    found = explore_model(CheckRun.start(contract, from_instance(Model(forward))))
    for h in range(1, 14):
        assert found.accepts({"H": h}) in (None, runs(forward, h)), h
    alone = "suppress" not in manager and ("other_error" in manager or "no_grad())" in manager)
    assert found.covered or not alone


VIEWED = "contextlib.nullcontext(x.view(1, 4, -1, 3, x.shape[3]))"


@pytest.mark.parametrize(
    "managers",
    [
        f"contextlib.suppress(RuntimeError), {VIEWED}",
        f"contextlib.suppress(RuntimeError),\n        {VIEWED},",
        f"contextlib.suppress(IndexError),\n        {VIEWED},\n        patience(),",
        f"torch.no_grad(),\n        patience(),\n        {VIEWED},",
        f"{VIEWED}, contextlib.suppress(RuntimeError)",
        f"{VIEWED},\n        contextlib.suppress(RuntimeError),",
        f"torch.no_grad(), {VIEWED}",
    ],
)
def test_an_item_of_a_with_is_within_those_before_it(managers):
    text = f"""
def forward(x):
    y = x
    with (
        {managers}
    ):
        y = x + 1
    return y
"""
    forward = with_text(text, managers)
    contract = contract_of(input="1 4 H 2", accepts="any size")
    found = explore_model(CheckRun.start(contract, from_instance(Model(forward))))
    assert found.covered, found.reasons
    for h in range(1, 10):
        assert found.accepts({"H": h}) is runs(forward, h), h


def test_an_index_error_ends_at_the_suppress_before():
    def fifth(x):
        with contextlib.suppress(IndexError), contextlib.nullcontext(x[:, :, 4]) as y:
            return y
        return x

    assert decided(fifth, accepts="any size").word == "proved"
    assert decided(fifth, accepts="any H >= 5").word == "proved"


@pytest.mark.parametrize("manager", ["contextlib.suppress(IndexError)", "Patient(IndexError)"])
def test_the_manager_ends_an_error_of_another_kind(manager):
    text = within(manager)
    assert decided(text, accepts="any size").word in ("broken", "error")

    def fifth(x):
        with contextlib.suppress(IndexError):
            return x[:, :, 4]
        return x

    assert decided(fifth, accepts="any size").word == "proved"


@patience()
def decorated(x):
    return x.view(1, 4, -1, 3, x.shape[3])


def test_a_manager_as_a_decorator():
    def forward(x):
        found = decorated(x)
        return x if found is None else found

    assert decided(forward, accepts="any size").word == "proved"
    assert decided(forward, accepts="any size", output="1 4 H W").word == "broken"
    assert decorated(torch.zeros(1, 4, 5, 5)) is None
