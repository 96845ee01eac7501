"""Checks that there are enough facts for the relational predictor to learn from, and that they are seen enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from torch import Tensor

from jepa_core import Samples, SampleSet
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, source_of
from jepa_plugins.facts.joined_set import of_data, of_group
from jepa_plugins.facts.relational_predictor import RelationalPredictor
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.vocabulary import Vocabulary

NAME = "facts of relations that have few"
#: The share of all facts that may be of such relations.
SHARE = 0.1
PASSES = "passes over the facts"
#: With six pairs of relations 15, 29 and 44 passes found held-out answers with an mrr of about 0.27, 0.6 and 0.75; at
#: 70 all recipes find nearly all that they ever do.
FEW, ENOUGH = 30, 70
#: Facts read; of a larger set an evenly spaced part, for an estimate.
_READ = 1 << 17


def task_size(context: Context) -> Iterator[Row]:
    """Checks facts and passes where each relation has a map to learn, and passes alone in a rehearsal."""
    if not isinstance(context.objective.spec.terms[0].predictor, RelationalPredictor):
        return
    if not context.nothing_counts:
        yield few_facts(context)
        yield few_passes(context, "training.max_steps")
    elif of_group(context.run.data.train, SampleType.REHEARSED):
        yield few_passes(context, "rehearsal.training.max_steps")


def few_passes(context: Context, key: str) -> Row:
    """Warns if the whole run shows each fact only a few times, as happens when a recipe's steps meet larger data. key:
    the key of the steps."""
    training, facts = context.run.recipe.training, len(context.run.data.train)
    batch = training.per_device_train_batch_size * training.gradient_accumulation_steps
    steps, passes = training.max_steps, training.num_train_epochs or 0.0
    told = f"{passes:g} epochs"
    if steps is not None:
        passes = steps * batch / facts
        told = f"{steps:,} steps of {batch:,} see each of {facts:,} facts {passes:.3g} times"
    few = passes < FEW
    if few:
        instead = f"{key}={ceil(ENOUGH * facts / batch)}"
        told += f"; with fewer than {FEW} they were learned badly, and held-out answers not found: set {instead}"
    source = source_of(type(context.objective.spec.terms[0].predictor))
    return Row(PASSES, Verdict.WARN if few else Verdict.PASS, round(passes, 1), f"≥ {FEW}", told, source)


def few_facts(context: Context) -> Row:
    """Warns if many facts are of relations with fewer facts than the states have components.

    Fewer facts do not determine a relation's map from width to width: it can fit them all and be anything elsewhere,
    so facts are learned by heart and their reversals not answered.
    """
    source = source_of(type(context.objective.spec.terms[0].predictor))
    vocabulary, width = Vocabulary.of(context.run.vocabulary), context.objective.model.config.hidden_size
    relations, counts = counted(of_data(context.run.data.train))
    few = counts < width
    share = float(counts[few].sum() / counts.sum())
    rarest = counts.argmin()
    told = f"{vocabulary.name(int(relations[rarest]))} has {int(counts[rarest])}, the model's states {width} components"
    advice = (
        f"; a map of {int(few.sum())} of {len(counts)} relations is not determined by so few, so expect what is held "
        f"out to be answered badly: bring {width} facts of each or more, or make the model narrower"
        f"{narrower(context, counts)}"
    )
    much = share > SHARE
    verdict = Verdict.WARN if much else Verdict.PASS
    return Row(NAME, verdict, share, f"≤ {SHARE:g} of all", told + (advice if much else ""), source)


def narrower(context: Context, counts: Tensor) -> str:
    """Names the widest power of two that most facts' relations have facts enough for, ``: model.config.n_embd=32``;
    nothing where the attention heads do not divide it, or the model is not made anew."""
    section, config = context.run.recipe.model, context.objective.model.config
    if section.pretrained is not None or not isinstance(section.config, Mapping):
        return ""
    ordered = counts.sort().values
    rare = int((ordered.cumsum(0) <= SHARE * ordered.sum()).sum())
    enough = int(ordered[min(rare, len(ordered) - 1)])
    width, heads = 1 << enough.bit_length() - 1, config.num_attention_heads
    key = config.attribute_map.get("hidden_size", "hidden_size")
    return f": model.config.{key}={width}" if width % heads == 0 else ""


def counted(train: SampleSet) -> tuple[Tensor, Tensor]:
    """Counts the facts of each relation; returns the relations' ids and the counts."""
    step = -(-len(train) // _READ)
    batch = train.__getitems__(range(0, len(train), step))
    facts = Samples.of_batch(batch)
    relations, counts = facts.ids[facts.tags == Role.RELATION].unique(return_counts=True)
    return relations, counts * step
