"""Runs the steps of ``action.yml``: its shell in bash, the actions that it uses as stand-ins."""

import os
import re
import shutil
import subprocess

import yaml

from tests import REPO

STEPS = yaml.safe_load((REPO / "action.yml").read_text())["runs"]["steps"]
DEFAULTS = {
    name: entry["default"]
    for name, entry in yaml.safe_load((REPO / "action.yml").read_text())["inputs"].items()
}


class Runner:
    """A hosted runner: a workspace, a temporary folder, and what GitHub keeps between runs.

    ``caches`` is a folder by key, ``artifacts`` a folder by name, ``sarif`` what was uploaded by
    category.
    """

    def __init__(self, folder, path):
        self.caches, self.artifacts, self.sarif = {}, {}, {}
        self.folder, self.path, self.number = folder, path, 0

    def run(self, workspace, sha, job="check", index=0, **inputs):
        """Run the action. Returns its exit code, its outputs and what its steps printed."""
        self.number += 1
        temp = self.folder / f"temp-{self.number}"
        temp.mkdir()
        self.workspace, self.failed, self.printed = workspace, False, ""
        self.context = {f"inputs.{k}": v for k, v in DEFAULTS.items()}
        self.context |= {f"inputs.{k.replace('_', '-')}": v for k, v in inputs.items()}
        self.context |= {
            "runner.os": "Linux", "runner.temp": str(temp), "github.job": job, "github.sha": sha,
            "strategy.job-index": str(index), "github.action_path": str(REPO),
        }  # fmt: skip
        self.ran = []
        for step in STEPS:
            condition = str(step.get("if", "success()"))
            if self.value(condition if "(" in condition else f"success() && ({condition})"):
                self.ran.append(step["name"])
                self.step(step, temp)
        return self.context.get("steps.check.outputs.exit-code"), self.printed

    def step(self, step, temp):
        values = {k: self.text(v) for k, v in (step.get("env") or step.get("with") or {}).items()}
        if "uses" in step:
            outputs = getattr(self, re.sub(r"\W", "_", step["uses"].partition("@")[0]))(**values)
        else:
            outputs = self.shell(step, values, temp)
        for name, value in (outputs or {}).items():
            self.context[f"steps.{step.get('id')}.outputs.{name}"] = value

    def shell(self, step, env, temp):
        output = temp / "output"
        output.touch()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace / self.text(step.get("working-directory", ".")),
            capture_output=True, text=True,
            env=os.environ | env | {
                "PATH": f"{self.path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            },
        )  # fmt: skip
        self.printed += done.stdout + done.stderr
        self.failed |= done.returncode != 0
        return dict(line.split("=", 1) for line in output.read_text().splitlines())

    # -- what the used actions do, as their documentation says -------------------------------------

    def actions_cache_restore(self, path, key, restore_keys="", **options):
        keys = [*options.get("restore-keys", restore_keys).split()]
        found = key if key in self.caches else None
        for start in () if found else keys:
            matching = [k for k in self.caches if k.startswith(start)]
            found = found or next(iter(reversed(matching)), None)
        if found:
            shutil.copytree(self.caches[found], self.workspace, dirs_exist_ok=True)
        return {"cache-hit": str(found == key).lower(), "cache-primary-key": key}

    def actions_cache_save(self, path, key):
        kept = self.folder / f"cache-{len(self.caches)}"
        for cache in self.workspace.glob(path):
            shutil.copytree(cache, kept / cache.relative_to(self.workspace))
        if kept.is_dir():  # else it warns
            self.caches.setdefault(key, kept)

    def github_codeql_action_upload_sarif(self, sarif_file, category):
        with open(sarif_file) as file:
            self.sarif[category] = yaml.safe_load(file)

    def actions_upload_artifact(self, name, path, **options):
        assert options == {"if-no-files-found": "ignore", "overwrite": "true"}
        files = {f for f in self.folder.joinpath(path).rglob("*") if f.is_file()}
        if files:
            self.artifacts[name] = {str(f.relative_to(path)) for f in files}

    # -- expressions -------------------------------------------------------------------------------

    def text(self, value):
        """A text with the values of its ``${{ }}``; true and false as GitHub writes them."""
        value = str(value).lower() if isinstance(value, bool) else str(value)
        return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(self.value(m[1])), value)

    def value(self, expression):
        """The value of an expression; contexts that are not set are empty."""
        known = {"cancelled()": "False", "always()": "True", "success()": str(not self.failed)}
        tokens = re.findall(r"'[^']*'|\w+\(\)|[\w.-]+|!=|==|&&|\|\||[!()]", expression)
        words = {"&&": "and", "||": "or", "!": "not"}
        python = [
            words.get(t) or known.get(t)
            or (t if not re.match(r"\w", t) else repr(self.context.get(t, "")))
            for t in tokens
        ]  # fmt: skip
        return eval(" ".join(python))
