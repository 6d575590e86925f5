"""A walked path: what it records, and what it does not ask twice."""

import pytest

from archlint.ops.registry import ElementFacts, Refused, TensorSpec
from archlint.symbolic import ceildiv, symbol
from archlint.symbolic.formula import conj, disj, eq, ge, gt, holds, le, lt, ne, negate
from archlint.symbolic.intervals import Box
from archlint.tracing.events import Event
from archlint.tracing.path import TracedPath

H, W = symbol("H"), symbol("W")
ENV = {"H": 32, "W": 48}


@pytest.fixture
def path():
    return TracedPath(ENV, Box({"H": (1, None), "W": (32, None)}))


def recorded(path):
    return [(e.kind, str(e.formula), e.held) for e in path.events]


def test_a_branch_is_written_so_that_it_is_true_here(path):
    assert path.branch(ge(H, 32)) is True
    assert path.branch(ge(H, 64)) is False
    assert recorded(path) == [("branch", "H >= 32", True), ("branch", "H <= 63", True)]
    assert all(holds(e.formula, ENV) for e in path.events)


def test_nothing_is_asked_twice(path):
    for _ in range(2):
        assert path.branch(eq(H % 2, 0)) is True
        assert path.branch(ne(H % 2, 0)) is False
    assert len(path.events) == 1


def test_what_the_box_knows_is_no_question(path):
    assert path.branch(ge(H, 1)) is True
    assert path.branch(ge(W, 32)) is True
    assert path.branch(lt(W, 32)) is False
    assert path.branch(eq(H % 7, 7)) is False
    assert path.known(ge(H, 2)) is None
    path.claim(ge(W, 7), "never said")
    assert path.events == []


def test_one_dimension_and_several():
    def needs(*numbers):
        text = "a target of {} dimensions, gets {}"
        return Event("claim", False, False, text, numbers, 0).needs()

    assert needs(2, 1) == "a target of 2 dimensions, gets 1"
    assert needs(1, 11) == "a target of 1 dimension, gets 11"
    assert needs(11, 1) == "a target of 11 dimensions, gets 1"
    assert needs(H - 1, 1) == "a target of H-1 dimensions, gets 1"


def test_a_claim_that_holds_here(path):
    path.claim(eq(H % 32, 0), "{} divisible by {}", H, 32)
    (event,) = path.events
    assert (event.kind, event.held) == ("claim", True)
    assert event.needs() == "H divisible by 32"
    assert event.gets({"H": 33}) == "33 divisible by 32"
    path.claim(eq(H % 32, 0), "again")
    assert path.branch(eq(H % 32, 0)) is True
    assert len(path.events) == 1


def test_a_claim_that_fails_here_refuses(path):
    with pytest.raises(Refused, match="needs H >= 64"):
        path.claim(ge(H, 64), "needs {} >= {}", H, 64)
    assert recorded(path) == [("claim", "H >= 64", False)]


def test_a_claim_that_fails_everywhere_refuses_everything(path):
    with pytest.raises(Refused):
        path.claim(False, "never")
    with pytest.raises(Refused):
        path.claim(le(W, 31), "out of the box")
    assert recorded(path) == [("claim", "False", False)] * 2


def test_a_claim_that_a_branch_denied(path):
    assert path.branch(ge(H, 64)) is False
    with pytest.raises(Refused):
        path.claim(ge(H, 64), "needs")
    refused = path.events[-1]
    assert not refused.held
    assert not holds(refused.formula, ENV)


def test_a_branch_after_a_refused_claim(path):
    with pytest.raises(Refused):
        path.claim(ge(H, 64), "needs")
    assert path.branch(ge(H, 64)) is False
    assert len(path.events) == 1


def test_claims_and_branches_carry_the_call_that_asked(path):
    path.calls = 3
    path.branch(ge(H, 2))
    assert path.events[0].call == 2


def test_a_kernels_check(path):
    assert path.check(ge(H, 32)) is True
    assert path.check(conj(ge(H, 64), ge(W, 64))) is False
    assert path.check(True) is True
    assert path.check(False) is False
    assert [e.kind for e in path.events] == ["claim"] * 3
    assert "H >= 32" in path.events[0].needs()


def test_pin(path):
    assert path.pin(7) == 7
    assert path.pin(H // 7) == 4
    assert recorded(path) == [("branch", "H >= 28 and H <= 34", True)]
    assert path.pin(H) == 32
    assert path.pin(H) == 32
    assert len(path.events) == 2


def test_pin_of_what_the_box_settles():
    path = TracedPath({"H": 5}, Box({"H": (5, 5)}))
    assert path.pin(H + 2) == 7
    assert path.events == []


def test_caveats_are_said_once(path):
    path.unproved("values of x")
    path.unproved("values of x")
    assert path.caveats == ["values of x"]


def test_the_opposite_is_learned(path):
    formula = gt(H * W, 100)
    path.branch(formula)
    assert path.known(formula) is True
    assert path.known(negate(formula)) is False


def test_an_equation_answers_what_follows_from_it(path):
    path.claim(eq(H, 16 * (H // 16)), "{} on the grid", H)
    path.claim(eq(4 * (H // 16), H // 4), "said by the first")
    assert path.known(eq(H % 8, 0)) is True
    assert path.simplified((64 * W * H) // (4 * H)) is 16 * W
    assert len(path.events) == 1


def test_what_is_at_least_0_and_never_more_is_0(path):
    path.env["H"] = 56
    assert path.branch(ge((H + 7) // 8, 7 * ((H + 55) // 56))) is True
    assert path.known(eq((H + 7) // 8, 7 * ((H + 55) // 56))) is True
    assert path.simplified((49 * W * ((H + 55) // 56)) // ((H + 7) // 8)) is 7 * W


def test_a_bound_narrows_what_comes_after_it(path):
    path.claim(ge(H, 17), "at least 17")
    path.claim(ge(H // 2, 8), "said by the first")
    assert path.known(ge(H, 16)) is True
    assert path.known(ge(H, 18)) is None
    assert path.known(le(H * W, 16)) is False
    assert len(path.events) == 1


def test_only_what_is_open_is_recorded(path):
    path.branch(ge(H, 20))
    path.claim(disj(le(H, 5), eq(H, 32)), "32 or small")
    assert recorded(path)[-1] == ("claim", "H == 32", True)


def test_parts_of_an_and_are_known_one_by_one(path):
    path.branch(conj(ge(H, 20), eq(W % 3, 0)))
    assert path.known(eq(W % 3, 0)) is True
    assert path.known(disj(eq(W % 3, 0), eq(H, 5))) is True


def test_a_product_that_is_not_0_says_it_of_each_factor(path):
    path.claim(ne((H // 16) * (W // 16), 0), "{} elements", H * W)
    assert recorded(path) == [("claim", "H >= 16", True)]


def test_parts_that_are_open_may_leave_no_question_together():
    path = TracedPath(ENV, Box({"H": (1, None), "W": (1, None)}))
    several = ge(ceildiv(H, 32) * ceildiv(W, 32), 2)
    always = disj(several, conj(ge(W, 1), le(W, 32)))
    assert path.branch(always) is True
    path.claim(always, "{} places", W)
    assert path.events == []


def test_what_is_supposed_is_no_question_and_leaves_no_event(path):
    path.suppose(conj(eq(H % 16, 0), le(W, 100)))
    assert path.branch(eq(H % 4, 0)) is True
    assert path.branch(gt(W, 128)) is False
    path.claim(eq(H, 16 * (H // 16)), "needs a multiple of 16")
    assert path.known(eq(ceildiv(H, 16), H // 16)) is True
    assert path.events == []
    assert path.branch(ge(W, 64)) is False
    assert recorded(path) == [("branch", "W <= 63", True)]


def test_a_product_that_a_number_divides_is_one_claim_and_known_from_then_on():
    path = TracedPath({"N": 1, "H": 32, "W": 32}, Box(dict.fromkeys("NHW", (1, None))))
    n, h, w = map(symbol, "NHW")
    divisible = eq((16 * n * (h // 4 - 3) * (w // 4 - 3)) % 400, 0)
    for _ in range(2):
        path.claim(divisible, "{} elements divisible by 400", 16 * n)
    assert [str(e.formula) for e in path.events] == ["(N*(H//4-3)*(W//4-3)) % 25 == 0"]
    assert path.known(divisible) is True


def test_a_tensor_whose_sizes_are_simplified_stays_what_it_was(path):
    assert path.branch(eq(H % 4, 0))
    spec = TensorSpec(((64 * W * H) // (4 * H), W), values=(0, W))
    spec.loose, spec.elements = True, ElementFacts(descending=True)
    simpler = path.simplest(spec)
    assert simpler.dims == (16 * W, W)
    assert (simpler.values, simpler.loose, simpler.elements) == ((0, W), True, spec.elements)
