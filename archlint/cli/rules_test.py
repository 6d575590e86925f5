"""``archlint rules test``: check packs against their examples."""

from __future__ import annotations

import click

from archlint.cli.exit_codes import EXIT_CANNOT_RUN
from archlint.cli.job_options import jobs_option
from archlint.cli.run_jobs import run_jobs
from archlint.contracts.text_layout import counted

CHECK = "archlint.engine.pipeline:check_contract"


@click.command()
@click.argument("words", nargs=-1, metavar="[PACK|PATH]...")
@jobs_option
@click.option("--quiet", "-q", is_flag=True, help="Show only failures and the summary.")
@click.pass_context
def test(ctx: click.Context, words: tuple[str, ...], jobs: int, quiet: bool) -> None:
    """Check packs against their example models.

    PACK is owner/name, or an owner for all packs of that owner. PATH is a pack file or a folder.
    Default: the packs of all installed packages. Each "keeps" example must satisfy the contracts;
    each "breaks" example must violate its contract, with the smallest sizes and the layer that it
    names. A pack needs examples of both kinds.

    Exit code: 0 if all examples pass; 1 if one fails or is missing; 2 if something could not run.
    """
    from archlint.project.packs.find_packs import find_packs
    from archlint.project.packs.pack_examples import example_tests, expected, failure_of, missing

    packs, errors = find_packs(words)
    tests = []
    for pack in packs:
        pack_tests, mistakes = example_tests(pack)
        errors += mistakes
        tests.append((pack, [] if mistakes else pack_tests))
    for error in errors:
        click.echo(error, err=True)
    todo = [test.job for _, pack_tests in tests for test in pack_tests]
    verdicts = iter(run_jobs(todo, jobs, check=CHECK, progress=not quiet))
    failed = could_not_run = count = 0
    for pack, pack_tests in tests:
        lines = [f"  MISSING  {what}" for what in missing(pack)]
        failed += len(lines)
        for test in pack_tests:
            verdict = next(verdicts)
            name = f"{test.example.ref.name} {expected(test.example, test.job.contract.id)}"
            failure = failure_of(test.example, verdict)
            count += 1
            failed += bool(failure)
            could_not_run += verdict.word == "error"
            if failure:
                where = test.job.contract.where
                lines += [f"  FAILED   {where}: {name}", f"           {failure}"]
            elif not quiet:
                lines.append(f"  passed   {name}")
        if lines:
            click.echo("\n".join([pack.name, *lines]))
    result = f"{failed} failed" if failed else "all passed" if count else "nothing was tested"
    click.echo(f"{counted(len(packs), 'pack')}, {counted(count, 'example')}, {result}")
    ctx.exit(EXIT_CANNOT_RUN if errors or could_not_run or not packs else int(bool(failed)))
