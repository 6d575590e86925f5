"""Substitution against evaluation in two steps."""

from hypothesis import assume, given, settings

from archlint.symbolic import (
    Symbol,
    atoms,
    evaluate,
    from_atom,
    map_atoms,
    minimum,
    substitute,
    with_operands,
)
from tests.support.sizes import POINTS, SYMBOLS, normal, trees, value

H, W, N = SYMBOLS.values()


@settings(max_examples=150)
@given(trees(leaves=6), trees(leaves=4), trees(leaves=4))
def test_substitution_is_evaluation_with_sizes(tree, h, w):
    expr, values = normal(tree), {"H": normal(h), "W": normal(w)}
    try:
        replaced = substitute(expr, values)
    except ZeroDivisionError:
        assume(False)
    for env in POINTS:
        inner = {"N": env["N"], "H": value(h, env), "W": value(w, env)}
        if None not in inner.values() and value(tree, inner) is not None:
            assert evaluate(replaced, env) == value(tree, inner), env


@settings(max_examples=150)
@given(trees(leaves=10))
def test_every_atom_is_its_kind_applied_to_its_operands(tree):
    expr = normal(tree)
    for atom in atoms(expr):
        assert with_operands(atom, atom.operands()) is from_atom(atom)
    assert map_atoms(expr, from_atom) == expr


def test_symbols_that_are_not_replaced_stay():
    assert substitute(H // 2 + W, {"W": 3}) is H // 2 + 3
    assert substitute(5, {"H": 3}) == 5
    assert substitute(minimum(H, W) * N, {"H": W, "N": 2}) is 2 * W


def test_atoms_are_replaced_at_the_top_only():
    def to_3(atom):
        return 3 if isinstance(atom, Symbol) else from_atom(atom)

    assert map_atoms(H * (W // 2) + N, to_3) is 3 * (W // 2) + 3
