"""All that code can ask of a tensor has an answer, and each answer is that of a real tensor."""

from __future__ import annotations

import itertools
import os
import textwrap

import pytest
import torch

from archlint.tracing.signals import UnknownOutcome
from tests import REPO
from tests.support.asked_tensors import (
    ANSWERS,
    REFUSED,
    ask,
    attempts,
    first_that_runs,
    functions,
    short,
    table_of,
)
from tests.support.compared_tensors import Answer, answers, differs, real_answer

HERE, ELSEWHERE = (2, 4, 5), (3, 7, 8)
NEEDS_A_CALL = ("kernel", "indices", "code")
DECIDED_BY_VALUES = ("torch.nn.functional.gaussian_nll_loss",)  # a refusal: both are followed
NONE = {name for names in REFUSED.values() for name in names.split()}

FUNCTIONS = functions()
TABLES = {name: table_of(function) for name, function in FUNCTIONS.items()}
NO_ANSWER = {
    name
    for name, table in TABLES.items()
    if table in ("kernel", "indices")
    and short(name) in NONE
    and not first_that_runs(name, FUNCTIONS[name])
}
ASKED = [n for n, table in TABLES.items() if table in NEEDS_A_CALL and n not in NO_ANSWER]


@pytest.fixture(scope="module")
def calls() -> dict[str, str]:
    torch.manual_seed(0)
    return {name: first_that_runs(name, FUNCTIONS[name]) for name in ASKED}


@pytest.fixture(scope="module")
def answered(calls: dict[str, str]) -> dict[str, Answer]:
    known = [name for name in ASKED if calls[name]]
    return answers(lambda name, x: ask(calls[name], x), known, HERE, ELSEWHERE)


def word(name: str, answered: dict[str, Answer]) -> str:
    """How a function is answered, in a word of ``ANSWERS``."""
    if TABLES[name] not in NEEDS_A_CALL:
        return TABLES[name]
    if name in NO_ANSWER:
        return "refused"
    answer = answered[name]
    if isinstance(answer.value, UnknownOutcome):
        return "unknown"
    return TABLES[name] if answer.holds_there else "branch"


def test_every_function_has_an_answer(calls):
    assert [name for name, code in calls.items() if not code] == []


def new_function(x):
    """What a new version of PyTorch may have."""


new_function.__module__ = "torch"


@pytest.mark.parametrize("name", ["set_anew", "scaled_anew", "anew", "anew_"])
def test_a_new_function_needs_an_answer(monkeypatch, name):
    monkeypatch.setattr(torch, name, new_function, raising=False)
    monkeypatch.setattr(torch.Tensor, name, new_function, raising=False)
    found = functions()
    for full in (f"torch.{name}", f"torch.Tensor.{name}"):
        assert table_of(found[full]) == "kernel"
    assert first_that_runs(f"torch.Tensor.{name}", new_function) == ""


def test_an_answer_is_that_of_a_real_tensor_at_all_sizes_of_its_path(calls, answered):
    found = {}
    for name, answer in answered.items():
        pairs = [(answer.value, HERE)]
        pairs += [(answer.elsewhere, ELSEWHERE)] if answer.holds_there else []
        for value, sizes in pairs:
            real = real_answer(lambda name, x: ask(calls[name], x), name, sizes)
            if differs(value, real) and name not in DECIDED_BY_VALUES:
                found[calls[name]] = sizes, value, real
    assert found == {}


def test_what_no_tensor_answers_is_not_answered():
    tried = {
        code: None for n in NO_ANSWER for code in itertools.islice(attempts(n, FUNCTIONS[n]), 3)
    }
    given = answers(ask_quietly, tried, HERE, HERE)
    assert {
        code: answer.value
        for code, answer in given.items()
        if not isinstance(answer.value, (Exception, UnknownOutcome))
    } == {}


def ask_quietly(code: str, x: torch.Tensor) -> object:
    return ask(code, x)


def test_most_are_exact(answered):
    unknown = [name for name in TABLES if word(name, answered) == "unknown"]
    assert len(unknown) < len(TABLES) / 10


HEAD = """# What Python code can ask of a tensor

PyTorch's functions, and all members of `torch.Tensor`, by how a symbolic tensor answers. This page
is made by `tests/end_to_end/test_asked_tensors.py`, which calls what only a kernel answers on a
symbolic and on a real tensor. It is of PyTorch {version}; the test runs with each version.
[What code can ask of a size](asked.md) is another page.

"""


def page(answered: dict[str, Answer]) -> str:
    """The page of the documentation."""
    version = ".".join(torch.__version__.split(".")[:2])
    lines = [HEAD.format(version=version)]
    words = {name: word(name, answered) for name in TABLES}
    for answer, meaning in ANSWERS.items():
        names = sorted({short(n) for n, w in words.items() if w == answer})
        count = "1 function" if len(names) == 1 else f"{len(names)} functions"
        lines.append(f"## {answer.capitalize()}\n\n{count}: {meaning}.\n")
        groups = {"": names}
        if answer == "refused":
            groups = {f"{why}: ": ns.split() for why, ns in REFUSED.items()}
        for why, group in groups.items():
            shown = " ".join(f"`{n}`" for n in group if n in names)
            lines.append(textwrap.fill(why + shown, 110, break_on_hyphens=False) + "\n")
    return "\n".join(lines)


def test_the_page_lists_them(answered):
    file = REPO / "docs" / "asked-tensors.md"
    made = page(answered)
    if os.environ.get("ARCHLINT_RECORD"):
        file.write_text(made, encoding="utf-8")
    text = file.read_text(encoding="utf-8")
    if f"PyTorch {'.'.join(torch.__version__.split('.')[:2])};" in text:
        how = "ARCHLINT_RECORD=1 pytest tests/end_to_end/test_asked_tensors.py"
        assert text == made, how
