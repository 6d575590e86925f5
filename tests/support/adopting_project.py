"""A project with waivers and a baseline, whose verdicts are written down."""

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli import check as command
from archlint.contracts.verdict import At, Verdict

BASELINE = Path("archlint-baseline.json")


def broken(height=32, layer="head"):
    return Verdict(
        "broken",
        counterexample={"H": height, "W": 32},
        at=At(layer, "Linear(8, 2)", ""),
        message=f"H={height} W=32 is refused",
        details={"contract": "accepts any H, W", "fails at": f"H={height} W=32"},
    )


class Project:
    """An empty project: the rule files in it, what its models do, and ``archlint check``."""

    def __init__(self):
        self.models = {}

    def write(self, contracts, waivers=(), file="archlint.yaml"):
        """``contracts``: id → models; ``waivers``: (contract, model, until) or with a reason."""
        text = ["archlint: 1", "models:"]
        names = dict.fromkeys(name for models in contracts.values() for name in models)
        text += [f"  {name}: nets:{name}" for name in names]
        text.append("contracts:")
        for id, models in contracts.items():
            text.append(f"  - {{id: {id}, models: [{', '.join(models)}], input: N 3 H W, ")
            text.append("     accepts: any H}")
        if waivers:
            text.append("waivers:")
        for contract, model, until in waivers:
            keys = f"contract: '{contract}', model: '{model}', until: {until}"
            text.append(f"  - {{{keys}, reason: planned}}")
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("\n".join([*text, ""]))

    def run_logged(self, jobs, *_args, **_options):
        verdicts = []
        for job in jobs:
            where = job.contract.where
            found = self.models[job.ref.name]
            found = Verdict(found) if isinstance(found, str) else found
            verdicts.append(
                replace(
                    found, contract=job.contract.id, model=job.ref.name,
                    file=where.file, line=where.line,
                )
            )  # fmt: skip
        return verdicts

    def check(self, *options):
        return CliRunner().invoke(cli.cli, ["check", *options], catch_exceptions=False)

    def verdicts(self, *options):
        """(contract, model) → its verdict in JSON."""
        document = json.loads(self.check("--format=json", *options).stdout)
        return {(v["contract"], v["model"]): v for v in document["verdicts"]}

    def violations(self):
        return json.loads(BASELINE.read_text())["violations"]


def empty_project(folder, monkeypatch):
    """A project in ``folder``, which becomes the current one, on a day in 2026."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ARCHLINT_TODAY", "2026-06-15")
    project = Project()
    monkeypatch.setattr(command, "run_logged", project.run_logged)
    return project
