"""The help that a newcomer reads: nothing cut off, no type of Python's, every command in its section."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer
from click import Context
from typer.testing import CliRunner

from jepa_core.cli.help import FURTHER, HelpfulCommand, HelpfulGroup
from jepa_core.cli.main import COMMANDS, app

WIDTH = 80


def commands(command=None, name: str = "jepa-run", parent: Context | None = None) -> Iterator[tuple[str, str]]:
    """Path and help of every command."""
    command = command or typer.main.get_command(app)
    context = Context(command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    yield context.command_path, command.get_help(context)
    for each in getattr(command, "commands", {}).values():
        yield from commands(each, each.name, context)


HELP = dict(commands())


@pytest.mark.parametrize("path", HELP)
def test_it_is_in_words(path):
    text = HELP[path]
    usage, _, rest = text.partition("\n")
    assert (
        re.findall(r"<[\w\[\] ]+>|\{[A-Z_]+\}|\.\.\.$|``|:\w+:`|x>=|\(\d+\)\]", f"{rest}\n{usage.rstrip('.')}", re.M)
        == []
    )
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_command_is_in_a_section_on_a_line_of_its_own():
    text = HELP["jepa-run"]
    titles = re.findall(r"^(\w.*):$", text, re.M)
    assert titles == ["Options", *COMMANDS, FURTHER]
    named = re.findall(r"^  ([a-z][a-z-]*)  +[A-Z].*[.]$", text, re.M)
    assert sorted(named) == sorted({path.split()[1] for path in HELP if " " in path})
    assert len({len(start) for start in re.findall(r"^(  [a-z][a-z-]*  +)[A-Z].*[.]$", text, re.M)}) == 1


def test_usage_tells_what_may_be_left_out():
    assert "Usage: jepa-run run [OPTIONS] RECIPE [KEY=VALUE]...\n" in HELP["jepa-run run"]
    assert "Usage: jepa-run report [OPTIONS] RUN_DIR...\n" in HELP["jepa-run report"]
    assert "Usage: jepa-run data [OPTIONS] COMMAND [ARGS]...\n" in HELP["jepa-run data"]


def test_both_names_of_an_option_stand_together_and_defaults_are_told():
    text = " ".join(HELP["jepa-run ask"].split())
    assert "-p, --plugin FILE|MODULE Use this Python file, or this module, as a plugin." in text
    assert "--max-new-tokens N Where a text that does not stop is cut. [default: 128]" in text
    assert "--plain Ask the saved model alone, without the objective. --top" in text


def test_a_stranger_s_command_needs_no_metavar():
    other = typer.Typer(cls=HelpfulGroup, rich_markup_mode=None, add_completion=False)

    @other.command(cls=HelpfulCommand)
    def one(first: str, second: int = 3, sure: bool = False) -> None:
        """Do one thing."""

    other.command(cls=HelpfulCommand, hidden=True)(lambda: None)

    @other.callback()
    def common() -> None:
        """Do things."""

    said = CliRunner().invoke(other, ["one", "--help"]).output
    assert "FIRST" in said.splitlines()[0]
    assert "--second SECOND" in said
    assert "[default: 3]" in said
    assert re.search(r"^  one  Do one thing\.$", CliRunner().invoke(other, ["--help"]).output, re.M)
