"""Help in the words of its reader: arguments and options by what they mean, commands in sections."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from typer.core import TyperCommand, TyperGroup

#: The section of commands that name none, such as a task's; and of all, where none names any.
FURTHER, ALL = "Further commands", "Commands"


class HelpfulCommand(TyperCommand):
    """A command whose help names no type of Python's: a metavar says what is meant."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return _usage(self, ctx)

    def format_options(self, ctx: Any, formatter: object) -> None:
        _write_parameters(self, ctx, formatter)


class HelpfulGroup(TyperGroup):
    """Commands with such help, in sections named by their ``rich_help_panel``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*_usage(self, ctx), *filter(None, [self.subcommand_metavar])]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)
        shown = [(name, command) for name, command in self.commands.items() if not command.hidden]
        width = max((len(name) for name, _ in shown), default=0)
        rest = FURTHER if any(_section(command, "") for _, command in shown) else ALL
        for title, commands in groupby(shown, key=lambda each: _section(each[1], rest)):
            with formatter.section(title):
                limit = formatter.width - width - 4
                rows = [(f"{name:<{width}}", command.get_short_help_str(limit)) for name, command in commands]
                formatter.write_dl(rows)


def _section(command: object, rest: str) -> str:
    panel = getattr(command, "rich_help_panel", None)
    return panel if isinstance(panel, str) else rest


def _usage(command: Any, ctx: Any) -> list[str]:
    arguments = [parameter for parameter in command.get_params(ctx) if parameter.param_type_name == "argument"]
    return [*filter(None, [command.options_metavar]), *map(_piece, arguments)]


def _piece(argument: Any) -> str:
    """An argument in the line of usage: in brackets where it may be left out.

    >>> from types import SimpleNamespace as Argument
    >>> _piece(Argument(metavar="KEY=VALUE", name="overrides", required=False, nargs=-1))
    '[KEY=VALUE]...'
    """
    name = _named(argument)
    return (name if argument.required else f"[{name}]") + "..." * (argument.nargs != 1)


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    shown = [parameter for parameter in command.get_params(ctx) if not getattr(parameter, "hidden", False)]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        if rows := [_row(parameter) for parameter in shown if parameter.param_type_name == kind]:
            with formatter.section(title):
                formatter.write_dl(rows)


def _row(parameter: Any) -> tuple[str, str]:
    if parameter.param_type_name == "argument":
        return _named(parameter), parameter.help or ""
    short_first = sorted([*parameter.opts, *parameter.secondary_opts], key=lambda option: option.startswith("--"))
    value = "" if parameter.is_flag else f" {_named(parameter)}"
    return ", ".join(short_first) + value, "  ".join([parameter.help or "", *_default(parameter)])


def _named(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _default(option: Any) -> Iterator[str]:
    """Yields the default, where the option has one that is worth saying."""
    shown = option.show_default
    if isinstance(shown, str):
        yield f"[default: {shown}]"
    elif shown and not option.is_flag and isinstance(option.default, int | str):
        yield f"[default: {option.default}]"
