"""A finished run as a plain folder of transformers': model and tokenizer, without predictor tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from jepa_core.assembly.card import card_of
from jepa_core.assembly.load import saved_names
from jepa_core.assembly.run_recipe import run_recipe
from jepa_core.checkpoint.weights import load_model
from jepa_core.errors import JepaError, one_line
from jepa_core.folder.elsewhere import refuse_unfinished
from jepa_core.folder.files import write_bytes
from jepa_core.folder.run_folder import RunFolder
from jepa_core.folder.whole_folder import whole_folder
from jepa_core.model import adapters
from jepa_core.model.build import build_model
from jepa_core.model.ends import say_what_ends
from jepa_core.model.from_folder import read_model
from jepa_core.model.hub import offline
from jepa_core.model.new_tokens import first_new, forget_rows, is_noted, noted_rows, remove_rows
from jepa_core.model.plain_tokenizer import plain_tokenizer, predictor_ids
from jepa_core.registry import Registry
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Files in the folder of a model that are not its tokenizer's.
_MODELS = ("config.json", "generation_config.json", adapters.CONFIG, "README.md")


def export(
    run_dir: str | Path,
    directory: str | Path,
    *,
    merge: bool = False,
    keep_predictors: bool = False,
    registry: Registry | None = None,
) -> Path:
    """Writes a folder for ``pipeline("text-generation")``, ``AutoModelForCausalLM`` and ``AutoTokenizer``.

    merge: for a run with LoRA, write one model of pretrained weights and adapters, not the adapters alone, which name
    the pretrained model and need peft. keep_predictors: keep predictor tokens and their rows. The data of the run are
    not read. Raises JepaError where that can't be done, and for a `directory` that is not empty.
    """
    folder, target = RunFolder(Path(run_dir)), Path(directory)
    _refuse(folder, target)
    names = saved_names(folder.vocabulary)
    leave = range(names.size, names.size) if keep_predictors else predictor_ids(names)
    with offline():
        model = _model(folder, names, registry)
    adapted = adapters.has_adapters(model)
    if merge and not adapted:
        raise JepaError(f"{folder.path}: trained all of its model, so there is nothing to merge: leave out --merge")
    if adapted and not merge and first_new(model, names) < leave.start:
        raise JepaError(
            f"{folder.path}: has tokens that its pretrained model has no rows for, so adapters alone are no model: "
            "add --merge"
        )
    plain = adapters.merge_adapters(model) if merge else model
    size = sum(tensor.nbytes for tensor in plain.state_dict().values())
    with whole_folder(target, 0 if adapted and not merge else size, hidden=True) as draft:
        if adapted and not merge:
            _write_adapters(plain, draft)
        else:
            _write_model(plain, names, leave, draft)
        for name, content in plain_tokenizer(_tokenizer_of(folder.model), names, leave).items():
            write_bytes(draft / name, content)
        write_bytes(draft / folder.card.name, card_of(folder, target.name).encode())
    return target


def _refuse(folder: RunFolder, target: Path) -> None:
    refuse_unfinished(folder)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise JepaError(f"{target}: there is something already; choose a folder that is empty or not there")
    folder.refuse_leading_out(folder.recipe, folder.vocabulary, folder.model)


def _model(folder: RunFolder, names: TokenNames, registry: Registry | None) -> PreTrainedModel:
    if not (folder.model / adapters.CONFIG).exists():
        try:
            return read_model(AutoModelForCausalLM, str(folder.model), local_files_only=True, dtype="auto")
        except JepaError as error:
            raise JepaError(f"{folder.model}: its weights do not fit its configuration: {error}") from error
        except Exception as error:  # whatever transformers makes of a damaged folder
            raise JepaError(f"{folder.model}: can't be read: {one_line(error)}") from error
    recipe = run_recipe(folder, registry or Registry.discover())
    model = build_model(recipe.model, names, recipe.search)
    load_model(model, folder.model)
    return model.eval()


def _write_model(model: PreTrainedModel, names: TokenNames, leave: range, draft: Path) -> None:
    if leave:
        rows = noted_rows(model) if is_noted(model) else leave.start
        remove_rows(model, leave, leave.start, max(leave.start, rows))
    forget_rows(model)
    say_what_ends(model, names)
    model.save_pretrained(draft)


def _write_adapters(model: PreTrainedModel, draft: Path) -> None:
    """Writes adapters without the rows of predictor tokens, which no pretrained model has a place for."""
    adapters.save_adapters(model, draft)
    config, weights = draft / adapters.CONFIG, draft / adapters.WEIGHTS
    said = {**json.loads(config.read_text(encoding="utf-8")), "trainable_token_indices": None}
    config.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    kept = {name: tensor for name, tensor in load_file(weights).items() if ".token_adapter." not in name}
    save_file(kept, weights, metadata={"format": "pt"})


def _tokenizer_of(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _MODELS)
    kept = [path for path in found if ".safetensors" not in path.name]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}
