"""Models, tokenizers and data sets by name: a folder here, or an id of the Hugging Face Hub."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from jepa_core.errors import JepaError, one_line
from jepa_core.paths import at_home
from jepa_core.recipe.model_folder import place_of

T = TypeVar("T")
Kind = Literal["model", "dataset"]

#: Seconds that the Hub has to answer before a name is given up.
TIMEOUT = 5.0


class HubError(JepaError):
    """A name is neither a folder here nor something that the Hub gives us now."""


def find_or_id(name: str, search: tuple[Path, ...]) -> str:
    """Finds the folder `name` in the first `search` folder that has it, or returns `name` itself, an id of the Hub.

    Raises HubError for a name that can be neither, naming the places looked at.
    """
    if place := place_of(name, search):
        return str(place)
    if not _is_id(name):
        looked = ", ".join(dict.fromkeys(str(folder / at_home(name)) for folder in search))
        raise HubError(f"{name}: not found (looked for {looked}), and no id of the Hugging Face Hub")
    return name


def load_local_or_hub(name: str, load: Callable[[bool], T], kind: Kind = "model") -> T:
    """Calls ``load(True)``, from this machine alone; for an id without success it asks the Hub, then ``load(False)``.

    So what was downloaded before needs no network, and without one a missing id is told at once.
    """
    if os.path.lexists(name):
        return load(True)
    try:
        return load(True)
    except Exception:  # each library raises something else for what isn't in its cache
        ask_hub(name, kind)
    return load(False)


def ask_hub(name: str, kind: Kind = "model") -> None:
    """Asks the Hub for `name`, once. Raises HubError, saying what to do, when it is missing, gated or out of reach."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError

    page = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{name}"
    try:
        info = HfApi().repo_info(name, repo_type=kind, timeout=TIMEOUT)
        if getattr(info, "gated", False):
            HfApi().auth_check(name, repo_type=kind)
    except GatedRepoError as error:
        raise HubError(f"{name}: is gated: accept its terms at {page}, then log in with `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise HubError(f"{name}: the Hugging Face Hub has no such {kind}, or it is private: `hf auth login`") from error
    except OfflineModeIsEnabled as error:
        raise HubError(
            f"{name}: no such folder, not downloaded yet, and HF_HUB_OFFLINE keeps us off the Hugging Face Hub"
        ) from error
    except HfHubHTTPError as error:
        raise HubError(f"{name}: the Hugging Face Hub refuses it: {one_line(error)}") from error
    except Exception as error:  # the HTTP library's own errors; which library it is depends on the Hub's version
        raise HubError(
            f"{name}: no such folder, not downloaded yet, and no way to the Hugging Face Hub: {one_line(error)}"
        ) from error


@contextmanager
def offline() -> Iterator[None]:
    """Makes a Hugging Face id, for a while, mean only what is in the cache, as with ``HF_HUB_OFFLINE=1``.

    Looking at a run does not fetch what its recipe names.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _is_id(name: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True
