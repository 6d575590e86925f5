"""The frame of every page: one HTML file with its style and script, and no request to anywhere.

Templates escape what they print. The content policy names the style and the script by their
hashes, so that nothing else runs, whatever a model or a rule file is called.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from archlint.errors import visible

SCRIPTS = ("formulas.js", "size_map.js", "layers.js", "cost.js", "contents.js")
EMPTY: dict[str, Any] = {
    "nodes": [], "maps": [], "rows": [], "point": {}, "branch": None,
    "edges": None, "main": None, "row_of": None, "cost": None,
}  # fmt: skip
"""The data of a page that has nothing for the script to show."""


def document(template: str, title: str, data: dict[str, Any], **values: Any) -> str:
    """The file from one of the templates of this folder.

    ``data`` is for the script, as JSON: some of the keys of ``EMPTY``.
    """
    style, script = _asset("page.css"), _script()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            data=_as_json(EMPTY | data),
            **values,
        )
    )


def _as_json(data: object) -> Markup:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(_shown(data), ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _shown(data: object) -> object:
    """The data, or the value of an expression, with texts that no browser acts on."""
    if isinstance(data, dict):
        return {_shown(key): _shown(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_shown(value) for value in data]
    return visible(data) if isinstance(data, str) and not isinstance(data, Markup) else data


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """All scripts as one function, without indentation and lines of comments."""
    lines = [line.strip() for name in SCRIPTS for line in _asset(name).splitlines()]
    code = "\n".join(line for line in lines if line and not line.startswith("//"))
    return f'"use strict";\n(() => {{\n{code}\n}})();\n'


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
