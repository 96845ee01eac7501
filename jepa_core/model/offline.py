"""Offline use: looking at a run does not fetch what its recipe names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def offline() -> Iterator[None]:
    """Makes a Hugging Face id, for a while, mean only what is in the cache, as with ``HF_HUB_OFFLINE=1``."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
