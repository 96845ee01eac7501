"""The tokens that end an answer, as a saved model states them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Ids of tokens that the configurations of some kinds (BART) make ``generate`` say or not say.
_FORCED = ("forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens")


def force_no_token(model: PreTrainedModel) -> None:
    """Clears the tokens that ``generate`` of a new model would force or suppress: its kind's ids are not the data's."""
    for name in _FORCED:
        if getattr(getattr(model, "generation_config", None), name, None) is not None:
            setattr(model.generation_config, name, None)


def say_what_ends(model: PreTrainedModel, names: TokenNames) -> None:
    """Tells transformers' ``generate`` the padding token, and the tokens that end an answer beside those it knows."""
    settings = getattr(model, "generation_config", None)
    if settings is None:
        return
    own = settings.eos_token_id if isinstance(settings.eos_token_id, list) else [settings.eos_token_id]
    ends = dict.fromkeys(i for i in (*names.marked.get("stop_ids", ()), *own) if i is not None)
    settings.eos_token_id = list(ends) or None
    settings.pad_token_id = names.pad_id
