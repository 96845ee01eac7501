"""The contracts: what each kind of component is called with, and returns.

Components are plain callables; those with parameters are ``torch.nn.Module``s and are trained, saved and
restored. What a component declares about itself are attributes, each with the default given here: read
them with :func:`declared`. Nobody needs to inherit from these protocols.

Axes: ``b`` batch, ``s`` tokens of a sample, ``t`` tokens of a row, ``d`` width, ``n`` counted pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jepa_core.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from jepa_core.samples.samples import Facts
    from jepa_core.samples.token_names import Vocabulary
    from jepa_core.views.pairs import Views
    from jepa_core.views.row_tokens import Tokens
    from jepa_plugins.facts.fact_set import TaskData

KINDS = ("reversal", "mask", "embedding", "distance", "filter", "dataset")

#: What components may declare, by kind, and what holds where they don't.
DEFAULTS: dict[str, dict[str, Any]] = {
    "reversal": {"leaks_on": ()},
    "mask": {"isolates_views": True, "plain_block_causal": False, "by_layer": False},
    "embedding": {"layer": -1, "reads": None},
    "distance": {"needs": (), "decomposable": True},
    "filter": {"training_only": False, "draws_per": "sample", "rate": None},
    "dataset": {},
}


def declared(kind: str, component: object, attribute: str) -> Any:
    """What `component` declares as `attribute`, or the default for its kind."""
    return getattr(component, attribute, DEFAULTS[kind][attribute])


class ReversalStrategy(Protocol):
    """Makes the views.

    Declares ``leaks_on`` (default none): names of the sample types on which its target is a held-out
    answer. The core refuses to count such a pair.
    """

    def __call__(self, facts: Facts) -> Views: ...


class MaskBuilder(Protocol):
    """Says which token may attend to which.

    Called with the fields of :class:`~jepa_core.views.row_tokens.Tokens` shaped so that query and key broadcast
    against each other, like FlexAttention's ``mask_mod``; returns bool ``b t t`` (or what broadcasts to it).
    The core ANDs causality and padding and ORs the diagonal. Layers count from 0 (the first block).

    Declares ``isolates_views`` (default True): does it keep the blocks of a row apart;
    ``plain_block_causal`` (default False): is it exactly "same block", at every layer, so that blocks may
    run as rows of their own; ``by_layer`` (default False): does it depend on `layer`.
    """

    def __call__(self, query: Tokens, key: Tokens, layer: int) -> Tensor: ...


class EmbeddingExtractor(Protocol):
    """One vector from a view's hidden states.

    hidden: ``b s d`` at the layer asked for, valid: ``b s`` bool, the view's tokens, roles: ``b s``;
    returns ``b d``. Declares ``layer`` (default -1): 0 the embeddings, n the last one, after the final
    norm; negative from the end; a tuple of numbers asks for several, and then hidden is a tuple too; and
    ``reads`` (default None: any of the view's): a function of valid and roles that gives ``b s`` bool, the only
    positions it looks at, so that the others need not be finished.
    """

    def __call__(self, hidden: Any, valid: Tensor, roles: Tensor) -> Tensor: ...


class DistanceFunction(Protocol):
    """How far each prediction is from its target.

    predicted, target: ``n d``; returns ``n``, smaller is closer. Declares ``needs`` (default none): names of
    further tensors it takes as keywords (see :mod:`jepa_core.objective.needs`), and ``decomposable``
    (default True): is the value of a pair independent of the other pairs.
    """

    def __call__(self, predicted: Tensor, target: Tensor, **needs: Tensor) -> Tensor: ...


class LossFilter(Protocol):
    """Which samples pay the JEPA loss.

    eligible: ``b`` bool, left by the filters before; batch: the batch's tensors; draws: ``b`` in [0, 1), a
    hash of (seed, step, sample index); returns ``b`` bool. Declares ``training_only`` (default False): is it
    skipped in evaluation; ``draws_per`` (``sample`` or ``step``): with ``step`` all samples of an optimizer
    step get the same draw; ``rate`` (default None): the share that it drops at random, which ``jepa-run
    verify`` measures.
    """

    def __call__(self, eligible: Tensor, batch: Mapping[str, Tensor], draws: Tensor) -> Tensor: ...


class DatasetFactory(Protocol):
    """Reads or makes a task's sets and vocabulary."""

    def __call__(self, context: DatasetContext, **options: Any) -> TaskData: ...


@dataclass(frozen=True)
class BuildContext:
    """What a component may know of the run it is built for.

    width: d; num_layers: transformer blocks; k: predictor tokens a sample; search: folders for data files.
    """

    vocabulary: Vocabulary
    width: int
    num_layers: int
    k: int = 0
    seed: int = 0
    search: tuple[Path, ...] = (Path(),)

    def find(self, path: str) -> Path:
        return find_path(path, self.search)


@dataclass(frozen=True)
class DatasetContext:
    """What a dataset may know of the run: its seed, its predictor tokens, and where to look for files."""

    seed: int = 0
    k: int = 0
    distinct_pred: bool = False
    search: tuple[Path, ...] = (Path(),)

    def find(self, path: str) -> Path:
        return find_path(path, self.search)


def find_path(path: str, search: tuple[Path, ...]) -> Path:
    """`path` in the first of the `search` folders that has it.

    Raises DataError naming every place looked at.
    """
    places = [folder / path for folder in search]
    for place in places:
        if place.exists():
            return place
    raise DataError(f"{path}: not found (looked for {', '.join(map(str, dict.fromkeys(places)))})")
