"""The transcripts in docs/pytest.md are what happens. ``ARCHLINT_RECORD=1`` records them anew."""

import os
import re
import shlex
import subprocess

import pytest

from tests import REPO

PAGE = REPO / "docs" / "pytest.md"
IMPORTED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # in a warm process
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))

_FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = re.compile(r"^```console\n\$ pytest ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LEFT_OUT = re.compile(
    r"platform |cachedir: |rootdir: |plugins: |\[gw\d\] |created: |bringing up nodes|\d workers \["
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """The repository of the page."""
    root = tmp_path_factory.mktemp("acme")
    for name, text in _FILE.findall(PAGE.read_text()):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def transcript(root, args, warm_process):
    """What ``pytest ARGS`` prints, less what is of this machine."""
    start = shlex.join(warm_process.command("pytest"))
    command = f"{start} -p archlint -p xdist {args} -W '{IMPORTED}'"
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    alone |= {"CI": "", "BUILD_NUMBER": ""}  # pytest shortens no line there
    done = subprocess.run(
        command,
        shell=True,
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, **alone},
    )
    lines = [line.rstrip() for line in done.stdout.splitlines() if not _LEFT_OUT.match(line)]
    return "\n".join(lines) + "\n"


def comparable(text):
    """Without times, and with the marks of tests that ran side by side in a fixed order."""
    text = re.sub(r"\d+\.\d+ ?s\b", "0 s", text)
    text = text.replace("RuntimeError: addmm: mat1", "RuntimeError: mat1")  # newer torch names it
    text = re.sub(r"=+( .*? )=+", r"=\1=", text)
    marks = re.compile(r"^[.FEsxX]+(?= +\[)", re.MULTILINE)
    return marks.sub(lambda m: "".join(sorted(m[0])), text)


@pytest.mark.slow
def test_the_page(repo, warm_process):
    pytest.importorskip("xdist")
    page = PAGE.read_text()
    runs = _RUN.findall(page)
    assert len(runs) >= 4
    said, found = [], []
    for args, output in runs:
        actual = transcript(repo, args, warm_process)
        said.append(f"$ pytest {args}\n{comparable(output)}")
        found.append(f"$ pytest {args}\n{comparable(actual)}")
        if RECORD:
            old = f"```console\n$ pytest{' ' + args if args else ''}\n{output}```"
            page = page.replace(old, old[: len(old) - len(output) - 3] + actual + "```")
    if RECORD:
        PAGE.write_text(page)
    else:
        assert "".join(found) == "".join(said)
    plain, parallel, last_failed, one = found
    assert "1 failed, 5 passed, 1 xfailed" in plain
    assert "1 failed, 5 passed, 1 xfailed" in parallel
    assert "contracts/backbone.archlint.yaml:6  BROKEN  any-photo · classic" in plain
    assert "1 failed in" in last_failed
    assert "contracts/backbone.archlint.yaml::any-photo[photo] PASSED" in one
