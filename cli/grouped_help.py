"""Help with the options in groups, and the nearest name for a command that does not exist."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

import click

from ganmetrics.registry import nearest

GROUPS = ("Common", "Images", "Network", "Scores", "Output")
# A page with fewer options than this is read at a glance, without headings.
FEW = 7


def _in_group(name: str) -> type[click.Option]:
    return type(f"{name}Option", (click.Option,), {"group": name})


COMMON, IMAGES, NETWORK, SCORES, OUTPUT = map(_in_group, GROUPS)


class Several(click.Option):
    """An option that takes every following argument up to the next option, as shells expand ``--runs a/seed?/``."""

    group = "Scores"


class Command(click.Command):
    """A command whose help shows its options in groups."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, of which some options take several."""
        greedy = {spelling for each in self.params if isinstance(each, Several) for spelling in each.opts}
        return super().parse_args(ctx, list(_one_each(args, greedy)) if greedy else args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                rows[getattr(parameter, "group", "Common")].append(record)
        if sum(map(len, rows.values())) < FEW:
            rows = {"Options": [record for group in rows.values() for record in group]}
        for name, records in rows.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def _one_each(args: Sequence[str], greedy: Container[str]) -> Iterator[str]:
    """Yield arguments with the name of a greedy option before each of its values."""
    name, is_next = "", False
    for each in args:
        is_option = each.startswith("-")
        if is_option:
            name = each if each in greedy else ""
        elif name and not is_next:
            yield name
        # The first value follows its option already.
        is_next = is_option
        yield each


class Group(click.Group):
    """A group of such commands; a mistyped name is answered with the nearest one."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = nearest(name.lower(), self.list_commands(ctx))
            meant = f" Did you mean {near!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{meant}")
        return super().resolve_command(ctx, args)
