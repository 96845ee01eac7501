"""Changes since a run trained that its recipe does not show: in its data, and in the software and device it runs on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.assembly.provenance import device_name, plugin_code, versions
from jepa_core.errors import JepaError
from jepa_core.folder.files import read_json
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.strict_yaml import load_yaml
from jepa_core.samples.fingerprint import Fingerprint, changed, fingerprint, moved
from jepa_core.samples.sample_set import TaskData

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run
    from jepa_core.registry import Registry

#: The most moved tokens that are named.
NAMED = 3


class OtherData(JepaError):
    """The data differ from those that the run trained on."""

    exit_status = 2


def keep_for_resuming(run: Run, registry: Registry) -> None:
    """Makes the run's checkpoints keep what is compared on resuming, beside its recipe."""
    trainer = run.trainer
    trainer.made_with = {
        "data": data_print(run.data),
        "versions": {**versions(), "device": device_name(trainer.args.device)},
        "plugin_code": plugin_code(run.recipe, registry),
    }


def data_print(data: TaskData) -> Fingerprint:
    return fingerprint(data.train, data.evaluation, data.vocabulary.token_to_id)


def data_changes(before: object, now: Fingerprint, tokens_before: Mapping[str, int], tokens: Mapping[str, int]) -> str:
    """Says how the data differ from those trained on; an empty string where they don't.

    before: as a checkpoint or a run notes it, None where it doesn't; tokens: name -> token id.
    """
    names = changed(before, now)
    told = f"its data changed since it trained: {', '.join(names)}" if names else ""
    return "; ".join(words for words in (told, moved_tokens(tokens_before, tokens)) if words)


def moved_tokens(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """Says which trained names have other token ids now; an empty string where there are none."""
    names = moved(before, now)
    few = ", ".join(f"'{name}' was {before[name]} and is {now[name]}" for name in names[:NAMED])
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"token ids moved, so what was learned of one would be taken for another's: {few}{more}" if names else ""


def vocabulary_beside(checkpoint: Path) -> dict[str, int]:
    """Name -> token id of the run whose folder holds a checkpoint; empty where none does."""
    path = RunFolder(checkpoint.parent.parent).vocabulary
    return _mapping_in(read_json(path), "token_to_id") if path.is_file() else {}


def noted(folder: RunFolder) -> dict[str, Any]:
    """The ``resolved`` section of a run's recipe: the run's notes on itself."""
    return _mapping_in(load_yaml(folder.recipe).data, "resolved")


def version_changes(before: object, now: Mapping[str, str]) -> list[str]:
    """Lists what changed, as ``torch 2.12.0 before, 2.13.0 now``; a version that was not noted did not change."""
    if not isinstance(before, dict):
        return []
    other = {name: is_now for name, is_now in now.items() if before.get(name, is_now) != is_now}
    return [f"{name} {before[name]} before, {is_now} now" for name, is_now in other.items()]


def code_changes(before: object, now: Mapping[str, str]) -> list[str]:
    """Says which of the noted plugins have other code now."""
    if not isinstance(before, dict):
        return []
    other = [name for name, is_now in now.items() if before.get(name, is_now) != is_now]
    return [f"the code of the plugin {name} changed" for name in other]


def _mapping_in(data: object, key: str) -> dict[str, Any]:
    """The mapping under `key`; empty where the file is not as it was written."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
