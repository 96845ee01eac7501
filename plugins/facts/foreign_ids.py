"""Refuses a pretrained model under token ids that the data made up, which would be any of its tokens."""

from __future__ import annotations

import json
from pathlib import Path

from jepa_core import DataError, DatasetContext, TokenNames
from jepa_core.model.hub import HubError, find_or_id


def refuse_foreign_ids(context: DatasetContext, names: TokenNames, instead: str) -> None:
    """Raises DataError for a pretrained model that does not know these tokens by these ids.

    A model in the folder of one of our runs knows them if that run had the same tokens. names: without predictor
    tokens; instead: advice on another way.
    """
    if context.pretrained is None:
        return
    try:
        place = find_or_id(context.pretrained, context.search)
    except HubError:
        return  # neither a folder nor an id: told where the model is built, or not needed any more
    if not _knows(Path(place), names):
        raise DataError(
            f"model.pretrained: {context.pretrained} has tokens of its own, and the ids that are made up for this "
            f"data would be any of them. Leave it out and give model.config, or {instead}; 'model' of a run with the "
            "same tokens is taken"
        )


def _knows(folder: Path, names: TokenNames) -> bool:
    """Tells whether the model comes from a run with these tokens."""
    try:
        known = json.loads((folder.parent / "vocabulary.json").read_text(encoding="utf-8"))["token_to_id"]
        return all(known.get(token) == number for token, number in names.token_to_id.items())
    except (OSError, ValueError, LookupError, AttributeError, TypeError):  # there is none, or it is no list of tokens
        return False
