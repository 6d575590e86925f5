"""Pages in a real browser, if there is one.

Needs the extra ``browser`` and a Chromium: that of ``playwright install chromium``, Debian's
``chromium``, or another one that ``ARCHLINT_TEST_CHROMIUM`` names.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

from archlint.contracts.verdict import Verdict
from archlint.engine.python_contracts import contract_of
from archlint.report.page.run_page import run_page
from archlint.report.run_results import RunResults
from tests.report.page.pages import HOSTILE, hostile_page, net_page, skips_page

pytestmark = pytest.mark.slow
LAST = 128  # the largest size on the map of ``Net``
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    named = os.environ.get("ARCHLINT_TEST_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, NAMES)), None)
    with playwright.sync_playwright() as started:
        path = path or started.chromium.executable_path
        if not os.path.exists(path):
            pytest.skip("needs a Chromium; ARCHLINT_TEST_CHROMIUM may name one")
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page; errors on its console and requests fail the test."""

    @contextmanager
    def open_(text, **options):
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(**options)
        page = context.new_page()
        problems, requests = [], []
        page.on("console", lambda m: problems.append(m.text))
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("request", lambda r: requests.append(r.url))
        page.goto(file.as_uri())
        yield page
        context.close()
        assert problems == []
        assert requests == [file.as_uri()]

    return open_


def test_typed_sizes_change_the_numbers_and_the_layer_that_refuses(opened):
    with opened(net_page()) as page:
        assert page.inner_text("#verdict").startswith("N=1 H=18 W=20: refused: head.fc needs")
        assert "refuses" in page.locator("[data-row]").last.get_attribute("class")
        page.fill("[data-size=H]", "15")
        page.fill("[data-size=W]", "16")
        assert page.inner_text("#verdict") == "N=1 H=15 W=16: accepted"
        assert page.locator("#layers li.refuses").count() == 0
        assert page.locator("#layers .numbers").nth(1).inner_text() == "1 4 8 8"
        assert page.locator("td[data-joint]").inner_text() == "2x256"
        page.fill("[data-size=H]", "30")
        assert page.locator("td[data-joint]").inner_text() == "2x480"


def test_a_slider_does_the_same(opened):
    with opened(net_page()) as page:
        slider = page.locator("[data-slide=H]")
        slider.focus()
        slider.press("Home")
        assert page.input_value("[data-size=H]") == "1"
        assert page.inner_text("#verdict").startswith("N=1 H=1 W=20: refused")


def test_the_map_tells_the_reason_on_hover_and_on_focus(opened):
    with opened(net_page()) as page:
        box = page.locator(".map figure > svg > g").first.bounding_box()
        cell = box["width"] / LAST
        page.mouse.move(box["x"] + 15.5 * cell, box["y"] + 15.5 * cell)
        assert page.inner_text(".at-cursor >> nth=0") == "N=1 H=16 W=16: accepted"
        page.mouse.move(box["x"] + 30.5 * cell, box["y"] + 2.5 * cell)
        refused = "N=1 H=31 W=3: refused by head.fc — needs in_features 256"
        assert page.inner_text(".at-cursor >> nth=0").startswith(refused)
        page.locator(".map figure > svg").focus()
        assert page.inner_text(".at-cursor >> nth=0").startswith(
            "N=1 H=18 W=20: refused by head.fc"
        )
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowUp")
        assert page.inner_text(".at-cursor >> nth=0").startswith("N=1 H=17 W=12: refused")
        page.keyboard.press("Enter")
        assert page.input_value("[data-size=W]") == "12"


def test_modules_fold_by_keyboard(opened):
    with opened(net_page()) as page:
        folded = page.locator("#layers details").first
        summary = folded.locator("summary").first
        before = folded.evaluate("d => d.open")
        summary.focus()
        page.keyboard.press("Enter")
        assert folded.evaluate("d => d.open") is not before


def test_hostile_names_stay_text(opened):
    with opened(hostile_page()) as page:
        assert page.locator("img").count() == 0
        assert HOSTILE in page.inner_text("#layers")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(opened, width, scheme):
    with opened(net_page(), color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_lines_lead_from_each_layer_to_its_readers(opened):
    with opened(skips_page()) as page:
        ends = "[...document.querySelectorAll('#edges [data-ends]')].map(p => p.dataset.ends)"
        rows = "[...document.querySelectorAll('#layers [data-place]')].map(p => p.innerText)"
        names = [text.split()[0].strip("▸▾") for text in page.evaluate(rows) if text]
        drawn = {tuple(names[int(i)] for i in pair.split()) for pair in page.evaluate(ends)}
        folded = {
            ("input", "block"), ("block", "up"), ("up", "add"),
            ("input", "add"), ("add", "output"),
        }  # fmt: skip
        assert drawn == folded
        page.locator("#layers summary").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_function(f"{ends}.length === {len(folded) + 2}")


def test_the_path_from_a_refusal_to_the_input_is_lit(opened):
    with opened(skips_page()) as page:
        assert page.locator("#edges g.hot path").count() == 0
        page.fill("[data-size=H]", "7")
        assert "needs sizes" in page.inner_text("#verdict")
        lit = page.locator("#edges g.hot path").evaluate_all("ps => ps.map(p => p.dataset.ends)")
        assert lit == ["0 1", "1 2", "2 3"]  # not the line that skips the block


def test_the_axes_of_the_map_can_be_chosen(opened):
    text = net_page()
    with opened(text) as page:
        page.select_option("[data-axis='0']", "N")
        page.select_option("[data-axis='1']", "H")
        names = page.locator(".map figure > svg > text").all_text_contents()
        assert {"N", "H"} <= set(names)
        assert page.inner_text(".fixed") == "at W=20"
        box = page.locator(".map figure > svg > g").first.bounding_box()
        page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
        assert page.inner_text(".at-cursor >> nth=0").startswith("N=1 H=")
        page.fill("[data-size=W]", "16")
        assert page.inner_text(".fixed") == "at W=16"


def test_the_script_draws_the_map_as_the_file_has_it(opened):
    """After the axes were changed and changed back, the same cells have the same colours."""
    shots = []
    with opened(net_page()) as page:
        drawing = page.locator(".map figure > svg > g").first
        shots.append(drawing.screenshot())
        page.select_option("[data-axis='0']", "N")
        shots.append(drawing.screenshot())
        page.select_option("[data-axis='0']", "H")
        shots.append(drawing.screenshot())
    assert shots[0] == shots[2]
    assert shots[0] != shots[1]


def test_the_cost_follows_the_sizes(opened):
    with opened(skips_page()) as page:
        flops = page.locator("td[data-grouped]").first
        assert flops.inner_text() == "10,368"
        page.fill("[data-size=H]", "16")
        assert flops.inner_text() == "20,736"
        assert page.locator(".chart").count() == 2
        page.select_option("#over", "W")
        assert "over W" in page.locator(".chart").first.get_attribute("aria-label")
        page.fill("[data-size=H]", "7")
        assert flops.inner_text() == "–"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, tmp_path, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    contract = contract_of(input="N 3 H W", accepts="any H, W >= 4")
    verdicts = [Verdict("proved", "photo", "net"), Verdict("broken", "sound", "net", message="no")]
    index = run_page(RunResults(verdicts, [], "1", tmp_path, [contract, contract]))
    for text in (net_page(), skips_page(), index):
        with opened(text, color_scheme=scheme, bypass_csp=True) as page:
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            found = axe.Axe().run(page).response["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in serious] == []


def test_without_script_the_texts_and_the_map_remain(opened):
    with opened(net_page(), java_script_enabled=False) as page:
        assert page.locator(".map svg g[data-zone]").count() == 2
        assert "head.fc" in page.inner_text("#layers")
        assert page.locator("#sizes").is_hidden()


def test_the_index_is_filtered(opened, tmp_path):
    verdicts = [Verdict("proved", "photo", "net"), Verdict("broken", "sound", "net", message="no")]
    with opened(run_page(RunResults(verdicts, [], "1", tmp_path))) as page:
        assert page.inner_text("#count") == "2 shown"
        page.fill("#filter [type=search]", "sound")
        assert page.inner_text("#count") == "1 shown"
        page.fill("#filter [type=search]", "")
        page.uncheck("[value=broken]")
        assert page.locator(".verdict:visible").count() == 1
