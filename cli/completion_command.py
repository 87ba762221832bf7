"""``ganmetrics completion bash|zsh|fish``."""

from __future__ import annotations

import click

from .grouped_help import Command

# The variable by which a shell asks the program what may follow the words typed so far.
VARIABLE = "_GANMETRICS_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands in your shell.

    \b
    ganmetrics completion bash >> ~/.bashrc
    ganmetrics completion zsh >> ~/.zshrc
    ganmetrics completion fish > ~/.config/fish/completions/ganmetrics.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(ctx.find_root().command, {}, "ganmetrics", VARIABLE).source())
