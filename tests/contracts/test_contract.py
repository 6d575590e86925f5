"""Contracts: which are checked, and which need a trace."""

import pickle

import pytest

from archlint.contracts.contract import (
    ANY_SIZE,
    ANY_SIZES,
    NO_SIZE_CLAUSE,
    Contract,
    SizeClause,
    TensorInput,
)

ANY = SizeClause("any", True, "any size")


def contract(**changes):
    return Contract(**{"id": "c", "input": TensorInput((1,)), "clause": ANY, **changes})


def test_skipped_and_switched_off_contracts_are_not_enabled():
    assert contract().enabled
    assert contract(severity="warning").enabled
    assert not contract(skip="later").enabled
    assert not contract(severity="off").enabled


@pytest.mark.parametrize(
    ("changes", "needs_run"),
    [
        ({}, True),
        ({"clause": NO_SIZE_CLAUSE, "structure": {"forbids": "LSTM"}}, False),
        ({"clause": NO_SIZE_CLAUSE, "structure": {"parameters": {"at_most": 3}}}, False),
        ({"clause": NO_SIZE_CLAUSE, "structure": {"batch_preserved": True}}, True),
        ({"clause": NO_SIZE_CLAUSE, "structure": {"acme.check": 1}, "input": []}, False),
        ({"structure": {"forbids": "LSTM"}}, True),
    ],
)
def test_which_contracts_need_a_run(changes, needs_run):
    assert contract(**changes).needs_run is needs_run


def test_wildcards_keep_their_identity_in_other_processes():
    assert pickle.loads(pickle.dumps((ANY_SIZE, ANY_SIZES))) == (ANY_SIZE, ANY_SIZES)
    assert pickle.loads(pickle.dumps(ANY_SIZES)) is ANY_SIZES
