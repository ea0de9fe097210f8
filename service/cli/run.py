"""The command group, and how every way to end becomes an exit status.

Command modules import click and nothing heavy at their top: `--help` imports them all.
"""

from __future__ import annotations

import os
import sys
import traceback

import click

from service.cli import exits
from service.cli.check import check
from service.cli.collect import collect
from service.cli.completion import completion
from service.cli.docs import docs
from service.cli.evidence_command import evidence
from service.cli.lint import lint
from service.cli.own import new_policy, test_policies
from service.cli.patch_command import patch
from service.cli.policies_command import explain, policies
from service.cli.probe import probe
from service.cli.render import next_command, render
from service.cli.serve import serve
from service.cli.token import token

NAME = "mtc-preflight"
_START = """\
mtc-preflight checks the prerequisites of a migration with MTC before it starts.

  1. gather    mtc-preflight collect --source CONTEXT --destination CONTEXT -o bundle.json.gz
               (with your kubeconfig's contexts; reads only)
     or        mtc-preflight evidence --role source > gather-source.sh
               (a script for a machine that has only oc), or take a must-gather
  2. check     mtc-preflight check bundle.json.gz
     or        mtc-preflight check --source must-gather.tar.gz --destination dst.yaml \\
                 --plan plan.yaml
  3. fix       mtc-preflight explain MTC302

Exit status: 0 ready, 1 not ready, 2 unknown, 3 wrong input or usage.
All commands: mtc-preflight --help"""


class Root(click.Group):
    """The group; where whoever reads the output has enough, it ends without a verdict."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(limit=1000))
                    for name in self.list_commands(ctx)
                    if (command := self.get_command(ctx, name)) and not command.hidden
                ]
            )

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python would complain once more when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(exits.BROKEN_PIPE) from None
        return status


@click.group(
    NAME,
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, help="Show the version and exit.")
@click.option("--traceback", "show_traceback", is_flag=True, hidden=True)
@click.pass_context
def cli(ctx: click.Context, version: bool, show_traceback: bool) -> int:
    """Preflight checks for migrations with the Migration Toolkit for Containers (MTC).

    Exit status: 0 ready, 1 not ready, 2 unknown, 3 wrong input or usage.
    """
    if version:
        from importlib.metadata import version as of

        click.echo(f"{NAME} {of(NAME)}")
        ctx.exit(0)
    if ctx.invoked_subcommand is None:
        click.echo(_START)
    return exits.READY


for _command in (
    check,
    collect,
    evidence,
    explain,
    lint,
    patch,
    policies,
    probe,
    next_command,
    render,
    serve,
    token,
    new_policy,
    test_policies,
    docs,
    completion,
):
    cli.add_command(_command)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status. Never raises."""
    try:
        status = cli.main(arguments, NAME, standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return exits.BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return exits.INTERRUPTED
    except Exception as error:
        return _defect(error, "--traceback" in arguments)
    return status if isinstance(status, int) else exits.READY


def _defect(error: Exception, tell: bool) -> int:
    # The text of an exception may quote evidence, so only its type and place are logged.
    place = traceback.extract_tb(error.__traceback__)[-1]
    if tell:
        traceback.print_exception(error)
    name = os.path.basename(place.filename)
    click.echo(
        f"{NAME}: failed unexpectedly ({type(error).__name__} at {name}:{place.lineno}); this is a "
        f"defect of the program. `{NAME} --traceback …` shows more, possibly secrets too.",
        err=True,
    )
    return exits.DEFECT
