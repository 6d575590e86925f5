"""``--format acme-markdown``: a table for a comment on a pull request."""

from archlint.extend import hookimpl


def table(run):
    lines = ["| contract | model | verdict | |", "|---|---|---|---|"]
    for v in run.verdicts:
        lines.append(f"| {v.contract} | {v.model} | {v.word} | {v.message} |")
    lines += [f"\n{mistake}" for mistake in run.mistakes]
    return "\n".join(lines)


@hookimpl
def archlint_reporters():
    return {"acme-markdown": table}
