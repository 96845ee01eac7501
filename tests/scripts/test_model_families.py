"""Some kinds of models, each as the table of all of them is made; and the page that it stands on."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from jepa_core.registry import Registry

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "model_families.py"))
EVERYTHING = (True, True, True, True)

#: Kinds that save under other names, cap their logits, hold their layers deep inside, mix experts, count positions
#: themselves, and carry a state along: attention, positions, what else they can, and how they read conversations.
KINDS = {
    "gpt_neox": ("sdpa", "continue", EVERYTHING, "prefix"),
    "gemma2": ("eager", "continue", EVERYTHING, "prefix"),
    "opt": ("sdpa", "continue", EVERYTHING, "prefix"),
    "qwen3_moe": ("sdpa", "continue", EVERYTHING, "prefix"),
    "bart": ("sdpa", "restart", (True, True, True, False), "alone"),
    "mamba": ("eager", "continue", (False, False, True, False), "alone"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_work(kind, tmp_path):
    found = SCRIPT["family"](kind, tmp_path, Registry.discover())
    assert (found.attention, found.positions, found.can, found.text) == KINDS[kind], found.why
    assert ("can't go on from a prefix" in found.why) == (found.text == "alone")


def test_a_kind_that_is_refused(tmp_path):
    found = SCRIPT["family"]("gemma3", tmp_path, Registry.discover())
    assert not found.works
    assert found.why == "'gemma3' is more than a language model; 'gemma3_text' is the one in it"


def test_the_page():
    family = SCRIPT["Family"]
    works = family("a", True, "sdpa", "restart", masks=True, layers=True, text="alone")
    lines = "\n".join(SCRIPT["page"]([works, family("b", False, why="no | way")])).splitlines()
    assert "| `a` | sdpa | restart | yes | – | yes | – | alone |" in lines
    assert "| `b` | no \\| way |" in lines
    assert any(f"transformers {transformers.__version__} can be trained here" in line for line in lines)


def test_the_page_in_the_documents_names_every_kind():
    text = (ROOT / "docs" / "MODELS.md").read_text(encoding="utf-8")
    rows = [line.count("|") for line in text.splitlines() if line.startswith("| `")]
    works = sum(columns > 3 for columns in rows)
    assert f"{works} of {len(rows)} work" in text
    assert f"{works} of {len(rows)} types work" in (ROOT / "README.md").read_text(encoding="utf-8")
    if f"transformers {transformers.__version__} " not in text:
        pytest.skip("the page is of another version of transformers")
    assert [kind for kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if f"| `{kind}` |" not in text] == []
