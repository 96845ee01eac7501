"""The kinds of component: the hook that brings each in, what it is called with, and what it may declare.

Components are plain callables; those with parameters are ``torch.nn.Module``s and are trained, saved and
restored. What a component declares about itself are plain attributes (its traits), each with a default: read them
with ``MaskTraits.of(mask).by_layer``. Nobody needs to inherit from anything here.

Axes: ``b`` batch, ``s`` tokens of a sample, ``t`` tokens of a row, ``d`` width, ``n`` counted pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

if TYPE_CHECKING:
    from torch import Tensor

    from jepa_core.contexts import DatasetContext
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.samples.draws import Draws
    from jepa_core.samples.sample_set import SampleSet, TaskData
    from jepa_core.samples.samples import Samples
    from jepa_core.views.pairs import Views
    from jepa_core.views.row_tokens import Tokens


class Traits:
    """The traits that components of one kind may declare, with their defaults."""

    @classmethod
    def of(cls, component: object) -> Self:
        """Reads the traits that `component` declares; the others have their defaults."""
        given = ((f.name, getattr(component, f.name, f.default)) for f in fields(cls))  # type: ignore[arg-type]
        return cls(**dict(given))


class ReversalStrategy(Protocol):
    """Makes the views of samples. A second parameter named ``draws`` gets a :class:`~jepa_core.samples.draws.Draws`."""

    def __call__(self, samples: Samples, /) -> Views: ...


@dataclass(frozen=True)
class ReversalTraits(Traits):
    """leaks_on: names of groups on which the target is a held-out answer. The core refuses to count such a pair."""

    leaks_on: tuple[str, ...] = ()


class MaskBuilder(Protocol):
    """Says which token may attend to which.

    Called with the fields of :class:`~jepa_core.views.row_tokens.Tokens` shaped so that query and key broadcast
    against each other, like FlexAttention's ``mask_mod``; returns bool ``b t t`` (or what broadcasts to it).
    The core ANDs causality and padding and ORs the diagonal. Layers count from 0 (the first block).
    """

    def __call__(self, query: Tokens, key: Tokens, layer: int, /) -> Tensor: ...


@dataclass(frozen=True)
class MaskTraits(Traits):
    """isolates_views: whether the mask keeps the blocks of a row apart; plain_block_causal: whether it is exactly "same
    block" at every layer, so that blocks may run as rows of their own; by_layer: whether it depends on the layer."""

    isolates_views: bool = True
    plain_block_causal: bool = False
    by_layer: bool = False


class EmbeddingExtractor(Protocol):
    """Makes one vector of a view's hidden states.

    hidden: ``b s d`` at the layer asked for; valid: ``b s`` bool, the view's tokens; tags: ``b s``; returns ``b d``.
    """

    def __call__(self, hidden: Tensor, valid: Tensor, tags: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class EmbeddingTraits(Traits):
    """layer: 0 for the embeddings, n for the last layer, after the final norm; negative from the end. reads: a function
    of valid and tags that gives ``b s`` bool, the only positions looked at, so that the others need not be finished;
    None: any of the view's."""

    layer: int = -1
    reads: Callable[[Tensor, Tensor], Tensor] | None = None


class Predictor(Protocol):
    """Predicts the target's embedding from the source's.

    state: ``n d``; condition: ``n d``, a further input of the prediction, or None where the recipe extracts none;
    returns ``n d``. A row of zeros in the condition means that the pair has none.
    """

    def __call__(self, state: Tensor, condition: Tensor | None, /) -> Tensor: ...


@dataclass(frozen=True)
class PredictorTraits(Traits):
    """needs_condition: refuses recipes that extract no condition."""

    needs_condition: bool = False


class DistanceFunction(Protocol):
    """Measures how far each prediction is from its target.

    predicted, target: ``n d``; returns ``n``, smaller is closer.
    """

    def __call__(self, predicted: Tensor, target: Tensor, /, **needs: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class DistanceTraits(Traits):
    """needs: names of further tensors it takes as keywords (see :mod:`jepa_core.objective.needs`); decomposable:
    whether the value of a pair is independent of the other pairs."""

    needs: tuple[str, ...] = ()
    decomposable: bool = True


class Regularizer(Protocol):
    """Scores the embeddings of one side, so that they do not collapse.

    embeddings: ``n d``; draws: random numbers of this step; returns a scalar to minimise.
    """

    def __call__(self, embeddings: Tensor, draws: Draws, /) -> Tensor: ...


@dataclass(frozen=True)
class RegularizerTraits(Traits):
    """weight: the scalar's weight in the loss; of_side: the side or sides that the regularizer looks at."""

    weight: float = 1.0
    of_side: Literal["predicted", "target", "both"] = "both"


class LossFilter(Protocol):
    """Says which samples pay the JEPA loss.

    eligible: ``b`` bool, left by the filters before; batch: the batch's tensors; draws: ``b`` in [0, 1), a
    hash of (seed, step, sample index); returns ``b`` bool.
    """

    def __call__(self, eligible: Tensor, batch: Mapping[str, Tensor], draws: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class FilterTraits(Traits):
    """training_only: whether the filter is skipped in evaluation; draws_per: with ``step`` all samples of an optimizer
    step get the same draw; rate: the share that it drops at random, which ``jepa-run verify`` measures."""

    training_only: bool = False
    draws_per: Literal["sample", "step"] = "sample"
    rate: float | None = None


class Evaluation(Protocol):
    """Measures one set of a run; returns the value of each figure by name.

    name: the set's; samples: the set; batch_size: samples at once.
    """

    def __call__(self, name: str, samples: SampleSet, batch_size: int, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class EvaluationTraits(Traits):
    """Evaluations declare nothing; their factories say how figures are shown (see :mod:`jepa_core.report.further`)."""


class Rehearsal(Protocol):
    """Asks a model what no training sample says, and turns the answers it is sure of into training samples.

    Called with the learned objective, in evaluation mode, and the task without its evaluation sets; returns the rows
    that it found. ``extend`` gets the whole task and those rows, also after they were written to a file and read back,
    and returns the task with the rows among its training samples.
    """

    def __call__(self, objective: JepaObjective, data: TaskData, /) -> Rehearsed: ...

    def extend(self, data: TaskData, rows: Sequence[Mapping[str, Any]], /) -> TaskData: ...


@dataclass(frozen=True)
class RehearsalTraits(Traits):
    """Rehearsals declare nothing."""


@dataclass(frozen=True)
class Rehearsed:
    """rows: what to rehearse, as plain JSON data, each row with its ``confidence``; counts: name -> number, of rows
    read, asked and so on; advice: what to try where there are no rows."""

    rows: Sequence[Mapping[str, Any]]
    counts: Mapping[str, int]
    advice: str = ""


class DatasetFactory(Protocol):
    """Reads or makes a task's sets and vocabulary."""

    def __call__(self, context: DatasetContext, /, **options: Any) -> TaskData: ...


@dataclass(frozen=True)
class DatasetTraits(Traits):
    """The traits of a dataset, attributes of the function that makes it.

    splits: names of its evaluation sets, so that a recipe can be checked before anything is read; ``OPTION.*`` means
    the keys of an option; None: known only from the data."""

    splits: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Kind:
    """hook: the hook that brings in components of this kind; contract: the protocol that they follow; traits: what they
    may declare; key: where a recipe names one; many: whether a list of them."""

    hook: str
    contract: type
    traits: type[Traits]
    key: str
    many: bool = False


#: The kinds of component by name, in the order in which lists show them.
KINDS: dict[str, Kind] = {
    "reversal": Kind("jepa_reversal_strategies", ReversalStrategy, ReversalTraits, "objective.reversal"),
    "mask": Kind("jepa_mask_builders", MaskBuilder, MaskTraits, "objective.mask"),
    "embedding": Kind("jepa_embedding_extractors", EmbeddingExtractor, EmbeddingTraits, "objective.embedding"),
    "predictor": Kind("jepa_predictors", Predictor, PredictorTraits, "objective.predictor"),
    "distance": Kind("jepa_distance_functions", DistanceFunction, DistanceTraits, "objective.distance"),
    "regularizer": Kind("jepa_regularizers", Regularizer, RegularizerTraits, "objective.regularizers", many=True),
    "filter": Kind("jepa_loss_filters", LossFilter, FilterTraits, "objective.filters", many=True),
    "evaluation": Kind("jepa_evaluations", Evaluation, EvaluationTraits, "evaluation.also", many=True),
    "rehearsal": Kind("jepa_rehearsals", Rehearsal, RehearsalTraits, "rehearsal.asker"),
    "dataset": Kind("jepa_datasets", DatasetFactory, DatasetTraits, "data"),
}
