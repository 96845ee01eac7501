"""Uploads of a folder to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.errors import one_line
from jepa_core.model.hub import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def check_id(name: str) -> None:
    """Raises HubError where `name` is no id of a user's model, like ``you/name``; the Hub is not asked."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise HubError(f"--push-to-hub {name}: {one_line(error)}") from error


def push_to_hub(folder: Path, name: str, private: bool = False, api: HfApi | None = None) -> str:
    """Uploads all files of `folder` to the model `name`, created if it is missing; returns its address.

    private: for a new one; api: huggingface_hub's own by default. Raises HubError, saying what to do; `folder` stays.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    check_id(name)
    hub, kept = api or HfApi(), f"the model is in {folder}"
    try:
        address = hub.create_repo(name, private=private, exist_ok=True)
        hub.upload_folder(repo_id=address.repo_id, folder_path=folder, commit_message="Trained with jepa-core")
    except OfflineModeIsEnabled as error:
        raise HubError(f"{name}: HF_HUB_OFFLINE keeps us off the Hugging Face Hub; {kept}") from error
    except LocalTokenNotFoundError as error:
        raise HubError(f"{name}: nobody is logged in: `hf auth login`; {kept}") from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        advice = ": log in with `hf auth login`, with a token that may write" if status in (401, 403) else ""
        raise HubError(f"{name}: the Hugging Face Hub refuses it: {one_line(error)}{advice}; {kept}") from error
    except Exception as error:  # the HTTP library's own errors; which library it is depends on the Hub's version
        raise HubError(f"{name}: no way to the Hugging Face Hub: {one_line(error)}; {kept}") from error
    return str(address)
