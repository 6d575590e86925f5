"""JUnit XML: a suite for each rule file, a case for each contract and model."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from archlint.contracts.points import point_text
from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake
from archlint.report.run_results import Run, sentence
from archlint.report.text_report import body, visible


def render(run: Run) -> str:
    """The XML document; the suites in the order in which their files come up."""
    root = Element("testsuites", name="archlint")
    for file in dict.fromkeys(
        [*(m.where.file for m in run.mistakes), *(v.file or "" for v in run.verdicts)]
    ):
        path = (run.path(file) if file else None) or file
        suite = SubElement(root, "testsuite", name=visible(path) or "archlint")
        mistakes = [m for m in run.mistakes if m.where.file == file]
        if mistakes:
            _broken_file(suite, path, mistakes)
        verdicts = [v for v in run.verdicts if (v.file or "") == file]
        for verdict in verdicts:
            _case(suite, path, verdict, run.level(verdict))
        _count(suite, sum(v.seconds for v in verdicts))
    _count(root, sum(v.seconds for v in run.verdicts))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode")


def _broken_file(suite: Element, path: str, mistakes: Sequence[Mistake]) -> None:
    line = str(mistakes[0].where.line)
    case = SubElement(
        suite, "testcase", classname=visible(path), name="rule file",
        file=visible(path), line=line, time="0.000",
    )  # fmt: skip
    count = f"{len(mistakes)} mistake{'s' * (len(mistakes) != 1)}"
    said = SubElement(case, "error", type="mistake", message=count)
    said.text = visible("\n".join(map(str, mistakes)))


def _case(suite: Element, path: str, verdict: Verdict, level: str | None) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=visible(path) or "archlint",
        name=visible(f"{verdict.contract}[{verdict.model}]"),
        file=visible(path),
        line=str(verdict.line or 1),
        time=f"{verdict.seconds:.3f}",
    )
    _properties(case, verdict)
    if level == "error":
        kind = "error" if verdict.word == "error" else "failure"
        said = SubElement(case, kind, type=verdict.word, message=visible(sentence(verdict)))
        said.text = body(verdict)
    elif verdict.waived:
        SubElement(case, "skipped", type="waived", message=visible(verdict.note))
    elif level is not None:
        SubElement(case, "system-out").text = f"{verdict.word}\n{body(verdict)}"


def _properties(case: Element, verdict: Verdict) -> None:
    found = {"verdict": verdict.word}
    if verdict.counterexample is not None:
        found["counterexample"] = point_text(verdict.counterexample)
    if verdict.at is not None:
        found["layer"] = verdict.at.module or verdict.at.op
    if verdict.severity != "error":
        found["severity"] = verdict.severity
    properties = SubElement(case, "properties")
    for key, value in found.items():
        SubElement(properties, "property", name=key, value=visible(value))


def _count(suite: Element, seconds: float) -> None:
    for key, tag in (
        ("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")
    ):  # fmt: skip
        suite.set(key, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{seconds:.3f}")
