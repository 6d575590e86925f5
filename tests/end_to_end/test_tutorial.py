"""docs/tutorial.md is what happens. ``ARCHLINT_RECORD=1`` records it anew."""

import os
import re
import shutil
from importlib.util import find_spec

import pytest

from tests import REPO
from tests.support.pages import STEP, comparable, environment, followed

PAGE = REPO / "docs" / "tutorial.md"
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    for program in ("pre_commit", "pip", "setuptools"):
        if find_spec(program) is None:
            pytest.skip(f"{program} is not installed")
    if not shutil.which("git"):
        pytest.skip("git is not there")
    return environment(tmp_path_factory.mktemp("home"))  # with today's date, as a reader has it


@pytest.mark.slow
def test_the_page(shell, tmp_path):
    page = PAGE.read_text()
    folder = tmp_path / "photos"
    folder.mkdir()
    now = followed(page, folder, shell)
    assert str(tmp_path) not in now
    assert shell["HOME"] not in now
    if RECORD and comparable(now) != comparable(page):
        PAGE.write_text(now)
    elif not RECORD:
        assert comparable(now) == comparable(page)
    told = [found["console"] for found in STEP.finditer(now) if found["console"]]
    init, check, commit, broken, waived, expired, _, pack, install, small, kept = told
    assert "3 contracts" in init
    assert "3 proved" in check
    assert re.search(r"archlint\.+Passed", commit)
    assert re.search(r"archlint\.+Failed", broken)
    assert "BROKEN  any-photo · tagger" in broken
    assert "1 broken (waived)" in waived
    assert "expired" in expired
    assert "all passed" in pack
    assert install.endswith("photo.yaml\n")
    assert "BROKEN" in small
    assert "1 proved" in kept
