"""Finished runs, loaded again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from jepa_core.assembly.assemble import assemble, load_data
from jepa_core.assembly.build import make_evaluations
from jepa_core.assembly.changes import OtherData, data_print, moved_tokens, noted
from jepa_core.assembly.guarded_evaluation import guarded_all
from jepa_core.assembly.rehearsed import extended, read_rows, rehearsing
from jepa_core.assembly.run_recipe import run_recipe
from jepa_core.errors import DataError, JepaError
from jepa_core.evaluation.finite import not_finite
from jepa_core.evaluation.splits import evaluate_splits
from jepa_core.folder.elsewhere import refuse_unfinished
from jepa_core.folder.files import read_json
from jepa_core.folder.run_folder import RunFolder
from jepa_core.model.hub import offline
from jepa_core.objective.objective import JepaObjective
from jepa_core.recipe.abridged import as_table
from jepa_core.registry import Registry
from jepa_core.samples.asking import Answer, Asker, Manner
from jepa_core.samples.fingerprint import changed
from jepa_core.samples.sample_set import SampleSet, TaskData
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe


@dataclass(frozen=True, repr=False)
class LoadedRun:
    """A finished run: objective (with its components), model, data, recipe."""

    objective: JepaObjective
    model: nn.Module
    data: TaskData
    recipe: Recipe

    def __repr__(self) -> str:
        parts = ", ".join(f"{kind} {type(part).__name__}" for kind, part in self.components.items() if kind != "filter")
        return f"LoadedRun({self.recipe!r}; {parts}; ask it with .ask(…))"

    def _repr_html_(self) -> str:
        return as_table(repr(self), self.recipe.model_dump())

    @property
    def vocabulary(self) -> TokenNames:
        return self.data.vocabulary

    @property
    def components(self) -> dict[str, Any]:
        """Kind -> component of the first JEPA term, as the objective uses it."""
        term, spec = self.objective.spec.terms[0], self.objective.spec
        return {
            "reversal": term.reversal,
            "mask": spec.mask,
            "embedding": (term.source, term.target),
            "predictor": term.predictor,
            "distance": term.distance,
            "filter": term.filters,
        }

    def ask(self, questions: str | Sequence[str], plain: bool = False, count: int = 3) -> list[Answer]:
        """Answers questions written as the dataset writes them. plain: by the model alone; count: so many, where
        answers are ranked. Raises JepaError for a question that can't be read."""
        return self.asker(plain, count)([questions] if isinstance(questions, str) else questions)

    def asker(self, plain: bool = False, count: int = 3, max_new_tokens: int = 128) -> Asker:
        """Makes a function that answers questions, for more than one use."""
        if self.data.ask is None:
            raise JepaError("nothing can be asked of this run: its dataset has no 'ask'")
        return self.data.ask(self.data, self.objective, Manner(plain, count, max_new_tokens))


def load(output_dir: str | Path, registry: Registry | None = None) -> LoadedRun:
    """Loads a finished run, in evaluation mode: objective, model, components, data and recipe.

    Raises JepaError when the folder holds no finished run, or its data are not there any more.
    """
    folder = RunFolder(Path(output_dir))
    refuse_unfinished(folder)
    return load_weights_of(folder, folder.model, registry or Registry.discover())


def load_weights_of(folder: RunFolder, weights: Path | None, registry: Registry) -> LoadedRun:
    """Loads the run of a folder, with these weights or (None) those it would start from, without the network.

    Raises JepaError also where a link in the folder leads out of it: somebody else may have made it.
    """
    folder.refuse_leading_out(*folder.files, *([weights] if weights else []))
    recipe = run_recipe(folder, registry)
    with offline():
        data = load_data(recipe, registry)
        if recipe.rehearsal is not None and folder.rehearsed.is_file():
            data, recipe = extended(recipe, data, registry, read_rows(folder.rehearsed)[1]), rehearsing(recipe)
        if weights is not None:
            _refuse_other_tokens(folder.vocabulary, data.vocabulary)
        objective = assemble(recipe, data, registry, weights).eval()
    return LoadedRun(objective, objective.model, data, recipe)


def saved_names(path: Path) -> TokenNames:
    """Reads the vocabulary that a run wrote. Raises JepaError naming the file where it is none."""
    try:
        return TokenNames.from_json(read_json(path))
    except DataError as error:
        raise JepaError(f"{path}: {error}") from error


def _refuse_other_tokens(path: Path, vocabulary: TokenNames) -> None:
    """Raises OtherData where the data have other tokens than the run had: the weights know tokens by their ids."""
    known = saved_names(path)
    if known.to_json() != json.loads(json.dumps(vocabulary.to_json())):
        moved = moved_tokens(known.token_to_id, vocabulary.token_to_id)
        others = f"the data have other tokens by now than the run was trained with{moved and f': {moved}'}"
        raise OtherData(f"{path}: {others}; put back the data that it trained on")


def evaluate_again(
    output_dir: Path,
    per_layer: bool | None = None,
    registry: Registry | None = None,
    say: Callable[[str], None] = lambda message: None,
    file: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Loads a finished run and evaluates it on its recipe's data; `say` is told when they changed since.

    per_layer: None as the recipe says; file: evaluate on what is in it instead. Raises JepaError when there is no
    finished run, its tokens changed, or its dataset does not read such a file.
    """
    registry = registry or Registry.discover()
    loaded = load(output_dir, registry)
    settings = loaded.recipe.evaluation
    if per_layer is not None:
        settings = settings.model_copy(update={"per_layer": per_layer})
    if names := changed(noted(RunFolder(Path(output_dir))).get("data"), data_print(loaded.data)):
        say(f"warning: {output_dir}: its data changed since it trained: {', '.join(names)}")
    sets = loaded.data.evaluation
    if file is not None:
        sets, settings = _read(file, loaded, say), settings.model_copy(update={"splits": None})
    evaluations = make_evaluations(loaded.recipe, loaded.objective, loaded.data, registry)
    metrics = evaluate_splits(loaded.objective, sets, settings, guarded_all(loaded.recipe, evaluations))
    for warning in not_finite(metrics):
        say(warning)
    return metrics


def _read(file: str, loaded: LoadedRun, say: Callable[[str], None]) -> dict[str, SampleSet]:
    """Reads the set in a file; returns it by the file's name."""
    if loaded.data.read is None:
        raise JepaError(f"{file}: '{loaded.recipe.data.name}' reads no sets but those of its recipe")
    found, notes = loaded.data.read(file)
    for each in notes:
        say(each)
    return {Path(file).stem: found}
