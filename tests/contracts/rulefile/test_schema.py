"""The schema of rule files: every key is described for editors."""

from typing import get_args

import pytest

from archlint.contracts.rulefile.pack_schema import PackEntry
from archlint.contracts.rulefile.schema import ArtifactEntry, OverrideEntry, RuleFileEntry
from archlint.engine.artifact.runtimes import PACKAGES


@pytest.mark.parametrize("entry", [RuleFileEntry, PackEntry])
def test_every_key_is_described(entry):
    schema = entry.model_json_schema()
    entries = [schema, *schema["$defs"].values()]
    fields = [(n, f) for e in entries for n, f in e.get("properties", {}).items()]
    assert len(fields) > 10
    assert [name for name, field in fields if not field.get("description")] == []


def test_a_bare_off_is_a_severity():
    assert OverrideEntry.model_validate({"severity": False, "reason": "x"}).severity == "off"


def test_the_runtimes_are_those_that_can_run():
    """The schema names them in a type, which cannot be made of the table."""
    stated = get_args(ArtifactEntry.model_fields["runtime"].annotation)
    assert stated == tuple(PACKAGES)
