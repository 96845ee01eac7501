"""The command, as a user types it."""

from __future__ import annotations

import pytest
import typer
import yaml
from typer.testing import CliRunner

from jepa_core.errors import JepaError
from jepa_plugins.text.commands import app
from jepa_plugins.text.public_flags import FlagError

COMMAND = "python finetune.py --train_file a.jsonl --lbd 0.5 --predictors 2"


@pytest.fixture
def call():
    main = typer.Typer()
    main.add_typer(app, name="convert-flags")

    def run(*words: str) -> str:
        found = CliRunner().invoke(main, ["convert-flags", *words])
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == 0, found.output
        return found.output

    return run


def test_it_prints_a_recipe_under_remarks(call):
    printed = call(COMMAND)
    assert printed.startswith("# From: finetune.py")
    assert yaml.safe_load(printed)["objective"]["lambda_jepa"] == 0.5


def test_it_writes_a_new_file_only(call, tmp_path):
    assert call(COMMAND, "--out", str(tmp_path / "r.yaml")) == f"wrote {tmp_path / 'r.yaml'}\n"
    assert (tmp_path / "r.yaml").read_text() == call(COMMAND)
    with pytest.raises(JepaError, match=r"r\.yaml: not written: File exists"):
        call(COMMAND, "--out", str(tmp_path / "r.yaml"))
    with pytest.raises(JepaError, match="No such file"):
        call(COMMAND, "--out", str(tmp_path / "none" / "r.yaml"))


def test_a_mistake_is_a_users(call):
    with pytest.raises(FlagError, match="did you mean 'lbd'"):
        call("python finetune.py --train_file a --lbda 1")


def test_help_shows_what_is_typed(call):
    assert "convert-flags [OPTIONS] LINE" in call("--help")
