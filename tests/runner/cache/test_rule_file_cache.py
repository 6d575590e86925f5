"""Rule files that are read from the cache."""

import os
import time

from archlint.contracts.rulefile.load import load
from archlint.runner.cache import rule_file_cache as rules
from archlint.runner.cache import store
from tests.support.cached_verdicts import RULE_FILES


def test_a_rule_file_that_just_changed_is_read_again_the_next_time(tmp_path):
    """It might change once more within the clock's tick, while it is read."""
    file = tmp_path / "archlint.yaml"
    file.write_text(RULE_FILES[0].read_text())
    future = time.time() + 60
    os.utime(file, (future, future))
    rules.load(file)
    assert not (tmp_path / store.NAME / "rules").exists()
    os.utime(file, (1, 1))
    assert rules.load(file) == rules.load(file) == load(file)
    assert len(list((tmp_path / store.NAME / "rules").iterdir())) == 1
