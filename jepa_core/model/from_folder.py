"""Weights read, all of them or none, by transformers' own loader, which renames and splits them as saving did."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging

from jepa_core.errors import JepaError

#: The most names of a kind that are listed.
_TOLD = 3
#: Buffers that older versions of transformers saved, and newer ones make anew.
_LEFT_BEHIND = (".attn.bias", ".attention.bias", ".masked_bias", ".inv_freq", ".position_ids")


class Misfit(JepaError):
    """Weights of another model."""


def read_model(kind: Any, source: str, **options: Any) -> Any:
    """Calls ``kind.from_pretrained(source)``, and runs no code of the folder's own.

    Raises Misfit where a weight is missing, unexpected, or of another shape (one that is tied to another may be
    missing), and whatever transformers raises.
    """
    with quietly():
        model, found = kind.from_pretrained(
            source, trust_remote_code=False, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
    if problems := misfits(found):
        raise Misfit(problems)
    return model


def misfits(found: dict[str, Any]) -> str:
    """Says in words what does not fit, how much of it, and its names; an empty string where everything fits."""
    shapes = sorted(found["mismatched_keys"])
    unexpected = sorted(name for name in found["unexpected_keys"] if not name.endswith(_LEFT_BEHIND))
    kinds = {
        "missing": _names(sorted(found["missing_keys"])),
        "unexpected": _names(unexpected),
        "of another shape": _names([f"{name} {_shape(file)}, not {_shape(own)}" for name, file, own in shapes]),
    }
    counts = (len(found["missing_keys"]), len(unexpected), len(shapes))
    told = (f"{count} {words} ({names})" for count, (words, names) in zip(counts, kinds.items(), strict=True) if count)
    return "; ".join([*told, *found["error_msgs"]])


def _names(names: Collection[str]) -> str:
    more = len(names) - _TOLD
    return ", ".join([*list(names)[:_TOLD], *([f"and {more} more"] if more > 0 else [])])


def _shape(size: Any) -> str:
    return "×".join(map(str, size))


@contextmanager
def quietly() -> Iterator[None]:
    """Silences transformers: missing weights are an error here, not a print, and its bars would break ours."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
