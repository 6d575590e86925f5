"""Pages as files: their policy, their size, and names that want to be markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.contracts.verdict_map import verdict_map
from archlint.engine.python_contracts import contract_of
from archlint.report.page.run_page import run_page
from archlint.report.run_results import RunResults
from archlint.symbolic.formula import holds
from tests.report.page.pages import HOSTILE, hostile_page, net_page, skips_page

FORBIDDEN = {"img", "iframe", "object", "embed", "link", "base"}
BROKEN = Verdict(
    "broken",
    HOSTILE,
    "net",
    counterexample={"N": 1, "H": 5, "W": 7},
    message=HOSTILE,
    details={"contract": "accepts any H, W >= 5   output N 2", "accepts": "H, W >= 9   (exact)"},
)


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


def results(verdicts, tmp_path):
    return RunResults(verdicts, [], "1", tmp_path)


@pytest.mark.parametrize("page", [net_page, hostile_page])
def test_a_page_asks_for_nothing_and_runs_only_its_own_script(page):
    text = page()
    tags = Tags(text)
    assert not tags.tags & FORBIDDEN
    assert not [
        a for a, _ in tags.attributes if a.startswith("on") or a in ("src", "href", "style")
    ]
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; ")
    for name, content in (
        ("style", re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]),
        ("script", re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]),
    ):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src &#39;sha256-{digest}&#39;" in policy


def test_hostile_names_stay_text(tmp_path):
    run = run_page(results([BROKEN], tmp_path))
    for page in (hostile_page(), run):
        assert HOSTILE not in page
        assert "&lt;img src=x" in page
    data = re.search(r'id="data">(.*?)</script>', hostile_page(), re.DOTALL)[1]
    assert any(HOSTILE in row["name"] for row in json.loads(data)["rows"])


def test_the_page_has_all_that_the_text_has():
    text = net_page()
    for part in ("ceil(H/2)*ceil(W/2) == 64", "head.fc", "head.fc.weight", "2x360", "1 4 9 10"):
        assert part in text


def test_a_verdict_has_a_map_of_what_its_model_accepts():
    assert verdict_map(replace(BROKEN, counterexample={})) is None  # an input without sizes
    drawn = verdict_map(BROKEN)
    assert drawn.mark == {"N": 1, "H": 5, "W": 7}
    kinds = {p: drawn.zone_at({"N": 1, "H": p, "W": p}).kind for p in (8, 9)}
    assert kinds == {8: "refused", 9: "accepted"}
    assert drawn.contract_rows[4][4] == 0
    assert drawn.contract_rows[3][4] == 1
    assert verdict_map(Verdict("proved")) is None
    assert "<svg" in BROKEN._repr_html_()
    assert "<svg" not in Verdict("proved")._repr_html_()


@pytest.mark.parametrize("clause", [
    {"accepts": "any H >= 4 and W % 8 == 0"}, {"accepts": "only H, W >= 9"},
    {"accepts": "any size"}, {"rejects": "any H <= 4"},
])  # fmt: skip
def test_a_proved_contract_has_a_map_of_what_it_states(clause):
    contract = contract_of(input="N 3 H W", **clause)
    drawn = verdict_map(Verdict("proved", "c", "m"), contract)
    inside, outside = {
        "any": ("accepted", "unknown"),
        "only": ("accepted", "refused"),
        "rejects": ("refused", "unknown"),
    }[contract.clause.kind]
    for y, row in enumerate(drawn.rows, 1):
        for x, zone in enumerate(row, 1):
            stated = holds(contract.clause.region, {"N": 1, "H": x, "W": y})
            assert drawn.zones[zone].kind == (inside if stated else outside), (x, y)
    assert verdict_map(Verdict("tested", "c", "m"), contract) is None


def test_an_index_of_100_contracts_is_small(tmp_path):
    grid = contract_of(input="N 3 H W", accepts="only H % 32 == 0 and W % 32 == 0")
    verdicts = [BROKEN] * 40 + [Verdict("proved", f"contract-{i}", "m") for i in range(60)]
    contracts: list[Contract] = [grid] * 100
    page = run_page(RunResults(verdicts, [], "1", tmp_path, contracts))
    assert page.count('class="verdict"') == 100
    assert page.count("<figure>") == 100
    assert len(page.encode()) <= 300_000


def test_the_page_has_the_cost():
    text = skips_page()
    assert "162*H*N*W" in text  # 2 * 3 * 3 * 3 * 3 for each element
    assert "10,368" in text
    assert "<figure>" in text


def test_the_commands_write_pages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(
        "from torch import nn\ndef net(): return nn.Conv2d(3, 4, 5)\n"
        "def wide(): return nn.Conv2d(3, 4, 9)\n"
    )
    for arguments in (
        ["infer", "nets.py:net", "--html", "out/infer.html"],
        ["explain", "nets.py:net", "--html", "out/explain.html"],
        ["diff", "nets.py:net", "nets.py:wide", "--html", "out/diff.html"],
    ):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == (arguments[0] == "diff"), result.output
        page = (tmp_path / arguments[-1]).read_text()
        assert page.startswith("<!doctype html>")
        assert "<svg" in page
    assert "accepted before, refused now" in (tmp_path / "out/diff.html").read_text()
    result = CliRunner().invoke(cli, ["infer", "nets.py:net", "--html", "nets.py/x.html"])
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_a_map_does_not_end_up_in_a_machine_readable_report():
    result = CliRunner().invoke(cli, ["infer", "nets.py:net", "--map", "--format", "json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--map requires --format text" in result.stderr


def test_what_a_model_costs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(
        "from torch import nn\ndef net(): return nn.Sequential(nn.Conv2d(3, 4, 5))\n"
    )
    command = ["cost", "nets.py:net", "--at", "32x32", "--fits", "1 MiB", "--train"]
    result = CliRunner().invoke(cli, [*command, "--format", "html", "--optimizer", "adam"])
    page = result.stdout
    assert result.exit_code == 0
    assert not Tags(page).tags & FORBIDDEN
    assert page.count("<svg") == page.count("</svg>") == 2
    assert page.count("<polyline") == 6
    assert "fits in 1 MiB" in page
    report = json.loads(CliRunner().invoke(cli, [*command, "--format", "json"]).stdout)
    assert report["activation_bytes"] == {"formula": "12*H*N*W", "at": 12 * 32 * 32}
    assert report["gradient_bytes"]["at"] * 2 == report["optimizer_bytes"]["at"] == 304 * 4 * 2
    largest = report["fits"]["squares"][0]["largest"]["H"]
    # Autograd keeps the input, beside which the output is alive.
    small, large = (12 * h**2 + 16 * (h - 4) ** 2 + 304 * 16 for h in (largest, largest + 1))
    assert small <= 1 << 20 < large
