from __future__ import annotations

import socket

import pytest
from huggingface_hub import constants
from transformers import AutoConfig

from jepa_core.model.hub import offline


class Reached(BaseException):
    """Another machine was asked for; no error, so that nothing tries again."""


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """Goes online as far as the settings go."""

    def ask(host, *arguments, **options):
        raise Reached(host)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", ask)


def test_a_name_of_the_hub_is_not_fetched():
    with offline(), pytest.raises(OSError, match="couldn't find them in the cached files"):
        AutoConfig.from_pretrained("some-one/some-model")
    assert constants.HF_HUB_OFFLINE is False


def test_without_it_it_would_be():
    with pytest.raises(Reached):
        AutoConfig.from_pretrained("some-one/some-model")
