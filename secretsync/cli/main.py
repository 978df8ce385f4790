"""The command line: parse, wire, run one command, return an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from secretsync.cli.commands import Commands, Settings, explain
from secretsync.core import log, shutdown
from secretsync.core.errors import FAILED, SecretSyncError, worst

if TYPE_CHECKING:
    from secretsync.reconcile.all_targets import Outcome

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


def _versions(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from secretsync.cli.versions import versions

        click.echo(versions())
        context.exit()


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
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_versions, help="And what it stands on."
)
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
        context.exit(_once(context.obj, dry_run=dry_run, diff=diff))
    _for_ever(context.obj)


def _once(settings: Settings, *, dry_run: bool, diff: bool) -> int:
    from secretsync.cli import apply

    def tell(outcome: Outcome) -> None:
        _tell(outcome, settings.output, diff=diff)

    if dry_run:
        told = apply.preview_all(settings.configuration(), settings.base, tell)
    else:
        told = apply.sync_all(settings.configuration(), settings.base, tell)
    if len(told) > 1 and settings.output == "text":
        from secretsync.cli.output.outcomes import render

        click.echo(render(told), nl=False)
    return worst(outcome.exit_code for outcome in told)


def _tell(outcome: Outcome, output: str, *, diff: bool = False) -> None:
    from secretsync.cli import output as report

    if outcome.error:
        explain(outcome.error, outcome.destination.name)
    elif outcome.report:
        click.echo(report.render(outcome.report, output, diff=diff), nl=False)
        for degraded in outcome.report.plan.degraded:
            explain(degraded.error, outcome.destination.name)


def _for_ever(settings: Settings) -> None:
    from secretsync.service.daemon import Service

    try:
        Service(settings.path, lambda outcome: _tell(outcome, settings.output)).run()
    except shutdown.Stopped as stopped:
        # being asked to stop is how this form ends
        logger.info(str(stopped))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; expected errors are told in sentences, a bug with its traceback. Returns the exit code."""
    shutdown.install_signal_handlers()
    try:
        return cli.main(args=arguments, prog_name="secretsync", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return FAILED
    except SecretSyncError as error:
        explain(error)
        return error.exit_code
    except shutdown.Stopped as stopped:
        logger.warning(str(stopped))
        return FAILED
    except Exception:
        logger.exception("this is a bug in secretsync; please report it")
        return FAILED
    finally:
        shutdown.restore_signal_handlers()


if __name__ == "__main__":
    sys.exit(main())
