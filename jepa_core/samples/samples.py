"""Samples: rows of tokens with a tag each.

Axes, here and everywhere: ``b`` batch, ``s`` tokens of a sample, ``d`` width of the model, ``n`` counted
pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

#: Stands where there is no label.
IGNORE = -100

#: Tags that the core reserves: padding, and predictor tokens. A dataset's own tags are 1, 2, …
PAD, PRED = 0, -1


@dataclass(frozen=True)
class Samples:
    """Right-padded token rows.

    ids: ``b s`` int64 token ids; tags: ``b s`` int64, what each token is, `PAD` after the last real token;
    renderings: further token rows of the same samples by name, where the dataset has any.

    >>> two = Samples(torch.tensor([[7, 8, 0], [7, 8, 9]]), torch.tensor([[1, 2, 0], [1, 2, 2]]))
    >>> two.where(two.tags == 2).ids.tolist()
    [[8, 7], [8, 9]]
    >>> two.where(two.tags == 2).valid.tolist()
    [[True, False], [True, True]]
    """

    ids: Tensor
    tags: Tensor
    renderings: Mapping[str, Samples] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.ids.shape != self.tags.shape or self.ids.dim() != 2:
            raise ValueError(f"ids and tags are both (b, s), not {tuple(self.ids.shape)} and {tuple(self.tags.shape)}")

    @cached_property
    def valid(self) -> Tensor:
        """``b s`` bool: real tokens."""
        return self.tags != PAD

    def __len__(self) -> int:
        return self.ids.shape[0]

    def __getitem__(self, rows: Tensor) -> Samples:
        """The samples of these rows (an index or a bool mask over ``b``), renderings too."""
        return Samples(self.ids[rows], self.tags[rows], {name: each[rows] for name, each in self.renderings.items()})

    def where(self, chosen: Tensor) -> Samples:
        """The chosen tokens of each sample, ``b s`` bool, moved to the front."""
        chosen = chosen & self.valid
        order = (~chosen).long().argsort(dim=1, stable=True)[:, : int(chosen.sum(dim=1).max()) if len(self) else 0]
        return Samples(self.ids.gather(1, order), self.tags.where(chosen, PAD).gather(1, order))

    @classmethod
    def of_batch(cls, batch: Mapping[str, Tensor]) -> Samples:
        """The samples of a batch: ``input_ids`` and ``tags``; ``NAME_ids`` beside ``NAME_tags`` are a rendering."""
        names = [key.removesuffix("_ids") for key in batch if key.endswith("_ids") and key != "input_ids"]
        renderings = {n: cls(batch[f"{n}_ids"], batch[f"{n}_tags"]) for n in names if f"{n}_tags" in batch}
        return cls(batch["input_ids"], batch["tags"], renderings)
