"""Places in the user's source, and the edits that pool what a line flattens."""

import pytest
from torch.nn import functional

from archlint.explanation.fixes.source_edits import definition_of, flatten_spans, recompiled

POOL = "adaptive_avg_pool2d({}, 8)"


@pytest.fixture
def defined(tmp_path):
    """The definition of ``f`` in a file with this text."""

    def define(text):
        file = tmp_path / "nets.py"
        file.write_text(text)
        names = {"F": functional}
        exec(compile(text, str(file), "exec"), names)
        return definition_of(names["f"])

    return define


def edited(found, line, *pools):
    """The text after each edit that pools what a line flattens."""
    every = flatten_spans(found, line, pools or [POOL])
    return [found.source.edited(spans).after.decode() for spans in every]


def test_one_of_several_lambdas_of_a_line(defined):
    found = defined(
        "g, f, h = lambda t: t.flatten(1), lambda t: t.flatten(2), lambda t: t.relu()\n"
    )
    first, *_ = edited(found, 1)
    assert first == (
        "g, f, h = lambda t: t.flatten(1), "
        "lambda t: F.adaptive_avg_pool2d(t, 8).flatten(2), lambda t: t.relu()\n"
    )
    edit = found.source.edited(next(flatten_spans(found, 1, [POOL])))
    assert "adaptive_avg_pool2d" in recompiled(found.function, edit).co_names


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("x = x.view(len(x), -1)\n    return fc(x)", "x = F.adaptive_avg_pool2d(x, 8)\n    x = x"),
        ("return fc(x.flatten(1))", "x = F.adaptive_avg_pool2d(x, 8)\n    return fc(x.flatten(1))"),
        ("y = x.flatten(1)\n    return fc(y), x", "y = F.adaptive_avg_pool2d(x, 8).flatten(1)"),
        ("return fc(x.flatten(1)) + x.mean()", "fc(F.adaptive_avg_pool2d(x, 8).flatten(1)) + x"),
    ],
)
def test_a_tensor_that_is_read_again_stays_as_it_is(defined, lines, words):
    first, *_ = edited(defined(f"def f(x, fc=None):\n    {lines}\n"), 2)
    assert words in first


def test_a_pool_for_each_tensor_of_a_line(defined):
    found = defined("def f(a, b):\n    return g(a.flatten(1), b.flatten(1))\n")
    (text,) = edited(found, 2, POOL, POOL.replace("8", "4"))
    assert "g(F.adaptive_avg_pool2d(a, 8).flatten(1), F.adaptive_avg_pool2d(b, 4)" in text
    assert edited(found, 2, POOL, POOL, POOL) == []
