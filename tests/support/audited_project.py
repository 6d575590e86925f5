"""Rule files of models that depend on something outside, and what a run says of them."""

import json
import subprocess
import sys

from tests.support.cached_project import ENV


def rules(models):
    lines = "\n".join(f"  {model}" for model in models)
    contract = "{id: a, models: ['*'], input: N 3 H W, accepts: 'any H, W >= 4'}"
    return f"archlint: 1\nmodels:\n{lines}\ncontracts:\n  - {contract}\n"


def checked(project, module="tests.support.stub_models", **env):
    """Whether each verdict was cached, and its message, by model."""
    files = sorted(path.name for path in project.root.glob("*.yaml"))
    result = subprocess.run(
        [sys.executable, "-m", module, "check", "--format", "json", *files],
        cwd=project.root, env=ENV | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not result.stderr
    found = json.loads(result.stdout)["verdicts"]
    return {v["model"]: (v["cached"], v["verdict"] + v["message"]) for v in found}
