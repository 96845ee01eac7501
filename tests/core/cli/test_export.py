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


def test_pushed_to_the_hub(cli, finished, tmp_path, monkeypatch):
    from jepa_core.assembly import push

    seen = {}

    def pushed(folder, name, private=False):
        seen.update(files={path.name for path in folder.iterdir()}, name=name, private=private)
        return "https://huggingface.co/me/mine"

    monkeypatch.setattr(push, "push_to_hub", pushed)
    done = cli("export", finished, tmp_path / "to", "--push-to-hub", "me/mine", "--private")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1] == "uploaded   https://huggingface.co/me/mine"
    assert {"README.md", "config.json", "model.safetensors"} <= seen.pop("files")
    assert seen == {"name": "me/mine", "private": True}


def test_offline_it_says_so_and_the_folder_stays(cli, finished, tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    done = cli("export", finished, tmp_path / "to", "--push-to-hub", "me/mine")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("jepa-run: me/mine: HF_HUB_OFFLINE keeps us off")
    assert (tmp_path / "to" / "model.safetensors").is_file()


def test_no_id_is_told_before_anything_is_written(cli, finished, tmp_path):
    assert "--push-to-hub a b" in cli("export", finished, tmp_path / "to", "--push-to-hub", "a b").stderr
    assert "no effect without --push-to-hub" in cli("export", finished, tmp_path / "to", "--private").stderr
    assert not (tmp_path / "to").exists()


def test_its_readme_is_the_runs_with_another_way_to_load_it(cli, finished, tmp_path):
    assert cli("export", finished, tmp_path / "to").exit_code == 0
    exported, own = (at.joinpath("README.md").read_text() for at in (tmp_path / "to", finished))
    assert 'pipeline("text-generation", model="to")' in exported
    assert "jepa_core.load(" in own
    assert exported.partition("## What the plain model")[2] == own.partition("## What the plain model")[2]
