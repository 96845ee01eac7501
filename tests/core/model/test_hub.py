from __future__ import annotations

from types import SimpleNamespace

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

from jepa_core.model.hub import HubError, find_or_id, load_local_or_hub

ANSWER = httpx2.Response(403, request=httpx2.Request("GET", "https://example.org"))


def never_local(local: bool) -> str:
    if local:
        raise OSError("not in the cache")
    return "downloaded"


@pytest.fixture
def hub(monkeypatch):
    """Answers instead of the Hub; returns what it was asked."""
    asked = []

    def answer(*, info=None, error=None, denied=None):
        def repo_info(self, name, **options):
            asked.append((name, options["repo_type"]))
            if error is not None:
                raise error
            return info or SimpleNamespace(gated=False)

        def auth_check(self, name, **options):
            if denied is not None:
                raise denied

        monkeypatch.setattr(HfApi, "repo_info", repo_info)
        monkeypatch.setattr(HfApi, "auth_check", auth_check)
        return asked

    return answer


def test_a_name_is_a_folder_beside_the_recipe_or_an_id(tmp_path):
    (tmp_path / "b" / "mine").mkdir(parents=True)
    search = (tmp_path / "a", tmp_path / "b")
    assert find_or_id("mine", search) == str(tmp_path / "b" / "mine")
    assert find_or_id("gpt2", search) == "gpt2"
    assert find_or_id("org/model", search) == "org/model"


def test_a_name_that_can_be_neither_is_told_with_the_places(tmp_path):
    with pytest.raises(HubError) as error:
        find_or_id("./models/mine", (tmp_path,))
    assert str(error.value) == (
        f"./models/mine: not found (looked for {tmp_path / 'models/mine'}), and no id of the Hugging Face Hub"
    )


def test_what_is_here_is_never_asked_for(tmp_path, hub):
    asked = hub()
    assert load_local_or_hub("org/model", lambda local: "cached" if local else "downloaded") == "cached"
    with pytest.raises(OSError, match="not in the cache"):  # a folder's own fault is told as it is
        load_local_or_hub(str(tmp_path), never_local)
    assert asked == []


def test_what_is_not_here_is_asked_for_once(hub):
    asked = hub()
    assert load_local_or_hub("org/model", never_local) == "downloaded"
    assert asked == [("org/model", "model")]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("Name or service not known"), "no way to the Hugging Face Hub: Name or service not known"),
        (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE keeps us off"),
        (RepositoryNotFoundError("404", response=ANSWER), "has no such dataset, or it is private"),
        (GatedRepoError("403", response=ANSWER), "is gated: accept its terms at https://huggingface.co/datasets/org/d"),
    ],
)
def test_why_not_is_said_in_one_line(hub, error, words):
    hub(error=error)
    with pytest.raises(HubError) as told:
        load_local_or_hub("org/d", never_local, "dataset")
    assert str(told.value).startswith("org/d: ")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_gated_model_is_checked_for_access(hub):
    gated = SimpleNamespace(gated="auto")
    hub(info=gated)
    assert load_local_or_hub("org/model", never_local) == "downloaded"
    hub(info=gated, denied=GatedRepoError("403", response=ANSWER))
    with pytest.raises(HubError, match="is gated"):
        load_local_or_hub("org/model", never_local)
