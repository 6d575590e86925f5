"""Which verdicts are cached, and which cached ones are used again."""

from dataclasses import replace
from pathlib import Path

import pytest

from archlint.contracts.contract import Budget
from archlint.contracts.job import Job
from archlint.runner.cache import store
from archlint.runner.cache.dependencies import Dependencies
from archlint.runner.cache.verdict_cache import cache_verdict, cached_verdicts
from tests.support.cached_verdicts import BROKEN, entry_file
from tests.support.stub_cli import contract


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
