"""The command line: parse, wire, run one command, return an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from secretsync import __version__, log, stop
from secretsync.commands import Commands, Settings
from secretsync.errors import CHANGES_PENDING, FAILED, ROLLOUT_FAILED, SecretSyncError

if TYPE_CHECKING:
    from secretsync.destination import Report

logger = structlog.get_logger()

_EXAMPLES = """\b
Examples:
  secretsync --once --dry-run --diff    show what a run would do, and why
  secretsync --once                     do it: by hand, in CI, in a CronJob
  secretsync                            go on doing it, every 'interval'
  secretsync status                     what is deployed, and who runs it
  secretsync rollback                   what was live before; needs no source

\b
Exit codes:
  0  done, or nothing to do       3  changes pending (--dry-run)
  1  failed                       4  a rollout failed or timed out
  2  usage or configuration
"""


@click.group(cls=Commands, invoke_without_command=True, epilog=_EXAMPLES, context_settings={"max_content_width": 80})
@click.option(
    "--config",
    "-c",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("secretsync.yaml"),
    envvar="SECRETSYNC_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration.",
)
@click.option("--once", is_flag=True, help="One pass, then exit.")
@click.option("--dry-run", is_flag=True, help="With --once: write nothing; exit 3 when something would change.")
@click.option("--diff", is_flag=True, help="With --once: add the text difference of every file.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The report.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--verbose", "-v", is_flag=True, help="Log every step.")
@click.version_option(__version__)
@click.pass_context
def cli(
    context: click.Context,
    path: Path,
    once: bool,
    dry_run: bool,
    diff: bool,
    output: str,
    log_format: str,
    verbose: bool,
) -> None:
    """Deploy Rucio policy packages as Kubernetes Secrets.

    Fetches each package from git or an index, packs its files into Secrets, compares them with what is live, writes
    what differs, and restarts the workloads that mount them, until every pod runs the new code.
    """
    log.configure(log_format, verbose=verbose)
    context.obj = Settings(path, output)
    if context.invoked_subcommand:
        return
    if (dry_run or diff) and not once:
        raise click.UsageError("--dry-run and --diff go with --once")
    if once:
        context.exit(_once(context.obj, dry_run=dry_run, diff=diff, output=output))
    _for_ever(context.obj)


def _once(settings: Settings, *, dry_run: bool, diff: bool, output: str) -> int:
    from secretsync import assemble, report
    from secretsync.sync import preview, sync

    destinations = assemble.destinations(settings.configuration(), settings.base)
    codes = []
    for destination in destinations:
        try:
            told = preview(destination) if dry_run else sync(destination)
        except SecretSyncError as error:
            _explain(error, destination.name)
            codes.append(error.exit_code)
            continue
        click.echo(report.render(told, output, diff=diff), nl=False)
        codes.append(_exit_code(told))
    return worst(codes)


def _exit_code(report: Report) -> int:
    if report.refused:
        return FAILED
    if report.failed:
        return ROLLOUT_FAILED
    return CHANGES_PENDING if report.pending else 0


def worst(codes: Sequence[int]) -> int:
    """The exit code of several destinations: a failure says more than changes that are pending."""
    order = [0, CHANGES_PENDING, FAILED, 2, ROLLOUT_FAILED]
    return max(codes, key=order.index)


def _for_ever(settings: Settings) -> None:
    from secretsync.loop import Loop

    configuration = settings.configuration()
    logger.info("started", version=__version__, interval=configuration.interval)
    loop = Loop(
        lambda: _once(settings, dry_run=False, diff=False, output="text"),
        interval=configuration.interval,
        jitter=configuration.jitter,
    )
    try:
        loop.run()
    except stop.Stopped as stopped:
        # being asked to stop is how this form ends
        logger.info(str(stopped))


def _explain(error: SecretSyncError, where: str = "") -> None:
    for line in str(error).splitlines():
        logger.error("failed", **({"at": where} if where else {}), why=line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; expected errors are told in sentences, a bug with its traceback. Returns the exit code."""
    stop.listen()
    try:
        return cli.main(args=arguments, prog_name="secretsync", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return FAILED
    except SecretSyncError as error:
        _explain(error)
        return error.exit_code
    except stop.Stopped as stopped:
        logger.warning(str(stopped))
        return FAILED
    except Exception:
        logger.exception("this is a bug in secretsync; please report it")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
