"""Pages of documentation, followed from top to bottom: files are written, commands are run.

A file is a block under a line "`its/path.py`:". A rule file that begins with ``archlint:`` is
archlint.yaml, or what the comment in its first line says. A command stands behind ``$``; in a
comment of the page it is an edit that readers do by hand.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

STEP = re.compile(
    r"^`(?P<file>[\w./-]+)`:\n\n```\w+\n(?P<text>.*?)^```$"
    r"|^```yaml\n(?:# (?P<named>[\w./-]+\.yaml)\n)?(?P<rules>archlint: .*?)^```$"
    r"|^```(?P<kind>console)?\n(?P<console>\$ .*?)^```$"
    r"|^<!-- \$ (?P<edit>.*?) -->$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ (?:.*<<'END'\n(?:.*\n)*?END|.*)\n", re.MULTILINE)
INSTALL = "--no-build-isolation --no-deps --no-index --disable-pip-version-check"


def environment(home, archlint=(sys.executable, "-m", "archlint")):
    """The variables of a shell with the programs of the pages, and little else of this machine.

    ``archlint``: the words that start its command line.
    """
    python, site = shlex.quote(sys.executable), home / "site"
    programs = {
        "archlint": f'exec {shlex.join(archlint)} "$@"',
        "pre-commit": f'exec {python} -m pre_commit "$@"',
        "pip": f'exec {python} -m pip "$@" {INSTALL} --target {shlex.quote(str(site))}',
    }
    (home / "bin").mkdir()
    for name, line in programs.items():
        (home / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (home / "bin" / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n"
    )
    ours = ("GIT_", "PRE_COMMIT", "PIP_", "ARCHLINT_", "COLUMNS", "FORCE_COLOR", "GITHUB_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return inherited | {
        "PATH": os.pathsep.join([str(home / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).strip(":"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PRE_COMMIT_COLOR": "never",
        "GIT_CONFIG_NOSYSTEM": "1",
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }


def run(command, folder, env):
    """What a command prints; and the folder that it leads to."""
    after = env["HOME"] + "/pwd"
    command = command.rstrip("\n")
    done = subprocess.run(
        ["sh", "-c", f"{command}\npwd > {shlex.quote(after)}\n"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    text = done.stdout.replace(env["HOME"] + "/site", ".../site-packages")
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    return text, Path(Path(after).read_text().strip())


def followed(page, folder, env, wanted=lambda output: True):
    """The page with what is printed now.

    ``wanted`` says of what a command printed, as the page has it, whether the command is run.
    """

    def step(found):
        nonlocal folder
        if found["file"] or found["rules"]:
            path = folder / (found["file"] or found["named"] or "archlint.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found["text"] if found["file"] else found["rules"])
            return found[0]
        if found["edit"]:
            assert run(found["edit"], folder, env) == ("", folder)
            return found[0]
        told = []
        for command, output in transcript(found["console"]):
            if wanted(output):
                output, folder = run(command[2:], folder, env)
            told.append(command + output)
        return f"```{found['kind'] or ''}\n{''.join(told)}```"

    return STEP.sub(step, page)


def transcript(console):
    """The commands of a block, each with what it printed."""
    starts = list(COMMAND.finditer(console))
    ends = [*(s.start() for s in starts[1:]), len(console)]
    return [(s[0], console[s.end() : end]) for s, end in zip(starts, ends, strict=True)]


def comparable(page):
    """Without times, how many runs fitted into them, names of commits, words of one PyTorch."""
    page = re.sub(r"(?:^\[\d+/\d+\] .*\n)+", _in_any_order, page, flags=re.MULTILINE)
    page = re.sub(r"\d+\.\d+ s\b", "0 s", page)
    page = re.sub(r"\d+ samples? on", "8 samples on", page)
    page = re.sub(r"^index [0-9a-f]+\.\.[0-9a-f]+", "index", page, flags=re.MULTILINE)
    return page.replace("RuntimeError: addmm: mat1", "RuntimeError: mat1")


def _in_any_order(progress: re.Match[str]) -> str:
    """Lines such as ``[1/3] …``, which come as two processes are done, without their numbers."""
    lines = (line.partition("] ")[2] for line in progress[0].splitlines(keepends=True))
    return "".join(sorted(lines))
