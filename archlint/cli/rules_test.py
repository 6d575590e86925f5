"""``archlint rules test``: try packs on their examples."""

from __future__ import annotations

import sys

import click

from archlint.cli.run_jobs import EXIT_CANNOT_RUN, decide


@click.command()
@click.argument("words", nargs=-1, metavar="[PACK|PATH]...")
@click.option("--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True,
              metavar="N", help="Worker processes; each imports torch.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Show only what is not as it should be.")
@click.pass_context
def test(ctx: click.Context, words: tuple[str, ...], jobs: int, quiet: bool) -> None:
    """Run the examples of packs: each model must do what its pack says it does.

    PACK is owner/name, or an owner for all packs of theirs; PATH a pack file or a folder. Without
    arguments, the packs of installed packages. A model that keeps a pack must hold; one that
    breaks it must do so first at the sizes, and by the layer, that the example names. A pack
    without examples of both kinds fails.

    Exit code: 0 all as it should be; 1 some is not; 2 something could not be run.
    """
    from archlint.project.packs.find_packs import find
    from archlint.project.packs.pack_trials import expected, fault, missing, trials

    packs, wrong = find(words)
    tried = []
    for pack in packs:
        found, mistakes = trials(pack)
        wrong += mistakes
        tried.append((pack, [] if mistakes else found))
    for each in wrong:
        click.echo(each, err=True)
    todo = [trial.job for _, found in tried for trial in found]
    bar = not quiet and sys.stderr.isatty()
    verdicts = iter(decide(todo, jobs, bar, by="archlint.engine.pipeline:check_contract"))
    failed = errors = count = 0
    for pack, found in tried:
        lines = [f"  MISSING  {what}" for what in missing(pack)]
        failed += len(lines)
        for trial in found:
            verdict = next(verdicts)
            said = f"{trial.example.ref.name} {expected(trial.example, trial.job.contract.id)}"
            found_fault = fault(trial.example, verdict)
            count += 1
            failed += bool(found_fault)
            errors += verdict.word == "error"
            if found_fault:
                where = trial.job.contract.where
                lines += [f"  WRONG    {where}: {said}", f"           {found_fault}"]
            elif not quiet:
                lines.append(f"  ok       {said}")
        if lines:
            click.echo("\n".join([pack.name, *lines]))
    what = f"{failed} not as said" if failed else "all as said" if count else "nothing was tried"
    click.echo(f"{len(packs)} {'pack' if len(packs) == 1 else 'packs'}, {count} trials, {what}")
    ctx.exit(EXIT_CANNOT_RUN if wrong or errors or not packs else int(bool(failed)))
