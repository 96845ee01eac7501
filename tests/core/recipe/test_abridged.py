from __future__ import annotations

from jepa_core.recipe.abridged import as_table, in_a_line
from jepa_core.recipe.load import load_recipe


def told(*overrides: str) -> str:
    return in_a_line(load_recipe("cosine_k1", overrides=list(overrides)).model_dump())


def test_a_recipe_in_a_line():
    assert told("training.max_steps=1500") == (
        "reversal_curse, gpt2, 1 ntp + 1 cosine (parity, k=1), 1,500 steps, seed 42"
    )
    scheduled = told("objective.lambda_jepa={start: 0, end: 2, steps: 10}", "objective.distance={name: infonce}")
    assert "1 ntp + (0 to 2) infonce (parity" in scheduled


def test_as_a_table_every_text_is_text_and_what_is_empty_is_left_out():
    table = as_table("<b>", {"a": {"x": "<i>", "none": None}, "of": {"name": "cosine", "eps": 1}, "empty": []})
    assert table == (
        "<b>&lt;b&gt;</b><table><tr><th>a.x</th><td>&lt;i&gt;</td></tr>"
        "<tr><th>of</th><td>{&#x27;name&#x27;: &#x27;cosine&#x27;, &#x27;eps&#x27;: 1}</td></tr></table>"
    )
