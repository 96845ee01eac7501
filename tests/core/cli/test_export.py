"""``jepa-run export``."""

from __future__ import annotations


def test_writes_a_folder_and_says_where(cli, finished, tmp_path):
    done = cli("export", finished, tmp_path / "to")
    assert (done.exit_code, done.stdout) == (0, f"written    {tmp_path / 'to'}\n")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in (tmp_path / "to").iterdir()}


def test_a_mistake_is_one_line_and_nothing_is_written(cli, finished, tmp_path):
    done = cli("export", finished, tmp_path / "to", "--merge")
    assert done.exit_code == 1
    assert "nothing to merge" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "to").exists()
