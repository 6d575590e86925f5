"""JUnit XML: a suite for each rule file, a case for each contract and model."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import counted
from archlint.contracts.verdict import Verdict
from archlint.contracts.verdict_text import body
from archlint.errors import Mistake, one_line
from archlint.report.run_results import RunResults, sentence


def render(results: RunResults) -> str:
    """The XML document, with the suites in the order of the rule files."""
    root = Element("testsuites", name="archlint")
    for file in dict.fromkeys(
        [*(m.where.file for m in results.mistakes), *(v.file or "" for v in results.verdicts)]
    ):
        path = (results.path(file) if file else None) or file
        suite = SubElement(root, "testsuite", name=one_line(path) or "archlint")
        mistakes = [m for m in results.mistakes if m.where.file == file]
        if mistakes:
            _broken_file(suite, path, mistakes)
        verdicts = [v for v in results.verdicts if (v.file or "") == file]
        for verdict in verdicts:
            _case(suite, path, verdict, results.level(verdict))
        _count(suite, sum(v.seconds for v in verdicts))
    _count(root, sum(v.seconds for v in results.verdicts))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode")


def _broken_file(suite: Element, path: str, mistakes: Sequence[Mistake]) -> None:
    line = str(mistakes[0].where.line)
    case = SubElement(
        suite, "testcase", classname=one_line(path), name="rule file",
        file=one_line(path), line=line, time="0.000",
    )  # fmt: skip
    count = counted(len(mistakes), "mistake")
    error = SubElement(case, "error", type="mistake", message=count)
    error.text = "\n".join(map(str, mistakes))


def _case(suite: Element, path: str, verdict: Verdict, level: str | None) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=one_line(path) or "archlint",
        name=one_line(f"{verdict.contract}[{verdict.model}]"),
        file=one_line(path),
        line=str(verdict.line or 1),
        time=f"{verdict.seconds:.3f}",
    )
    _properties(case, verdict)
    if level == "error":
        kind = "error" if verdict.word == "error" else "failure"
        element = SubElement(case, kind, type=verdict.word, message=sentence(verdict))
        element.text = body(verdict)
    elif verdict.waived:
        SubElement(case, "skipped", type="waived", message=one_line(verdict.note))
    elif level is not None:
        SubElement(case, "system-out").text = f"{verdict.word}\n{body(verdict)}"


def _properties(case: Element, verdict: Verdict) -> None:
    values = {"verdict": verdict.word}
    if verdict.counterexample is not None:
        values["counterexample"] = size_text(verdict.counterexample)
    if verdict.at is not None:
        values["layer"] = verdict.at.module or verdict.at.op
    if verdict.severity != "error":
        values["severity"] = verdict.severity
    properties = SubElement(case, "properties")
    for key, value in values.items():
        SubElement(properties, "property", name=key, value=one_line(value))


def _count(suite: Element, seconds: float) -> None:
    for key, tag in (
        ("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")
    ):  # fmt: skip
        suite.set(key, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{seconds:.3f}")
