"""The environment variables, read, compared and put back at once."""

from __future__ import annotations

import os

from archlint.runtime.environment import (
    change_variables,
    set_variables,
    variables,
)

NAME, OTHER = "ARCHLINT_TEST_ONE", "ARCHLINT_TEST_OTHER"


def test_what_was_set_deleted_or_changed_is_put_back(monkeypatch):
    monkeypatch.setenv(NAME, "0")
    monkeypatch.setenv(OTHER, "0")
    before = variables()
    assert variables() == before
    for change in ({NAME: "1"}, {"ARCHLINT_TEST_NEW": "ä"}):
        os.environ.update(change)
        assert variables() != before
        set_variables(before)
        assert variables() == before
    del os.environ[OTHER]
    assert variables() != before
    set_variables(before)
    assert (os.environ[NAME], os.environ[OTHER]) == ("0", "0")
    assert "ARCHLINT_TEST_NEW" not in os.environ


def test_changes_are_made(monkeypatch):
    monkeypatch.setenv(NAME, "0")
    monkeypatch.setenv(OTHER, "0")
    before = variables()
    os.environ[NAME] = "1"
    new = {name: value for name, value in variables().items() if before[name] != value}
    set_variables(before)
    gone = {name for name in before if name in (OTHER, os.fsencode(OTHER))}
    change_variables(new, {*gone, *gone})
    assert os.environ[NAME] == "1"
    assert OTHER not in os.environ
    set_variables(before)
