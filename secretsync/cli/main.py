"""The command line: parse, wire, run one command, return an exit code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

import click
import structlog

from secretsync.cli.commands import ALIASES, COMMANDS, explain
from secretsync.cli.hints import with_hint
from secretsync.cli.options import Group, only_target
from secretsync.cli.settings import Settings
from secretsync.cli.streams import lasting_streams
from secretsync.core import shutdown
from secretsync.core.errors import FAILED, INTERRUPTED, TERMINATED
from secretsync.core.machine import expected_failure

logger = structlog.get_logger()

_EXAMPLES = """\b
Examples:
  secretsync plan --diff       show what would change, file by file
  secretsync apply             change it: by hand, in CI, in a CronJob
  secretsync run               apply at every 'interval'
  secretsync status            what is deployed, and which workloads run it
  secretsync rollback          go back to the revision before; needs no source

\b
'secretsync --once --dry-run' is the same as 'plan', 'secretsync --once'
as 'apply', and 'secretsync' alone as 'run'.

\b
Exit codes:
  0  done, or nothing to do       3  changes pending (plan, --dry-run)
  1  failed                       4  a rollout failed or timed out
  2  usage or configuration       130  Ctrl-C (143: SIGTERM)
"""


def _show_versions(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from secretsync.cli.versions import versions

        click.echo(versions())
        context.exit()


@click.group(
    cls=Group,
    table=COMMANDS,
    aliases=ALIASES,
    invoke_without_command=True,
    epilog=_EXAMPLES,
    context_settings={"max_content_width": 80, "help_option_names": ["-h", "--help"]},
)
@click.option("--once", is_flag=True, help="The same as 'apply'.")
@click.option("--dry-run", is_flag=True, help="With --once: the same as 'plan'.")
@click.option("--diff", is_flag=True, help="With --once: add the text of what differs, file by file.")
@only_target
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_versions, help="Show versions."
)
@click.pass_context
def cli(context: click.Context, once: bool, dry_run: bool, diff: bool, target_name: str | None) -> None:
    """Deploy Rucio policy packages as Kubernetes Secrets.

    Fetches each package from git or an index, packs its files into Secrets, compares them with the live ones, writes
    what differs, and restarts the workloads that mount them, until every pod runs the new code.
    """
    if context.invoked_subcommand:
        return
    from secretsync.cli.commands.passes import apply_command, plan_command, run_command

    if once:
        context.invoke(plan_command if dry_run else apply_command, diff=diff, target_name=target_name)
    if dry_run or diff:
        raise click.UsageError("--dry-run and --diff need --once, or a command: 'secretsync plan --diff'")
    if target_name:
        raise click.UsageError("--target needs --once or a command: 'secretsync apply --target NAME'")
    context.invoke(run_command)


def _failed(settings: Settings, code: str, category: str, message: str, exit_code: int) -> int:
    """A program that reads JSON gets a document for a command that could not begin, too. Returns *exit_code*."""
    if settings.output == "json":
        # imported here: commands that begin import what they print themselves
        from secretsync.cli.output import json
        from secretsync.cli.output.report import CommandFailed, Problem

        error = Problem(code=code, category=category, message=message)
        click.echo(json.render(CommandFailed(exit_code=exit_code, error=error)), nl=False)
    return exit_code


def _log_thread(failure: threading.ExceptHookArgs) -> None:
    """A bug in a thread, without the exception's text."""
    logger.error("this is a bug in secretsync; please report it", exc_info=failure.exc_value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: sentences for expected errors, a traceback for a bug alone. Returns the exit code."""
    shutdown.install_signal_handlers()
    threading.excepthook = _log_thread
    try:
        with lasting_streams() as output:
            exit_code = _run(arguments)
            output.flush()
            # a reader that went away has what it wanted
            if output.failure and not isinstance(output.failure, BrokenPipeError):
                click.echo(f"Error: standard output could not be written: {output.failure.strerror}", err=True)
                return FAILED
            return exit_code
    finally:
        shutdown.restore_signal_handlers()


def _run(arguments: Sequence[str] | None) -> int:
    settings = Settings()
    try:
        return cli.main(args=arguments, prog_name="secretsync", standalone_mode=False, obj=settings) or 0
    except click.ClickException as error:
        with_hint(error).show()
        return _failed(settings, "usage", "usage", error.format_message(), error.exit_code)
    except click.Abort:
        click.echo("nothing was done", err=True)
        return FAILED
    except (shutdown.Stopped, KeyboardInterrupt) as stopped:
        logger.warning(str(stopped) or "stopped")
        code = TERMINATED if getattr(stopped, "signal_name", "") == "SIGTERM" else INTERRUPTED
        return _failed(settings, "interrupted", "interrupted", str(stopped) or "stopped", code)
    except Exception as error:
        if failure := expected_failure(error):
            explain(failure)
            return _failed(settings, failure.code, failure.category, str(failure), failure.exit_code)
        logger.exception("this is a bug in secretsync; please report it")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
