"""What the cache is made of: entries that are whole or nothing, and values that come back equal."""

import importlib.util
import json
import os
import py_compile
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path

import pytest

from archlint.contracts.accepted_set import AcceptedSet, OutputCase, Refusal
from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, Budget, RuleFile, TensorInput
from archlint.contracts.job import Job
from archlint.contracts.recorded_costs import RecordedCosts
from archlint.contracts.rulefile.load import load, loads
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.contracts.verdict import At, Proof, Samples, Verdict, Waived
from archlint.runner.cache import environment_key as world
from archlint.runner.cache import rule_file_cache as rules
from archlint.runner.cache import store
from archlint.runner.cache.bytecode import is_outdated
from archlint.runner.cache.codec import canonical, decode, encode
from archlint.runner.cache.dependencies import CurrentFiles, Dependencies, digest_of
from archlint.runner.cache.verdict_cache import cache_verdict, cached_verdicts
from tests import REPO
from tests.support.stub_cli import contract

RULE_FILES = sorted(REPO.glob("examples/**/*.archlint.yaml")) + sorted(
    REPO.glob("tests/cases/*/rules.yaml")
)
BROKEN = Verdict(
    "broken", "any-photo", "m", "rules.yaml", 3, {"H": 1, "W": 2}, True,
    At("fc", "Linear", "m.py:3"), "a == b", "at fc", Proof(3, 4, True), Samples(8), 0.5,
    {"reason": "× and – and\nlines"},
)  # fmt: skip


def through_json(value):
    return decode(json.loads(json.dumps(encode(value))))


# Values


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda p: p.parent.name + "/" + p.name)
def test_rule_files_come_back_equal(path):
    rules = load(path)
    again = through_json(rules)
    assert isinstance(again, RuleFile)
    assert again == rules
    for one, other in zip(again.contracts, rules.contracts, strict=True):
        assert one.clause.region is other.clause.region  # interned
        assert canonical(one) == canonical(other)


def test_every_kind_of_size_and_formula_comes_back():
    text = textwrap.dedent("""
        archlint: 1
        contracts:
          - id: a
            models: "m:f"
            input: {x: N 3 H//4 ceil(W/2), ids: {shape: "N min(H,W)", dtype: int64, below: H}}
            accepts: only (H % 3 == 0 or not W in {3, 5}) and max(H, W) * N // 2 != 7
            output: [_ ..., {a: "H W*H"}]
            budget: {seconds: 0.5}
        waivers: [{contract: a, reason: later, until: 2030-01-31}]
    """)
    rules = loads(text)
    again = through_json(rules)
    assert again == rules
    dims = again.contracts[0].output[0].dims
    assert dims == (ANY_SIZE, ANY_SIZES)
    assert dims[0] is ANY_SIZE


def test_verdicts_come_back_equal():
    assert through_json(BROKEN) == BROKEN


def test_a_cached_verdict_has_all_that_a_new_one_has():
    """Each field, also those that equality ignores, with a value that is not its default."""
    image = TensorInput((parse_size("N"), 3), "uint8", parse_size("N"), "N 3")
    entry = AcceptedSet(
        "m", "train", {"x": image, "more": [image]}, "N >= 2", False, ["N 5", {"a": 3}],
        (Refusal("N == 1", "bn", "BatchNorm1d", "needs N >= 2"),), ("too many paths",), "N == 1",
        (OutputCase("N >= 2", "N 5"),), RecordedCosts({"N": 2}, 8, 4, 16, {"bn": 8}),
        {"N": 2}, 3, 4, 0.5, ("N=2 (accepted)",),
    )  # fmt: skip
    whole = replace(
        BROKEN, entry=entry, severity="warning", waived=Waived("later", "2030-01-31"), note="new"
    )
    for part in (whole, whole.at, whole.proof, whole.waived, entry, entry.costs, *entry.refusals):
        for f in fields(part):
            default = f.default if f.default_factory is MISSING else f.default_factory()
            usual = f.name in ("device", "cached")  # "cpu"; set by the reader
            assert getattr(part, f.name) != default or usual, f"{f.name} has its default"
    again = through_json(whole)
    assert again == whole
    assert asdict(again) == asdict(whole)
    assert again.to_json() == whole.to_json()
    assert str(again) == str(whole)
    assert through_json(BROKEN).details == BROKEN.details


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), print, REPO.glob, lambda: 0])
def test_what_no_rule_file_holds_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        ["os.system", "true"],
        ["settings.os.system", "true"],
        ["settings.shorten", ["path", "."]],
        ["symbolic.expr.lru_cache"],
        ["contracts.contract.__loader__"],
        ["errors.ArchlintError", "text"],
        ["class", "verdict.Verdict"],
        ["verdict.Verdict"],
        ["nowhere.Thing"],
        ["contract.Budget", 1, 2, 3, 4, 5],
        [[], 1],
        [{}],
        [],
        ["date", "yesterday"],
    ],
)
def test_only_archlints_own_nouns_are_made(data):
    with pytest.raises((ValueError, TypeError, AttributeError, ImportError)):
        decode(data)


@pytest.mark.parametrize("tag", ["__main__.x", "cli.app.cli", "symbolic.atom.Symbol"])
def test_decoding_imports_nothing(tag, monkeypatch):
    """A tag is looked up in the list of classes; ``archlint.__main__`` would start the command."""
    monkeypatch.delitem(sys.modules, "archlint.__main__", raising=False)
    before = set(sys.modules)
    with pytest.raises(ValueError, match="not a known tag"):
        decode([tag, 1])
    assert set(sys.modules) == before


# Entries


def entry_file(root):
    (path,) = (root / store.NAME / "verdicts").iterdir()
    return path


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


# What is kept


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = contract(seconds=10.0)
    return Job(made, made.models[0], tmp_path, cacheable=True)


def kept(job, verdict):
    cache_verdict(job, verdict, Dependencies().to_json(), "m:f", Path.cwd())
    return cached_verdicts([job], "m:f").get(0)


@pytest.mark.parametrize("word", ["proved", "tested", "vacuous", "broken"])
def test_an_answer_is_kept(job, word):
    verdict = replace(BROKEN, word=word)
    found = kept(job, verdict)
    assert found == replace(verdict, file="rules.yaml", line=3)
    assert found.cached
    assert not verdict.cached
    assert found.to_json() == verdict.to_json() | {"cached": True}


def test_an_error_is_not_kept(job):
    assert kept(job, replace(BROKEN, word="error")) is None


def test_what_the_time_budget_may_have_decided_is_not_kept(job):
    assert kept(job, replace(BROKEN, seconds=5.0)) is None
    assert kept(job, replace(BROKEN, seconds=4.9)) is not None


def test_what_rests_on_nothing_known_is_not_kept(job):
    cache_verdict(job, BROKEN, None, "m:f", Path.cwd())
    assert cached_verdicts([job], "m:f") == {}


def test_another_decider_is_asked(job):
    assert kept(job, BROKEN) is not None
    assert cached_verdicts([job], "m:g") == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, id="b"),
        lambda c: replace(c, why="so"),
        lambda c: replace(c, mode="train"),
        lambda c: replace(c, samples=3),
        lambda c: replace(c, budget=Budget(seconds=11.0)),
        lambda c: replace(c, clause=replace(c.clause, kind="only")),
        lambda c: replace(c, severity="warning"),
        lambda c: replace(c, structure={"batch_preserved": True}),
    ],
)
def test_another_contract_is_decided(job, change):
    assert kept(job, BROKEN) is not None
    assert cached_verdicts([replace(job, contract=change(job.contract))], "m:f") == {}


@pytest.mark.parametrize(
    "changes", [{"target": "m:g"}, {"args": (1,)}, {"kwargs": {"a": 1}}, {"name": "n"}]
)
def test_another_model_is_decided(job, changes):
    assert kept(job, BROKEN) is not None
    assert cached_verdicts([replace(job, ref=replace(job.ref, **changes))], "m:f") == {}


def test_true_and_1_are_two_arguments(job):
    one, true = (replace(job, ref=replace(job.ref, args=(v,))) for v in (1, True))
    assert kept(one, BROKEN) is not None
    assert cached_verdicts([true], "m:f") == {}


def test_the_current_folder_counts(job, tmp_path, monkeypatch):
    assert kept(job, BROKEN) is not None
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert cached_verdicts([job], "m:f") == {}


def test_an_edited_verdict_is_not_believed(job, tmp_path):
    assert kept(job, BROKEN).word == "broken"
    path = entry_file(tmp_path)
    path.write_text(path.read_text().replace('"broken"', '"proved"'))
    assert cached_verdicts([job], "m:f") == {}


def test_another_jobs_entry_is_not_believed(job, tmp_path):
    other = replace(job, ref=replace(job.ref, name="other"))
    kept(job, replace(BROKEN, word="proved"))
    (mine,) = (tmp_path / store.NAME / "verdicts").iterdir()
    text = mine.read_text()
    mine.unlink()
    kept(other, BROKEN)
    (theirs,) = (tmp_path / store.NAME / "verdicts").iterdir()
    theirs.write_text(text)
    assert cached_verdicts([other], "m:f") == {}


@pytest.mark.parametrize("body", [None, [], {}, {"verdict": 1}, {"dependencies": {}}, 7, "text"])
def test_an_entry_of_another_form_is_not_believed(job, tmp_path, body):
    kept(job, BROKEN)
    store.write(tmp_path, "verdicts", entry_file(tmp_path).stem, body)
    assert cached_verdicts([job], "m:f") == {}


# The world


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder of installed packages on the path; gives the signature when called."""
    folder = tmp_path / "site-packages"
    (folder / "torch-2.6.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder)

    def signature():
        world.signature.cache_clear()
        return world.signature()

    yield folder, signature
    world.signature.cache_clear()


def test_another_version_is_another_world(installed):
    folder, signature = installed
    before = signature()
    assert signature() == before
    (folder / "torch-2.6.0.dist-info").rename(folder / "torch-2.7.0.dist-info")
    after = signature()
    assert after != before
    (folder / "torch-2.7.0.dist-info" / "direct_url.json").write_text('{"commit_id": "1"}')
    assert signature() not in (before, after)


@pytest.mark.parametrize("name", ["added.py", "added.pth", "added"])
def test_what_is_installed_without_metadata(installed, name):
    folder, signature = installed
    before = signature()
    (folder / name).write_text("A = 1")
    after = signature()
    assert after != before
    (folder / name).write_text("A = 2")
    assert (signature() != after) == ("." in name)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("PYTHONDONTWRITEBYTECODE", True), ("PYTHONIOENCODING", True), ("NPY_PROMOTION_STATE", True),
     ("PYTHONHASHSEED", False), ("EDITOR", False)],
)  # fmt: skip
def test_variables_that_are_read_unseen(installed, monkeypatch, name, counts):
    _, signature = installed
    monkeypatch.setenv(name, "1")
    before = signature()
    monkeypatch.setenv(name, "2")
    assert (signature() != before) == counts


def test_the_time_zone(installed, tmp_path, monkeypatch):
    _, signature = installed
    monkeypatch.setattr(world, "_TIME_ZONE", str(tmp_path / "localtime"))
    before = signature()
    (tmp_path / "localtime").write_text("TZif")
    assert signature() != before


def test_archlints_own_files_are_part_of_the_world(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "engine.py").write_text("1")
    monkeypatch.setattr(world, "__file__", str(tmp_path / "cache" / "world.py"))
    before = world._archlint_files()
    assert world._archlint_files() == before
    (tmp_path / "engine.py").write_text("2")
    assert world._archlint_files() != before


# What a verdict rests on


def test_what_stands_and_what_does_not(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    rests = Dependencies()
    rests.add_file(str(file), digest_of(str(file)))
    rests.searched[str(tmp_path)] = {"a", "b"}
    data = json.loads(json.dumps(rests.to_json()))
    assert CurrentFiles().unchanged(data)
    (tmp_path / "c.py").write_text("")
    assert CurrentFiles().unchanged(data)
    (tmp_path / "b").mkdir()
    assert not CurrentFiles().unchanged(data)
    (tmp_path / "b").rmdir()
    assert CurrentFiles().unchanged(data)
    file.write_text("2")
    assert not CurrentFiles().unchanged(data)


def test_a_compiled_file_that_is_not_of_its_source(tmp_path):
    """Python goes by time and size: both can be the same while the text is another."""
    source = tmp_path / "m.py"
    compiled = importlib.util.cache_from_source(str(source))
    source.write_text("A = 1\n")
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert not is_outdated(str(source), compiled)
    status = source.stat()
    os.utime(compiled, ns=(status.st_atime_ns, status.st_mtime_ns))  # in one second, as meant here
    source.write_text("A = 2\n")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert is_outdated(str(source), compiled)
    os.utime(source, (status.st_mtime + 5, status.st_mtime + 5))  # Python sees that by itself
    assert not is_outdated(str(source), compiled)


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
