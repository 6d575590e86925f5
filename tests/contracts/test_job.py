"""Jobs: the error verdict names the contract's place."""

from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef, SizeClause, TensorInput
from archlint.contracts.job import Job
from archlint.errors import Location

CONTRACT = Contract(
    "photo", TensorInput((1,)), SizeClause("any", True, "any size"),
    where=Location("r.yaml", 7), severity="warning",
)  # fmt: skip


def test_an_error_names_contract_model_and_line():
    verdict = Job(CONTRACT, ModelRef("net", "m:f"), Path()).error("it crashed", "last words")
    assert (verdict.word, verdict.contract, verdict.model) == ("error", "photo", "net")
    assert (verdict.file, verdict.line, verdict.severity) == ("r.yaml", 7, "warning")
    assert verdict.message == "it crashed"
    assert verdict.details == {"reason": "it crashed", "printed": "last words"}


def test_a_contract_made_in_python_has_no_line():
    job = Job(replace(CONTRACT, where=None), ModelRef("net", "m:f"), Path())
    assert (job.error("x").file, job.error("x").line) == (None, None)
    assert "printed" not in job.error("x").details
