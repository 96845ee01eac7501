"""Views: what a reversal strategy makes of samples."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from jepa_core.samples.samples import Samples


@dataclass(frozen=True)
class Part:
    """A view that is the sample itself or a part of it; it costs no tokens.

    select: ``b s`` bool, the tokens of the sample that make up the view. branch: where the view is a source, its
    predictor tokens follow the view's own last token and do not see what comes after it (see :class:`Branch`), instead
    of following the sample's last token.
    """

    select: Tensor
    branch: bool = False


@dataclass(frozen=True)
class NewBlock:
    """A view of new tokens; they go through the transformer as a block of their own.

    samples: as many rows as those it was made from; the width may differ. select: ``b s`` bool, the tokens that make
    up the view; None: all. labels: ``b s`` int64, unshifted as in a batch: the token's own id where next-token
    prediction is trained, elsewhere :data:`~jepa_core.samples.samples.IGNORE`; None: nowhere. predictors_first: where
    the view is a source, its predictor tokens come before its tokens, not after them.
    """

    samples: Samples
    select: Tensor | None = None
    labels: Tensor | None = None
    predictors_first: bool = False

    @property
    def selected(self) -> Tensor:
        """``b s`` bool: the tokens that make up the view."""
        return self.samples.valid if self.select is None else self.select


@dataclass(frozen=True)
class Branch(NewBlock):
    """New tokens that continue a prefix of the sample.

    They see the sample's first `after` tokens (``b`` int64) and themselves, and their positions run on from there;
    nothing sees them. The prefix is not run again where the layout can share it.
    """

    after: Tensor | None = None


View = Part | NewBlock


@dataclass(frozen=True)
class Views:
    """One or more (source, target) pairs for every sample.

    The source is the side that predicts. Predictor tokens belong to the source's block, after its last
    real token. weights: ``b`` each, how much a pair of a sample counts, for each of the pairs; None: 1.

    From a sample's first token to its last two, inside the sample:

    >>> samples = Samples(torch.tensor([[7, 8, 9]]), torch.tensor([[1, 2, 2]]))
    >>> views = Views(((Part(samples.tags == 1), Part(samples.tags == 2)),))
    >>> [view.select.tolist() for view in views.pairs[0]]
    [[[True, False, False]], [[False, True, True]]]
    """

    pairs: tuple[tuple[View, View], ...]
    weights: tuple[Tensor | None, ...] | None = None


def no_views(samples: Samples) -> Views:
    """Makes no views: stands where there is no JEPA loss."""
    return Views(())
