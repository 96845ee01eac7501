"""Tokens that a model was not made with: how they get rows in its embeddings, and how these are taken out again.

``v`` rows of an input or output embedding, ``d`` the model's width.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.errors import JepaError
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Key of a configuration: rows of the embedding before tokens were added.
_NOTED = "rows_before_new_tokens"


def embedding_rows(model: PreTrainedModel) -> int:
    """The rows of the embedding, more than there are tokens where it is padded."""
    return len(next(token_tables(model)))


def first_new(model: PreTrainedModel, vocabulary: TokenNames) -> int:
    """The first id added by the data: as the data state it, else the first without a row in the model as it came."""
    return int(vocabulary.marked.get("base_tokens", noted_rows(model)))


def note_rows(model: PreTrainedModel) -> None:
    """Notes in the configuration, which is saved with the model, how many rows there were before any was added."""
    setattr(model.config, _NOTED, noted_rows(model))


def noted_rows(model: PreTrainedModel) -> int:
    """Raises JepaError where the configuration says something that can't be."""
    noted = getattr(model.config, _NOTED, embedding_rows(model))
    if type(noted) is not int or not 1 <= noted <= embedding_rows(model):
        raise JepaError(
            f"model: {_NOTED} in its config.json: expected a number from 1 to {embedding_rows(model)}, not {noted}"
        )
    return noted


def is_noted(model: PreTrainedModel) -> bool:
    return hasattr(model.config, _NOTED)


def forget_rows(model: PreTrainedModel) -> None:
    """Undoes :func:`note_rows`."""
    if is_noted(model):
        delattr(model.config, _NOTED)


@torch.no_grad()
def add_rows(model: PreTrainedModel, new_ids: Sequence[int], known: int) -> None:
    """Gives each new token the mean of the known tokens' rows, in both embeddings, tied or not.

    A table with too few rows grows; rows that only pad it are no token's, and are taken first.
    known: ids below are the model's own tokens; `new_ids` among them keep their rows.
    """
    added = [i for i in new_ids if i >= known]
    if not added:
        return
    if embedding_rows(model) <= max(added):
        model.resize_token_embeddings(max(added) + 1, mean_resizing=False)
    for table in token_tables(model):
        table[added] = _mean(table[:known])


@torch.no_grad()
def remove_rows(model: PreTrainedModel, new_ids: Sequence[int], known: int, rows: int) -> None:
    """Undoes :func:`add_rows`: the tables have `rows` rows again.

    New tokens that took the place of padding leave the mean of the known tokens there.
    """
    left = [i for i in new_ids if known <= i < rows]
    if left:
        for table in token_tables(model):
            table[left] = _mean(table[:known])
    if embedding_rows(model) != rows:
        model.resize_token_embeddings(rows, mean_resizing=False)


def token_tables(model: PreTrainedModel) -> Iterator[Tensor]:
    """Yields each table with a row a token, once: input embedding ``v d``, untied output ``v d``, its bias ``v``."""
    embedding: Any = model.get_input_embeddings()
    output: Any = model.get_output_embeddings()
    yield embedding.weight
    if output is not None and output.weight is not embedding.weight:
        yield output.weight
    if getattr(output, "bias", None) is not None:
        yield output.bias


def without_tokens(files: Mapping[str, bytes], names: Collection[str]) -> dict[str, bytes]:
    """A saved tokenizer's files as they were before these tokens were added."""
    edited = dict(files)
    if (whole := "tokenizer.json") in files:
        edited[whole] = _without_added(files[whole], names)
    return edited


def _without_added(content: bytes, names: Collection[str]) -> bytes:
    from tokenizers import Tokenizer

    tokenizer = json.loads(content)
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["content"] not in names]
    return Tokenizer.from_str(json.dumps(tokenizer)).to_str(pretty=True).encode("utf-8")


def _mean(rows: Tensor) -> Tensor:
    return rows.float().mean(dim=0).to(rows.dtype)
