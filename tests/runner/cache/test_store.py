"""Entries of the cache are whole or nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from archlint.runner.cache import store
from archlint.runner.cache.codec import encode
from tests import REPO
from tests.support.cached_verdicts import BROKEN, entry_file


def test_an_entry_is_what_was_written(tmp_path):
    assert store.read(tmp_path, "verdicts", "k") is None
    store.write(tmp_path, "verdicts", "k", {"a": [1, "×"]})
    assert store.read(tmp_path, "verdicts", "k") == {"a": [1, "×"]}
    store.write(tmp_path, "verdicts", "k", "new")
    assert store.read(tmp_path, "verdicts", "k") == "new"
    assert store.read(tmp_path, "rules", "k") is None
    json.loads(entry_file(tmp_path).read_text())


def damaged():
    """Ways to damage the text of an entry."""
    yield "empty", lambda t: ""
    yield "no JSON", lambda t: "not at all"
    yield "another word", lambda t: t.replace("broken", "proved")
    yield "one digit", lambda t: t.replace("0.5", "0.6")
    yield "another checksum", lambda t: t.replace(t[12:20], "00000000")
    yield "more at the end", lambda t: t + " "
    yield "pretty", lambda t: json.dumps(json.loads(t), indent=2)
    yield "two", lambda t: t + t
    yield "another key", lambda t: framed(t, key="other")
    yield "another kind", lambda t: framed(t, kind="rules")
    yield "no entry", lambda t: store._framed("[]")
    yield "nested deep", lambda t: store._framed("[" * 100_000 + "]" * 100_000)


def framed(text, **changes):
    entry = json.loads(text)["entry"]
    return store._framed(json.dumps(entry | changes))


@pytest.mark.parametrize("change", [pytest.param(c, id=name) for name, c in damaged()])
def test_a_damaged_entry_is_as_good_as_none(tmp_path, change):
    store.write(tmp_path, "verdicts", "k", encode(BROKEN))
    path = entry_file(tmp_path)
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    assert store.read(tmp_path, "verdicts", "k") is None


def test_a_truncated_entry_is_as_good_as_none(tmp_path):
    store.write(tmp_path, "verdicts", "k", encode(BROKEN))
    path = entry_file(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert store.read(tmp_path, "verdicts", "k") is None
    for byte in range(len(whole)):
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1]) + whole[byte + 1 :])
        assert store.read(tmp_path, "verdicts", "k") is None
    path.write_bytes(whole)
    assert store.read(tmp_path, "verdicts", "k") is not None


@pytest.mark.parametrize("there", ["folder", "bytes", "link to nothing"])
def test_something_else_in_its_place(tmp_path, there):
    store.write(tmp_path, "verdicts", "k", 1)
    path = entry_file(tmp_path)
    path.unlink()
    if there == "folder":
        path.mkdir()
    elif there == "bytes":
        path.write_bytes(b"\xff\xfe\x00")
    else:
        path.symlink_to(tmp_path / "nowhere")
    assert store.read(tmp_path, "verdicts", "k") is None
    store.write(tmp_path, "verdicts", "k", 2)
    assert store.read(tmp_path, "verdicts", "k") in (2, None)


WRITER = """
import os, sys
from pathlib import Path
from archlint.runner.cache import store
def killed(*args):
    os._exit(9)
if sys.argv[2] == "killed":
    os.replace = killed
print("ready", flush=True)
body = {"writer": sys.argv[2], "text": "x" * 20_000}
for i in range(int(sys.argv[3])):
    store.write(Path(sys.argv[1]), "verdicts", "k%d" % (i % 5), body)
"""


def writer(root, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), name, str(count)],
        stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(REPO)},
    )  # fmt: skip


def test_killed_in_mid_write_leaves_the_entry_as_it_was(tmp_path):
    store.write(tmp_path, "verdicts", "k0", "before")
    process = writer(tmp_path, "killed", 1)
    process.communicate()
    assert process.returncode == 9
    assert store.read(tmp_path, "verdicts", "k0") == "before"
    (half,) = (tmp_path / store.NAME / "verdicts").glob("*.tmp")
    store.prune(tmp_path)
    assert half.exists()  # its writer may still be at it
    os.utime(half, (1, 1))
    store.prune(tmp_path)
    assert not half.exists()


def test_killed_at_any_time_leaves_whole_entries(tmp_path):
    for i in range(8):
        process = writer(tmp_path, f"w{i}", 100_000)
        process.stdout.readline()
        time.sleep(0.01 * i)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in (tmp_path / store.NAME / "verdicts").glob("*.json"):
            assert store.read(tmp_path, "verdicts", path.stem) is not None


def test_several_processes_at_once(tmp_path):
    processes = [writer(tmp_path, f"w{i}", 200) for i in range(3)]
    for process in processes:
        process.stdout.readline()
    seen = set()
    while any(process.poll() is None for process in processes):
        for i in range(5):
            body = store.read(tmp_path, "verdicts", f"k{i}")
            assert body is not None or i not in seen
            if body:
                assert len(body["text"]) == 20_000
                seen.add(i)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert all(store.read(tmp_path, "verdicts", f"k{i}") for i in range(5))
    assert not list((tmp_path / store.NAME / "verdicts").glob("*.tmp"))


def test_old_entries_are_removed(tmp_path):
    for key in ("old", "new"):
        store.write(tmp_path, "verdicts", key, 1)
    folder = tmp_path / store.NAME / "verdicts"
    then = time.time() - store.MAX_AGE - 60
    os.utime(folder / "old.json", (then, then))
    store.prune(tmp_path)
    assert [p.name for p in folder.iterdir()] == ["new.json"]


def test_use_keeps_an_entry_young(tmp_path):
    store.write(tmp_path, "verdicts", "k", 1)
    then = time.time() - store.MAX_AGE - 60
    os.utime(entry_file(tmp_path), (then, then))
    assert store.read(tmp_path, "verdicts", "k") == 1
    store.prune(tmp_path)
    assert entry_file(tmp_path).exists()


def test_clear_counts(tmp_path):
    assert store.clear(tmp_path) == 0
    for key in "abc":
        store.write(tmp_path, "verdicts", key, key)
    store.write(tmp_path, "rules", "d", "d")
    assert {kind: count for kind, (count, _) in store.entries(tmp_path).items()} == {
        "rules": 1, "verdicts": 3,
    }  # fmt: skip
    assert store.clear(tmp_path) == 4
    assert not (tmp_path / store.NAME).exists()
