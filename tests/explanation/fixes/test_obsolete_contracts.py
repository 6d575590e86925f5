"""Contracts that state what a model accepts are restated for a model that accepts more."""

import pytest
from torch import nn

from archlint.contracts.rulefile.load import load
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.obsolete_contracts import restatable, restated, with_updates
from archlint.models.targets import ModelSource

RULES = """\
archlint: 1
models: {net: nets.py:Net}
contracts:
  - {id: one, models: net, input: N 3 H W, CLAUSE}
  - {id: two, models: net, input: N 3 H W, accepts: "any H, W >= 9"}
"""


def contract(tmp_path, clause, rules=RULES):
    file = tmp_path / "rules.archlint.yaml"
    file.write_text(rules.replace("CLAUSE", clause))
    return load(file).contracts[0]


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ('accepts: "only H == 8 and W == 8"', "only H, W >= 3"),
        ('accepts: "only H, W >= 2"', ""),  # 2 is refused now: not obsolete, but violated
        ('rejects: "any H < 8"', "any H <= 2 or H <= 7 and W <= 2"),
        ('rejects: "any H == 8 and W == 8"', ""),  # no size of it is refused any more
        ('accepts: "only H == 8 and W == 8", output: N 9', ""),  # another output
    ],
)
def test_the_clause_that_holds_for_the_fixed_model(tmp_path, clause, words):
    obsolete = contract(tmp_path, clause)
    assert restatable(obsolete)
    source = ModelSource("net", lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1)))
    assert restated(obsolete, source) == words


def test_a_contract_of_any_size_states_no_set(tmp_path):
    assert not restatable(contract(tmp_path, 'accepts: "any H, W >= 3"'))


def test_an_edit_of_the_same_file_includes_the_new_clause(tmp_path):
    obsolete = contract(tmp_path, 'accepts: "only H == 8"')
    file = tmp_path / "rules.archlint.yaml"
    before = file.read_bytes()
    edit = Edit(file, before, before.replace(b"nets.py:Net", b"{target: nets.py:Net, args: [1]}"))
    first, others = with_updates(edit, [(obsolete, "only H >= 8")])
    assert (first.before, others) == (before, ())
    assert first.after == edit.after.replace(b"only H == 8", b"only H >= 8")


def test_a_value_that_another_entry_shares_is_not_changed(tmp_path):
    rules = RULES.replace('"any H, W >= 9"', "*set")
    obsolete = contract(tmp_path, 'accepts: &set "only H == 8"', rules)
    source = Edit(tmp_path / "nets.py", b"1", b"2")
    assert with_updates(source, [(obsolete, "only H >= 8")]) is None
