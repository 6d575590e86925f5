"""Atoms: one object each, in a fixed order; monomials as multisets of atoms."""

import copy
import itertools
import pickle
from collections import Counter

import pytest

from archlint.symbolic import Expr, atoms, evaluate, maximum, minimum, symbol, unknown
from archlint.symbolic.atom import (
    divide_monomial,
    extremum_atom,
    factor_text,
    floordiv_atom,
    symbol_atom,
    unknown_atom,
)

H, W = symbol("H"), symbol("W")
SIZES = [H, W, H // 2, (H + 3) // W, minimum(H, W), maximum(H, 7), unknown(1, 0, (H * W,))]
ATOMS = [size.terms[0][0][0] for size in SIZES]


@pytest.mark.parametrize("atom", ATOMS, ids=str)
def test_an_atom_survives_copies_and_pickles_as_itself(atom):
    assert pickle.loads(pickle.dumps(atom)) is atom
    assert copy.copy(atom) is atom
    assert copy.deepcopy([atom])[0] is atom


def test_equal_atoms_are_one_object():
    assert symbol_atom("H") is symbol_atom("H")
    assert floordiv_atom(H, 2) is floordiv_atom(symbol("H"), 2)
    kind = type(minimum(H, W).terms[0][0][0])
    assert extremum_atom(kind, (H, W)) is extremum_atom(kind, (H, W))
    assert unknown_atom(1, 0, (H,)) is unknown_atom(1, 0, (H,))
    assert unknown_atom(1, 0, (H,)) is not unknown_atom(1, 0, (W,))


def test_the_order_distinguishes_all_atoms():
    assert len({a.order for a in ATOMS}) == len(ATOMS)


def test_operands_are_the_sizes_inside():
    for atom in ATOMS:
        inside = {a for o in atom.operands() if isinstance(o, Expr) for a in atoms(o)}
        assert all(str(a) in str(atom) for a in inside)


def test_dividing_a_monomial_takes_factors_out_of_a_multiset():
    x, y, z = ATOMS[:3]
    monomials = [m for n in range(4) for m in itertools.combinations_with_replacement([x, y, z], n)]
    for monomial, divisor in itertools.product(monomials, repeat=2):
        have, take = Counter(monomial), Counter(divisor)
        rest = divide_monomial(monomial, divisor)
        if any(have[a] < n for a, n in take.items()):
            assert rest is None
        else:
            assert Counter(rest) == have - take


def test_an_unknown_has_a_value_within_its_bounds():
    for low, highs in itertools.product((None, -2, 0, 4), ((), (5,), (H,), (H, 7))):
        atom = unknown_atom(9, low, highs)
        for h in (4, 6, 9):
            value = atom.evaluate({"H": h})
            assert low is None or value >= low
            assert all(value <= evaluate(most, {"H": h}) for most in highs)
    assert unknown_atom(9, 0, (H,)).evaluate({"H": 4, "?9": 2}) == 2


@pytest.mark.parametrize("size", [*SIZES, 3, -3, H + 1, -H, 2 * H, H * W], ids=str)
def test_a_factors_text_keeps_its_value_in_a_product_and_a_quotient(size):
    names = {"ceil": None, "min": min, "max": max}
    for h, w in itertools.product((1, 4, 9), repeat=2):
        env = {"H": h, "W": w}
        if "?" in str(size):
            continue
        text = factor_text(size)
        assert eval(f"7*{text}", names, env) == 7 * evaluate(size, env)
        if evaluate(size, env):
            assert eval(f"100//{text}", names, env) == 100 // evaluate(size, env)
