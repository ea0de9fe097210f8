"""`mtc-preflight completion`: the shell's completion script."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  mtc-preflight completion bash > ~/.local/share/bash-completion/completions/mtc-preflight
    zsh:   mtc-preflight completion zsh > "${fpath[1]}/_mtc-preflight"
    fish:  mtc-preflight completion fish > ~/.config/fish/completions/mtc-preflight.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = ctx.find_root()
    click.echo(kind(root.command, {}, "mtc-preflight", "_MTC_PREFLIGHT_COMPLETE").source())
