"""The command line with its neighbours replaced: rule files of a few lines, and a ``decide`` whose
model names say what happens. ``python -m tests.support.stub_cli check …`` runs it."""

import ctypes
import os
import signal
import sys
import time
import types

import yaml

from archlint.cli import app as cli
from archlint.contracts.contract import Budget, Contract, ModelRef, SizeClause, TensorInput, Waiver
from archlint.contracts.rulefile import load as rulefile
from archlint.contracts.verdict import Proof, Samples, Verdict
from archlint.errors import Location, Mistake, RuleFileError
from archlint.runner import pool as workers
from archlint.symbolic import symbol
from archlint.symbolic.formula import ge

CHECK = "tests.support.stub_cli:decide"


def contract(id="any-photo", model="proved", seconds=60.0, file="rules.yaml", line=3):
    height = symbol("H")
    return Contract(
        id=id,
        input=TensorInput((1, 3, height, height)),
        clause=SizeClause("any", ge(height, 32), "any H >= 32"),
        models=(ModelRef(model, f"stub:{model}"),),
        budget=Budget(seconds=seconds),
        where=Location(file, line),
    )


def decide(contract, ref, *, root, samples):
    known = {
        "contract": contract.id, "model": ref.name,
        "file": contract.where.file, "line": contract.where.line,
    }  # fmt: skip
    match ref.target.removeprefix("stub:"):
        case "hang":
            loop_forever()
        case "marks":
            (root / "started").write_text(str(os.getpid()))
            loop_forever()
        case "exits":
            print("last words")
            os._exit(3)
        case "silences":
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            loop_forever()
        case "orphans":
            if os.fork() == 0:
                loop_forever()
            os._exit(3)
        case "crashes":
            crash()
        case "raises":
            raise ValueError("bad luck")
        case "quits":
            sys.exit(1)
        case "interrupts":
            raise KeyboardInterrupt
        case "prints":
            print("to stdout")
            print("to stderr", file=sys.stderr)
            os.system("echo from a child")
        case "reads":
            known["message"] = repr(sys.stdin.read())
        case "arguments":
            known["message"] = repr(sys.argv[1:])
        case "slow":
            time.sleep(0.3)
        case "gate":
            while not (root / "gate").exists():
                time.sleep(0.02)
        case "process":
            known["message"] = str(os.getpid())
        case "server":
            known["message"] = str(os.getppid())
        case "samples":
            known["message"] = f"samples={samples} root={root}"
        case "torchless":
            known["message"] = os.environ["OMP_NUM_THREADS"]
        case "unpicklable":
            known["message"] = lambda: None
        case "nothing":
            return None
        case "broken" | "tested" | "vacuous" | "error" as word:
            return Verdict(word, **known, message=f"because it is {word}")
    return Verdict("proved", **known, proof=Proof(1, 12, True), samples=Samples(8), seconds=0.41)


def loop_forever():
    while True:
        time.sleep(0.05)


def crash():
    ctypes.string_at(0)


def load(path):
    text = path.read_text()
    data = yaml.safe_load(text)
    if "contracts" not in data:
        mistakes = [
            Mistake(Location(str(path), 2, 1), f"unknown key {key!r}", "contracts", f"{key}: 0")
            for key in data
            if key != "archlint"
        ]
        raise RuleFileError(mistakes)
    contracts = []
    for line, (id, models) in enumerate(data["contracts"].items(), 3):
        refs = tuple(ModelRef(m, f"stub:{m}") for m in models)
        made = contract(id, "none", data.get("seconds", 60.0), str(path), line)
        contracts.append(Contract(**{**vars(made), "models": refs}))
    where = Location(str(path), 2)
    waivers = [
        Waiver(w["contract"], w["model"], w["reason"], w["until"], where)
        for w in data.get("waivers", ())
    ]
    return types.SimpleNamespace(
        path=path, models=(), contracts=tuple(contracts), waivers=tuple(waivers)
    )


def install(setattr=setattr):
    setattr(rulefile, "load", load)
    setattr(workers, "CHECK", CHECK)
    setattr(workers, "GRACE", 1.0)


if __name__ == "__main__":
    install()
    cli.main()
