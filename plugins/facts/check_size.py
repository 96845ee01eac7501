"""Checks that there are enough facts for the relational predictor to learn from."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from jepa_core import Samples, SampleSet
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, source_of
from jepa_plugins.facts.joined_set import of_data
from jepa_plugins.facts.relational_predictor import RelationalPredictor
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.vocabulary import Vocabulary

NAME = "facts of relations that have few"
#: The share of all facts that may be of such relations.
SHARE = 0.1
#: Facts read; of a larger set an evenly spaced part, for an estimate.
_READ = 1 << 17


def task_size(context: Context) -> Iterator[Row]:
    """Warns, where each relation has a map to learn, if many facts are of relations with fewer facts than the states
    have components.

    Fewer facts do not determine a relation's map from width to width: it can fit them all and be anything elsewhere,
    so facts are learned by heart and their reversals not answered.
    """
    predictor = context.objective.spec.terms[0].predictor
    source = source_of(type(predictor))
    if not isinstance(predictor, RelationalPredictor) or context.nothing_counts:
        return
    vocabulary, width = Vocabulary.of(context.run.vocabulary), context.objective.model.config.hidden_size
    relations, counts = counted(of_data(context.run.data.train))
    few = counts < width
    share = float(counts[few].sum() / counts.sum())
    rarest = counts.argmin()
    told = f"{vocabulary.name(int(relations[rarest]))} has {int(counts[rarest])}, the model's states {width} components"
    advice = (
        f"; a map of {int(few.sum())} of {len(counts)} relations is not determined by so few, so expect what is held "
        "out to be answered badly: bring more facts of each, or make the model narrower (model.config.n_embd)"
    )
    much = share > SHARE
    verdict = Verdict.WARN if much else Verdict.PASS
    yield Row(NAME, verdict, share, f"≤ {SHARE:g} of all", told + (advice if much else ""), source)


def counted(train: SampleSet) -> tuple[Tensor, Tensor]:
    """Counts the facts of each relation; returns the relations' ids and the counts."""
    step = -(-len(train) // _READ)
    batch = train.__getitems__(range(0, len(train), step))
    facts = Samples(batch["input_ids"], batch["tags"])
    relations, counts = facts.ids[facts.tags == Role.RELATION].unique(return_counts=True)
    return relations, counts * step
