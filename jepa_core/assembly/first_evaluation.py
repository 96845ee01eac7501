"""A trial evaluation before the first step: a set that can't be read, or an evaluation that breaks its contract, is
told before hours of training and not after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.assembly.guarded_evaluation import guarded_all
from jepa_core.errors import ComponentError, JepaError, brief
from jepa_core.evaluation.evaluate import first_figures

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run
    from jepa_core.recipe.schema import Recipe
    from jepa_core.samples.sample_set import Batch, SampleSet

#: The distribution whose evaluations are not tried: their own tests do that, and some ask for all candidates.
OURS = "jepa-core"
#: Samples of each group that an evaluation is tried on.
FEW = 2


def try_evaluation(run: Run) -> None:
    """Measures a few samples of each set that will be, by further evaluations too. Weights, modes and random numbers
    stay as they were. Raises RecipeError naming the set or evaluation and what is wrong."""
    settings, recipe = run.recipe.evaluation, run.recipe
    chosen = {name: run.eval_datasets[name] for name in settings.splits or run.eval_datasets}
    guarded = guarded_all(recipe, run.evaluations)
    further = {
        each.name: (f"evaluation.also.{i}", guarded[each.name])
        for i, each in enumerate(settings.also)
        if run.registry.find("evaluation", each.name).distribution != OURS
    }
    for name, data_set in chosen.items():
        few = Few(data_set)
        with _told(recipe, "data", f"'{recipe.data.name}' gives a set '{name}' that can't be evaluated"):
            known = dict(first_figures(run.objective, few))
        for key, measure in further.values():
            with _told(recipe, key), torch.random.fork_rng(devices=()):
                found = measure(name, few, settings.batch_size)
            if taken := sorted(known.keys() & found.keys()):
                raise recipe.error(key, f"gives '{taken[0]}', which is measured already; give its figures a prefix")
            known |= found


@contextmanager
def _told(recipe: Recipe, key: str, words: str = "") -> Iterator[None]:
    try:
        yield
    except ComponentError as error:
        told = str(error).partition(f"{key}: ")[2] or str(error)  # a guarded evaluation names its place
        raise recipe.error(key, f"{words}: {told}" if words else told) from error
    except JepaError:
        raise
    except (Exception, SystemExit) as error:
        raise recipe.error(key, f"{words}: {brief(error)}") from error


class Few:
    """The first samples of each group of a set, as a set; anything else about it is as in the whole."""

    def __init__(self, whole: SampleSet):
        self._whole = whole
        by_group = {group: whole.first_rows(group, FEW) for group in whole.group_sizes}
        self._rows = torch.cat([*by_group.values(), torch.zeros(0, dtype=torch.int64)]).sort().values
        self._of_group = {g: torch.isin(self._rows, rows).nonzero().flatten() for g, rows in by_group.items()}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, item: int) -> Batch:
        return self._whole[int(self._rows[item])]

    def __getitems__(self, items: Sequence[int]) -> Batch:
        return self._whole.__getitems__(self._rows[list(items)].tolist())

    @property
    def group_sizes(self) -> Mapping[str, int]:
        return {group: len(rows) for group, rows in self._of_group.items()}

    def first_rows(self, group: str, count: int) -> Tensor:
        return self._of_group.get(group, self._rows[:0])[:count]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)
