"""The example notebook: its cells run in order, and each result shows itself as HTML."""

from __future__ import annotations

import ast
import json

from tests import REPO


def results():
    """The value of the last expression of each code cell."""
    notebook = json.loads((REPO / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            *statements, last = ast.parse("".join(cell["source"])).body
            exec(compile(ast.Module(statements, []), "cell", "exec"), names)
            yield eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_each_result_has_a_map_and_its_text():
    acceptance, verdict, explanation = results()
    html = [r._repr_html_() for r in (acceptance, verdict, explanation)]
    assert all(text.count("<svg ") >= 1 and "<script" not in text for text in html)
    assert acceptance.text == "ceil(H/2)*ceil(W/2) == 256"
    assert acceptance.text in html[0]
    assert "refused by 3" in html[0]
    assert verdict.word == "broken"
    assert "the counterexample" in html[1]
    assert "the sizes of the contract" in html[1]
    assert "N=1 H=16 W=16" in html[1]
    assert not explanation.accepted
    assert "`3.weight` 10x2048 would have to be 10x3200" in html[2]
