"""Every message of the product uses the words of the field, and is a plain sentence.

A message is a text with a space in the source that is not a docstring: texts of exceptions,
verdicts, reports, help and generated files. A formatted text is one message, its values are ``…``.
"""

import ast
import re

import pytest

from tests import REPO

WORDS = {
    "a contract": r"promis\w*",
    "a violation": r"breach\w*",
    "a fix": r"mended|mends?",
    "ignored": r"forgiv\w*|lift(?:s|ed)?|is believed|(?:is|are) not believed",
    "check, prove, determine": r"undecided|decid(?:e|es|ed|ing)",
    "compared, queried, reported, stated, default": r"heard?|hears|asked|told|said|given",
    "depends on": r"rests? on",
    "a path": r"ways?",
    "unused, again, so that": r"in vain|anew|lest|for want of|whilst|hence|thus",
    "actually": r"in truth|the truth",
    "without metaphors": r"rooms?|house|guests?|doors?",
    "not a": r"(?<!there )(?:is|are|was) no (?!longer|later)\w+",
    "smaller by": r"(?:fewer|more) weights",
    "instead of": r"in (?:the place|lieu) of",
}
"""What to write, by the words that are not used instead."""

PYTHONS = ("Cannot choose from an empty sequence", "[…, …], but got …)")
"""Errors that Python and PyTorch raise with these words, and archlint in their place."""

FORBIDDEN = {meant: re.compile(rf"\b(?:{words})\b") for meant, words in WORDS.items()}
SOURCES = [
    f for top in ("archlint", "pytest_archlint", "rules") for f in (REPO / top).rglob("*.py")
]


def messages(source):
    """Each text of a source that may reach a user, with its line."""
    tree = ast.parse(source)
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(node.value)  # a docstring
        if isinstance(node, ast.JoinedStr):
            inner.update(part for part in node.values if isinstance(part, ast.Constant))
            parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            yield node.lineno, node.value


def misused(text):
    """The words of a message that are not used, each with what to write."""
    return [
        f"{found[0]!r}: write {meant!r}"
        for meant, pattern in FORBIDDEN.items()
        for found in pattern.finditer(text)
    ]


def test_the_words_of_all_messages():
    count, wrong = 0, []
    for file in SOURCES:
        for line, text in messages(file.read_text(encoding="utf-8")):
            if " " not in text.strip():
                continue
            count += 1
            wrong += [
                f"{file.relative_to(REPO)}:{line}: {w} in {text!r:.100}" for w in misused(text)
            ]
    assert not wrong, "\n".join(wrong)
    assert count > 1500  # the texts are seen at all


def test_the_form_of_errors():
    """Errors begin in lower case, as Python's and PyTorch's do, and end without a full stop."""
    wrong = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                _, text = next(messages(ast.unparse(node.exc.args[0])), (0, ""))
                if re.match("[A-Z][a-z]+ [a-z]", text) or text.endswith("."):
                    wrong.append(f"{file.relative_to(REPO)}:{node.lineno}: {text}")
    assert [w for w in wrong if not w.endswith(PYTHONS)] == []


VERB = re.compile(
    r"\b(is|are|has|have|may|determines?|depends?|gives?|goes|calls|writes|refuses|raises|chooses)\b"
)
REASONS = {"UnknownOutcome", "unknown_outcome", "unproved"}
AFTER_A_VERB = ("… whether this holds: …", "… a number that the model computes with")
"""What follows "values (…) determine"."""


def test_reasons_are_sentences():
    """What stands behind ``not proved`` says what happens: no clause such as "how it lies"."""
    wrong, count = [], 0
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = name.id if isinstance(name, ast.Name) else name
            _, text = next(messages(ast.unparse(node.args[0])), (0, ""))
            if name in REASONS and len(re.findall(r"[a-z]{2,}", text)) > 1:
                count += 1
                if not VERB.search(text) and text not in AFTER_A_VERB:
                    wrong.append(f"{file.relative_to(REPO)}:{node.lineno}: {text}")
    assert wrong == []
    assert count > 30


def test_the_words_of_the_action_and_the_hooks():
    for name in ("action.yml", ".pre-commit-hooks.yaml"):
        assert misused((REPO / name).read_text(encoding="utf-8")) == [], name


@pytest.mark.parametrize(
    "text",
    [
        "the promise does not hold", "a waiver in vain", "values decide the path", "it was told so",
        "the layer is no tensor", "no size is given", "393,216 weights more weights", "a way out",
    ],
)  # fmt: skip
def test_a_misused_word_is_seen(text):
    assert misused(text)


@pytest.mark.parametrize(
    "text", ["there is no file", "the contract is no longer checked", "always", "the default"]
)
def test_a_plain_sentence(text):
    assert not misused(text)


def test_what_a_message_is():
    source = (
        '"""A docstring."""\ndef f(x):\n    """Another."""\n    raise E(f"found {x} here" "!")\n'
    )
    assert list(messages(source)) == [(4, "found … here!")]
    assert list(messages("a = 'plain text'")) == [(1, "plain text")]
