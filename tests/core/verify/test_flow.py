"""The diagram: real names and shapes."""

from __future__ import annotations

from jepa_core.verify.flow import draw, flow
from tests.core.verify.breaking import tiny


def test_names_and_shapes():
    """16 training samples spread over 40 that count and 10 that do not, of four tokens."""
    context = tiny("objective.k=2", "objective.lambda_jepa=0.5")
    counted = int((context.batch["group"] == 0).sum())
    boxes = {box.title: box for box in flow(context)}
    assert list(boxes) == ["batch", "views", "mask: block_causal", "pass: gpt2", "NTP", "JEPA", "total"]
    assert boxes["batch"].lines == ("reversal_curse: 16 samples", "input_ids (16, 4)")
    assert boxes["views"].lines == (
        "filters: sample_type, loss_dropout",
        f"parity: {counted} pairs",
        "block 0 (16, 6): head relation mask tail pred",
        f"block 1 ({counted}, 4): head relation mask tail",
    )
    assert boxes["pass: gpt2"].lines == ("2 layers × 32, sdpa, float32", f"{16 * 6 + counted * 4} tokens, each once")
    assert boxes["NTP"].lines[:2] == ("16 labels", f"logits (16, {context.run.vocabulary.size})")
    assert boxes["JEPA"].lines[:2] == (f"predicted: last_token ({counted}, 32)", f"target: last_token ({counted}, 32)")
    ntp, jepa = (float(boxes[name].lines[2].split()[-1]) for name in ("NTP", "JEPA"))
    words = boxes["total"].lines[0].split()
    assert words[:-1] == ["1", "·", f"{ntp:.4f}", "+", "0.5", "·", f"{jepa:.4f}", "="]
    assert abs(float(words[-1]) - (ntp + 0.5 * jepa)) < 2e-4


def test_without_jepa_the_branch_says_why():
    boxes = {box.title: box for box in flow(tiny("objective.lambda_jepa=0", "objective.k=0"))}
    assert boxes["JEPA"].lines == ("lambda_jepa is 0: no second view is made",)


def test_text_is_escaped():
    boxes = flow(tiny())
    html = draw([*boxes[:1], *boxes[4:6], boxes[6].__class__("<total>", ("a < b",))])
    assert "<b>&lt;total&gt;</b><span>a &lt; b</span>" in html
