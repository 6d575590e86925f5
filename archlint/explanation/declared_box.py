"""What a declared range could be: the largest box of accepted sizes inside it."""

from __future__ import annotations

from archlint.contracts.region import ordinary_sizes
from archlint.contracts.rulefile.ranges.range_contract import phrase
from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.describe.largest_box import GoodBox, largest_box, typical_member
from archlint.engine.exploration import Exploration
from archlint.symbolic.formula import conj, holds
from archlint.symbolic.solver.solver import Unsolved


def box_text(run: CheckRun, exploration: Exploration) -> str:
    """The largest good box around the size that is optimized for; empty if none is proved."""
    question, declared = run.question, run.contract.clause.declared
    accepted = conj(exploration.accepted, question.premise)
    opt = dict(declared.opt) if declared else {}
    note = ""
    try:
        complete = all(name in opt for name in question.names)
        if not complete or not holds(accepted, opt):
            if complete and holds(question.premise, opt):
                note = f"; opt {size_text(opt)} itself is refused"
            wished = ordinary_sizes(question.names, question.batch, 224) | opt
            point = typical_member(question.names, question.box, accepted, wished, run.deadline)
            if point is None:
                return ""
            opt = point
        names, box = question.names, question.box
        stated = declared.steps if declared else {}
        plain = largest_box(names, box, accepted, opt, run.deadline, declared=stated)
        steps = largest_box(names, box, accepted, opt, run.deadline, steps=True, declared=stated)
    except Unsolved:
        return ""
    around = size_text({name: opt[name] for name in question.names})
    lines = [f"{_text(plain)}   ({_kind(plain)} around {around}{note})"]
    if steps.count > plain.count:
        lines.append(f"{_text(steps)}   ({_kind(steps)} with these multiples)")
    return "\n".join(lines)


def _text(box: GoodBox) -> str:
    return phrase(list(box.spans.items()))


def _kind(box: GoodBox) -> str:
    return "the largest" if box.largest else "proved; there may be a larger one"
