"""Sweeps on file while they run, and taken up again."""

import json
import signal
import time

import pytest

from tests.support.sweeps import GUARD, SweptProject, lines


@pytest.fixture
def project(tmp_path):
    return SweptProject(tmp_path)


MANY = {f"c{i:02}": ["process", "broken"] for i in range(6)}


def test_a_killed_sweep_goes_on_where_it_was(project):
    project.write({**{f"c{i:02}": ["process"] for i in range(5)}, "z": ["hang"]})
    file = project.path / "sweep.jsonl"
    killed = project.start("--output", f"jsonl={file}")
    begun = time.monotonic()
    while not (file.exists() and len(file.read_bytes().splitlines()) == 5):
        assert time.monotonic() < begun + GUARD
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = {v["contract"]: v["message"] for v in lines(file)}
    torn = file.read_bytes()[:-20]
    file.write_bytes(torn)
    project.write({f"c{i:02}": ["process"] for i in range(7)})
    code, out, err = project.run("--output", f"jsonl={file}", "--resume", file)
    assert (code, err) == (0, f"4 of 7 verdicts taken from {file}\n")
    after = {v["contract"]: v["message"] for v in lines(file)}
    assert list(after) == [f"c{i:02}" for i in range(7)]
    kept = [id for id in before if before[id] == after[id]]  # the message is the process's id
    assert len(kept) == 4
    assert "7 proved" in out


def test_what_is_taken_up_again_is_reported_the_same(project):
    project.write({**MANY, "t": ["tested"], "v": ["vacuous"]})
    first = project.run("--output", "jsonl=sweep.jsonl", "-v")
    again = project.run("--resume", "sweep.jsonl", "-v")
    assert again[:2] == first[:2]
    assert again[2] == "14 of 14 verdicts taken from sweep.jsonl\n"
    assert len(lines(project.path / "sweep.jsonl")) == 14


@pytest.mark.parametrize("what", ["contract", "model's code", "samples", "model's name"])
def test_what_changed_is_decided_again(project, what):
    code = project.path / "net.py"
    code.write_text("WIDTH = 1\n")
    project.write({"a": ["process"]})
    project.run("--output", "jsonl=sweep.jsonl")
    more = []
    if what == "contract":
        project.write({"a": ["process"]}, "seconds: 50")
    elif what == "model's code":
        code.write_text("WIDTH = 2\n")
    elif what == "samples":
        more = ["--samples", "3"]
    else:
        project.write({"a": ["proved"]})
    assert project.run("--resume", "sweep.jsonl", *more)[2].startswith("0 of 1 ")


def test_lines_that_moved_and_their_order_change_nothing(project):
    project.write({"a": ["broken"], "b": ["process"]})
    project.run("--output", "jsonl=sweep.jsonl")
    project.write({"b": ["process"], "a": ["broken"]})
    _, out, err = project.run("--resume", "sweep.jsonl")
    assert err.startswith("2 of 2 ")
    assert "archlint.yaml:4  BROKEN  a · broken" in out


@pytest.mark.slow
def test_an_error_is_no_answer(project):
    project.write({"a": ["exits", "proved"]})
    project.run("--output", "jsonl=sweep.jsonl")
    assert project.run("--resume", "sweep.jsonl")[2].startswith("1 of 2 ")


WAIVER = "waivers: [{contract: a, model: broken, reason: later, until: 2999-12-31}]"


@pytest.mark.slow
def test_mistakes_and_waived_contracts_on_file(project):
    other = project.path / "other.archlint.yaml"
    other.write_text("archlint: 1\nmodel: 0\n")
    project.write({"a": ["broken", "process"]}, WAIVER)
    same = ("--output", "jsonl=sweep.jsonl", "--resume", "sweep.jsonl")
    code, out, _ = project.run(*same)
    assert (code, out.splitlines()[-1]) == (
        2,
        "1 proved, 1 broken (waived), 1 mistake in rule files",
    )
    first = lines(project.path / "sweep.jsonl")
    assert ["verdict" in line for line in first] == [False, True, True]
    assert first[1]["waived"] == {"reason": "later", "until": "2999-12-31"}
    code, again, err = project.run(*same)
    assert (code, again) == (2, out)
    assert "2 of 2 verdicts taken from sweep.jsonl\n" in err
    assert lines(project.path / "sweep.jsonl") == first

    # The mistake is mended and the waiver taken back: what was decided stands, and counts.
    other.unlink()
    project.write({"a": ["broken", "process"]})
    code, out, err = project.run(*same)
    assert (code, err) == (1, "2 of 2 verdicts taken from sweep.jsonl\n")
    assert "BROKEN  a · broken" in out
    after = lines(project.path / "sweep.jsonl")
    assert after == [{**first[1], "waived": None, "note": ""}, first[2]]


@pytest.mark.slow
def test_a_waiver_in_vain_on_file_is_no_answer(project):
    project.write({"a": ["proved", "broken"]}, WAIVER.replace("broken", "proved"))
    same = ("--output", "jsonl=sweep.jsonl", "--resume", "sweep.jsonl")
    code, out, _ = project.run(*same)
    assert [line["job"] for line in lines(project.path / "sweep.jsonl")][2:] == [None]
    assert project.run(*same) == (code, out, "2 of 2 verdicts taken from sweep.jsonl\n")
    assert len(lines(project.path / "sweep.jsonl")) == 3


def test_the_first_run_of_a_loop_has_nothing_to_resume(project):
    project.write({"a": ["proved"]})
    same = ("--resume", "new.jsonl", "--output", "jsonl=new.jsonl")
    assert project.run(*same)[::2] == (0, "0 of 1 verdict taken from new.jsonl\n")
    code, _, err = project.run("--resume", "other.jsonl")
    assert (code, err) == (2, "Error: other.jsonl cannot be read: No such file or directory\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proved\n", "f.jsonl:1:1: not valid JSON (Expecting value)"),
        ("{}\n", "f.jsonl:1:1: missing key 'job'"),
        ("[1]\n", "f.jsonl:1:1: found [1]"),
        ('{"job": 1}\n', "f.jsonl:1:1: not a verdict (job is 1)"),
        ('{"job": "x", "at": null, "details": []}\n', "not a verdict (details must be texts)"),
        (
            '{"job": "x", "at": null, "details": {}, "proof": {}, "samples": {}, '
            '"verdict": "ok"}\n',
            "not a verdict ('ok' is not a verdict;",
        ),
        ("\xff\n", "f.jsonl:1:1: not valid UTF-8"),
        ("[" * 200_000 + "\n", "f.jsonl:1:1: JSON is nested too deeply"),
    ],
)
def test_a_file_of_something_else(project, text, message):
    project.write({"a": ["proved"]})
    (project.path / "f.jsonl").write_text(text, encoding="latin-1")
    code, out, err = project.run("--resume", "f.jsonl")
    assert (code, out) == (2, "")
    assert message in err
    assert err.endswith("expected a verdict as --output jsonl=FILE writes it\n")


@pytest.mark.slow
def test_shards_on_the_command_line(project):
    project.write(MANY)
    code, _, err = project.run("--shard", "5/4")
    assert code == 2
    assert "Invalid value for '--shard': shards of 4 are 1/4 to 4/4, found 5/4" in err
    seen = []
    for k in (1, 2, 3):
        _, out, _ = project.run("--shard", f"{k}/3", "--format", "json")
        seen += [(v["contract"], v["model"]) for v in json.loads(out)["verdicts"]]
    assert sorted(seen) == sorted((id, model) for id, models in MANY.items() for model in models)


def test_a_backend_that_is_none_on_the_command_line(project):
    project.write({"a": ["proved"]})
    code, _, err = project.run("--backend", "dusk")
    assert code == 2
    assert "Invalid value for '--backend': there is no backend 'dusk'" in err
