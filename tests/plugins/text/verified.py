"""The text checks of a tiny real run, with something broken in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import decoders

import jepa_core
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict
from jepa_core.verify.verify import verify
from jepa_plugins.text.text_set import TextSet
from tests.core.verify.breaking import changed
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe
from tests.plugins.text.specimen import tokenizer


def checked(folder: Path, *overrides: str, quick: bool = False, **parts: Any) -> Context:
    """parts: of the objective's spec, or of its term, in place of the recipe's."""
    recipe = pairs_recipe(folder, *overrides)
    run = jepa_core.build(recipe, REGISTRY)
    if parts:
        run.objective.close()
        run.objective = type(run.objective)(run.objective.model, changed(run.objective.spec, **parts))
    return Context(run, REGISTRY, quick=quick)


def with_tokenizer(folder: Path, template: str = "chatml", **options: Any) -> list[str]:
    """Overrides for a tokenizer that came with a chat template; its end of text pads."""
    made = tokenizer(template, **options)
    if options.get("kind") == "pieces":  # as Llama 2's
        steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        made.backend_tokenizer.decoder = decoders.Sequence(steps)
    made.save_pretrained(folder / "tok")
    return ["data.template=null", "data.tokenizer=FOLDER/tok", "model.config.n_positions=256"]


def broken(context: Context, change: Callable[[dict[str, Any]], None]) -> Context:
    """A training set whose batches are changed in place."""

    class Broken(TextSet):
        def __getitems__(self, items: Any) -> Any:
            batch = super().__getitems__(items)
            change(batch)
            return batch

    train = context.run.train_dataset
    context.run.data = replace(context.run.data, train=Broken(*train._opened_with))
    return context


def with_entry(context: Context, **fields: Any) -> Context:
    train = context.run.train_dataset
    train.entry = replace(train.entry, **fields)
    return context


def rows(context: Context) -> dict[str, Row]:
    """Name -> line, of the task's own checks."""
    return {row.name: row for row in verify(context, ()).rows}


def lines(context: Context, verdict: Verdict = Verdict.FAIL) -> set[str]:
    return {name for name, row in rows(context).items() if row.verdict is verdict}
