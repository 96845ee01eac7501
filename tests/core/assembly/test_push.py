"""Uploads, with an API that notes what it is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

from jepa_core.assembly.push import push_to_hub
from jepa_core.model.hub import HubError


class Address(str):
    repo_id = "me/mine"


class Api:
    """Takes everything, or fails with `error` when it is asked to upload."""

    def __init__(self, error: Exception | None = None):
        self.error = error
        self.asked: list[tuple[str, Any]] = []

    def create_repo(self, name: str, **options: Any) -> Address:
        self.asked.append(("create", {"name": name, **options}))
        return Address("https://huggingface.co/me/mine")

    def upload_folder(self, **options: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(("upload", options))


def test_the_folder_is_uploaded_as_it_is(tmp_path):
    api = Api()
    assert push_to_hub(tmp_path, "mine", True, api) == "https://huggingface.co/me/mine"
    assert api.asked == [
        ("create", {"name": "mine", "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/mine", "folder_path": tmp_path, "commit_message": "Trained with jepa-core"}),
    ]


def refused(status: int) -> HfHubHTTPError:
    response = SimpleNamespace(status_code=status, headers={}, request=SimpleNamespace(url="", method=""))
    return HfHubHTTPError("no", response=response)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OfflineModeIsEnabled("off"), "HF_HUB_OFFLINE keeps us off"),
        (LocalTokenNotFoundError("who"), "nobody is logged in: `hf auth login`"),
        (refused(403), "log in with `hf auth login`, with a token that may write"),
        (refused(500), "the Hugging Face Hub refuses it: no"),
        (OSError("no route"), "no way to the Hugging Face Hub: no route"),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path, error, words):
    with pytest.raises(HubError) as told:
        push_to_hub(tmp_path, "me/mine", api=Api(error))  # type: ignore[arg-type]
    assert words in str(told.value)
    assert str(told.value).endswith(f"; the model is in {tmp_path}")
    assert "\n" not in str(told.value)


def test_what_is_no_id_is_told_before_anything_is_asked(tmp_path):
    api = Api()
    with pytest.raises(HubError, match="--push-to-hub a b"):
        push_to_hub(tmp_path, "a b", api=api)  # type: ignore[arg-type]
    assert api.asked == []
