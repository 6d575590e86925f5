"""What a rule asked and returned is remembered for equal arguments, and only then.

That all rules agree with their memory is part of the oracle: ``tests/ops/oracle.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archlint.ops.registry import ElementFacts, Refused, TensorSpec
from archlint.ops.rule_answers import (
    NotRemembered,
    computed,
    key_of_spec,
    key_of_value,
    remembered,
)
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq, ge
from tests.ops.oracle import HintPath

H, W = symbol("H"), symbol("W")


def ask(rule: Any, key: object, **sizes: int) -> tuple[Any, HintPath]:
    """What the rule gives for a tensor of ``H W`` at these sizes, and the path of that call."""
    path = HintPath(sizes)
    spec = TensorSpec((H, W))
    try:
        return remembered(key, path), path
    except NotRemembered:
        path = HintPath(sizes)
        return computed(key, rule, path, [spec], {}), path


class Halved:
    """A rule that claims, branches, and counts how often it runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, path: Any, input: TensorSpec) -> TensorSpec:
        self.runs += 1
        h, w = input.dims
        path.claim(ge(h, 2), "height {} >= 2", h)
        if path.branch(eq(w, 1)):
            return input.like((h,))
        return input.like((h // 2, w))


def test_a_rule_runs_once_for_each_way_that_its_questions_are_answered():
    rule, key = Halved(), object()
    for sizes in ({"H": 4, "W": 1}, {"H": 6, "W": 1}, {"H": 4, "W": 5}, {"H": 9, "W": 2}) * 2:
        result, path = ask(rule, key, **sizes)
        assert result.dims == ((H,) if sizes["W"] == 1 else (H // 2, W))
        assert [kind for kind, _, _ in path.events] == ["claim", "branch"]
    assert rule.runs == 2


def test_a_claim_that_does_not_hold_raises_as_the_rule_does():
    rule, key = Halved(), object()
    ask(rule, key, H=4, W=1)
    for _ in range(2):
        with pytest.raises(Refused, match="height H >= 2"):
            ask(rule, key, H=1, W=1)


def test_each_call_has_a_tensor_of_its_own():
    rule, key = Halved(), object()
    (one, _), (other, _) = ask(rule, key, H=4, W=1), ask(rule, key, H=4, W=1)
    one.loose, one.origin = True, object()
    assert other is not one
    assert not other.loose
    assert ask(rule, key, H=4, W=1)[0].origin is None


def counted(path: Any, input: TensorSpec) -> TensorSpec:
    return input.like((path.unknown("counted", 0, H),))


def itself(path: Any, input: TensorSpec) -> TensorSpec:
    return input


def nested(path: Any, input: TensorSpec) -> list[TensorSpec]:
    return [input.like((H,)), input]


def ones(path: Any, input: TensorSpec) -> TensorSpec:
    made = input.like((H,))
    made.elements = ElementFacts(ones=H)
    return made


def caught(path: Any, input: TensorSpec) -> TensorSpec:
    try:
        path.claim(ge(H, 5), "height {} >= 5", H)
    except Refused:
        return input.like((H,))
    return input


def doubtful(path: Any, input: TensorSpec) -> TensorSpec:
    path.unproved("its values are not known")
    return input.like((H,))


class Numbered(HintPath):
    def unknown(self, made_by: str, low: Any, *most: Any) -> Any:
        return symbol(f"made{len(self.caveats)}")


@pytest.mark.parametrize("rule", [counted, itself, nested, ones, caught, doubtful])
def test_what_belongs_to_one_call_is_not_remembered(rule):
    key = object()
    computed(key, rule, Numbered({"H": 4, "W": 4}), [TensorSpec((H, W))], {})
    with pytest.raises(NotRemembered):
        remembered(key, HintPath({"H": 4, "W": 4}))


def test_attributes_of_the_path_are_questions_too():
    class Loops(HintPath):
        follows_loops = False
        before_number: Any = None

    def rule(path: Any, input: TensorSpec) -> TensorSpec:
        many = getattr(path, "follows_loops", True)
        if getattr(path, "before_number", None) is not None:
            path.before_number()
        return input.like((H,) if many else (W,))

    sizes, key = {"H": 4, "W": 4}, object()
    plain, spec = Loops(sizes), TensorSpec((H, W))
    assert computed(key, rule, plain, [spec], {}).dims == (W,)
    assert remembered(key, plain).dims == (W,)
    with pytest.raises(NotRemembered):  # a path without the attribute
        remembered(key, HintPath(sizes))
    plain.before_number = lambda: None
    with pytest.raises(NotRemembered):
        remembered(key, plain)
    computed(key, rule, plain, [spec], {})
    with pytest.raises(NotRemembered):  # it was called, which may do anything
        remembered(key, plain)


def test_a_rule_that_asks_otherwise_for_equal_arguments_is_told():
    asks = [True, False]

    def rule(path: Any, input: TensorSpec) -> TensorSpec:
        if asks.pop():
            path.claim(ge(H, 2), "height {} >= 2", H)
        return input.like((H,))

    key, spec = object(), TensorSpec((H, W))
    computed(key, rule, HintPath({"H": 4, "W": 4}), [spec], {})
    with pytest.raises(AssertionError, match="depends on more than"):
        computed(key, rule, HintPath({"H": 4, "W": 4}), [spec], {})


def test_values_that_a_rule_could_tell_apart_have_different_keys():
    values = [1, True, 1.0, 0, False, 0.0, -0.0, "1", "True", None, "None", H, torch.float32]
    keys = [key_of_value(v) for v in values]
    assert None not in keys
    assert len(set(keys)) == len(values)
    assert key_of_value(object()) is None


def test_specs_that_a_rule_could_tell_apart_have_different_keys():
    specs = [
        TensorSpec((H, W)),
        TensorSpec((W, H)),
        TensorSpec((H, W), torch.int64),
        TensorSpec((H, W), strides=(1, H)),
        TensorSpec((H, W), values=(0, H)),
        TensorSpec((H, W), device=torch.device("meta")),
    ]
    loose, conjugate = TensorSpec((H, W)), TensorSpec((H, W))
    loose.loose, conjugate.conjugate = True, True
    keys = [key_of_spec(s) for s in (*specs, loose, conjugate)]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    known = TensorSpec((H, W))
    known.elements = ElementFacts(ones=H)
    assert key_of_spec(known) is None
