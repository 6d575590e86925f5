"""Disks that are full, folders that cannot be written, and clocks that are wrong."""

import json
import os
import resource
import subprocess
import sys
import time

import pytest

from archlint.runner.cache import store
from tests import REPO

RULES = "archlint: 1\ncontracts:\n  a: [proved, broken]\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "archlint.yaml").write_text(RULES)
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def check(project, *options, size=None, **settings):
    """``archlint check`` on stub contracts; ``size``: bytes that it may write to a file."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "-m", "tests.support.stub_cli", "check", *options],
        cwd=project, text=True, timeout=100, preexec_fn=limit if size is not None else None,
        env=os.environ | {"PYTHONPATH": str(REPO)}, **{"capture_output": True, **settings},
    )  # fmt: skip


def test_a_full_disk_below_stdout(project):
    with open("/dev/full", "w") as full:
        done = check(project, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (done.returncode, done.stderr) == (2, "Error: No space left on device\n")


def test_a_full_disk_below_both(project):
    with open("/dev/full", "w") as full:
        done = check(project, stdout=full, stderr=full, capture_output=False)
    assert done.returncode == 2  # never 1, which means that a contract is broken


@pytest.mark.parametrize("format_", ["json", "jsonl", "html"])
def test_a_full_disk_below_a_report(project, format_):
    done = check(project, f"--output={format_}=/dev/full")
    assert done.returncode == 2
    assert "/dev/full cannot be written: No space left on device" in done.stderr
    if format_ != "jsonl":  # which is written during the run
        assert "1 proved, 1 broken" in done.stdout


def test_files_that_cannot_grow_cost_no_verdict(project):
    """The cache, the log of a crash and the temporary files are empty, and the verdicts right."""
    done = check(project, "--format=json", size=0)
    assert done.stderr == ""
    assert [v["verdict"] for v in json.loads(done.stdout)["verdicts"]] == ["proved", "broken"]
    assert list((project / store.NAME).rglob("*.json")) == []


def as_another_user(function):
    """Whether the function raises nothing in a process of a user without rights."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            function()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs another user")
@pytest.mark.parametrize("mode", [0o500, 0o555, 0o755, 0o777])
def test_a_cache_folder_of_another_user(tmp_path, mode):
    root = tmp_path / "project"
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    root.mkdir()
    store.write(root, "verdicts", "known", {"word": "proved"})
    folders = (root / store.NAME, root / store.NAME / "verdicts")
    for folder in folders:
        folder.chmod(mode)

    def use():
        assert store.read(root, "verdicts", "known") in (None, {"word": "proved"})
        store.write(root, "verdicts", "new", {"word": "broken"})
        assert store.read(root, "verdicts", "new") in (None, {"word": "broken"})
        store.prune(root)

    assert as_another_user(use)
    for folder in folders:
        folder.chmod(0o755)
    assert store.read(root, "verdicts", "known") == {"word": "proved"}
    assert store.read(root, "verdicts", "new") in (None, {"word": "broken"})


@pytest.mark.parametrize("years", [-40, 40])
def test_a_clock_that_is_wrong(tmp_path, years):
    """The age of an entry decides only when it is removed, never whether it is valid."""
    store.write(tmp_path, "verdicts", "key", {"word": "proved"})
    (entry,) = (tmp_path / store.NAME).rglob("*.json")
    at = time.time() + years * 365 * 86400
    os.utime(entry, (at, at))
    assert store.read(tmp_path, "verdicts", "key") == {"word": "proved"}
    store.prune(tmp_path)
    assert store.read(tmp_path, "verdicts", "key") == {"word": "proved"}
