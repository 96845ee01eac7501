"""The views of a real dataset against the references' separate passes: loss and every gradient to 1e-5."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from transformers import AutoModelForCausalLM

import jepa_core
from jepa_core import JepaObjective
from jepa_core.registry import Registry
from jepa_plugins.text.tags import Tag
from tests.reference import naive_text as naive

REGISTRY = Registry.discover()
PAIRS = [("ab c", "b+"), ("cde", "d*.x"), ("f", "e|f"), ("ghi jk lm", "g")]
OFF = "resid_pdrop: 0.0, embd_pdrop: 0.0, attn_pdrop: 0.0"
MODELS = {
    "gpt2": f"{{model_type: gpt2, n_layer: 2, n_embd: 16, n_head: 2, n_positions: 64, {OFF}}}",
    "llama": "{model_type: llama, num_hidden_layers: 2, hidden_size: 16, intermediate_size: 32, num_attention_heads: 2, "
    "num_key_value_heads: 1, max_position_embeddings: 64}",
}
TINY = "num_hidden_layers: 2, hidden_size: 16, intermediate_size: 32, num_attention_heads: 2, num_key_value_heads: 1, "
TINY += "head_dim: 8, max_position_embeddings: 64"
HALF = "layer_types: [sliding_attention, full_attention]"
#: Windows are shorter than the texts, and caps low enough to change every number.
FAMILIES = {
    "qwen3": f"{{model_type: qwen3, {TINY}}}",
    "mistral": f"{{model_type: mistral, {TINY}, sliding_window: 4}}",
    "gemma2": f"{{model_type: gemma2, {TINY}, sliding_window: 4, {HALF}, attn_logit_softcapping: 0.5, "
    "final_logit_softcapping: 1.0, query_pre_attn_scalar: 8}",
    "gemma3_text": f"{{model_type: gemma3_text, {TINY}, sliding_window: 3, {HALF}, final_logit_softcapping: 1.0}}",
}
EAGER = ("gemma2",)
CASES = [(model, layout) for model in MODELS for layout in ("packed", "rows")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run by model and objective, its weights moved so that a leak would show; and all its conversations."""
    folder = tmp_path_factory.mktemp("reference")
    lines = [{"messages": [{"role": "user", "content": u}, {"role": "assistant", "content": a}]} for u, a in PAIRS]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def make(model: str, objective: str):
        overrides = [
            f"output_dir={folder / 'run'}",
            f"data={{name: messages, train: {folder / 'pairs.jsonl'}, template: plain, tokenizer: {{train: bytes}}}}",
            f"model.config={(MODELS | FAMILIES)[model]}",
            f"model.attn_implementation={'eager' if model in EAGER else 'sdpa'}",
            f"objective={{filters: [], lambda_jepa: 0.7, gamma_ntp: 0.9, {objective}}}",
        ]
        run = jepa_core.build(jepa_core.load_recipe("cosine_k1", overrides, registry=REGISTRY), REGISTRY, "cpu")
        torch.manual_seed(3)
        with torch.no_grad():
            for weight in run.objective.parameters():
                weight.add_(0.2 * torch.randn_like(weight))
        return run, run.collate([run.train_dataset[i] for i in range(len(PAIRS))])

    return make


def agree(run, batch, expected: naive.TextLoss) -> None:
    """Loss to 1e-5; the gradients' difference over the global norm too."""
    found = run.objective(**batch)
    for ours, theirs in (
        (found.loss, expected.loss),
        (found.ntp_loss, expected.ntp_loss),
        (found.jepa_loss, expected.jepa_loss),
    ):
        torch.testing.assert_close(ours.detach(), theirs.detach(), rtol=0, atol=1e-5)
    model = run.objective.model
    named = dict(model.named_parameters())
    ours = torch.autograd.grad(found.loss, list(named.values()), allow_unused=True, materialize_grads=True)
    theirs = naive.gradients(model, expected.loss)
    apart = torch.stack([(one - theirs[name]).norm() for name, one in zip(named, ours, strict=True)]).norm()
    assert apart <= 1e-5 * torch.stack([each.norm() for each in theirs.values()]).norm()


def tokens(batch, name: str) -> list[list[int]]:
    ids, tags = (
        (batch["input_ids"], batch["tags"]) if name == "input" else (batch[f"{name}_ids"], batch[f"{name}_tags"])
    )
    return [row[tag != 0].tolist() for row, tag in zip(ids, tags, strict=True)]


def labelled(batch) -> list[list[int]]:
    return [(row != -100).nonzero().flatten().tolist() for row in batch["labels"]]


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("positions", ["continue", "restart"])
@pytest.mark.parametrize(("model", "layout"), CASES)
def test_prompt_to_answer_by_its_prefix(made, model, layout, positions, k):
    """The answer goes on after the conversation and k predictor tokens, with positions that continue."""
    agree_by_prefix(made, model, layout, positions, k)


@pytest.mark.parametrize("positions", ["continue", "restart"])
@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("model", FAMILIES)
def test_windows_and_caps_of_other_kinds(made, model, layout, positions):
    agree_by_prefix(made, model, layout, positions, 2)


def test_the_windows_and_the_caps_matter(made):
    """The numbers are others without them."""
    changes = {"mistral": ["sliding_window"], "gemma2": ["sliding_window", "attn_logit_softcapping"]}
    changes["gemma2"].append("final_logit_softcapping")
    changes["gemma3_text"] = ["sliding_window", "final_logit_softcapping"]
    for model, keys in changes.items():
        run, batch = made(model, "k: 2, layout: packed, reversal: prompt_to_answer")
        config, loss = run.objective.model.config, float(run.objective(**batch).loss.detach())
        for key in keys:
            weights = run.objective.model.state_dict()
            other = copy.deepcopy(config)
            setattr(other, key, None if "cap" in key else 1000)
            changed = AutoModelForCausalLM.from_config(other, attn_implementation=config._attn_implementation)
            changed.load_state_dict(weights)
            moved = JepaObjective(changed, run.objective.spec).eval()(**batch).loss
            assert abs(float(moved.detach()) - loss) > 1e-4, (model, key)


def agree_by_prefix(made, model, layout, positions, k):
    run, batch = made(model, f"k: {k}, layout: {layout}, positions: {positions}, reversal: prompt_to_answer")
    preds, pairs = [*run.vocabulary.pred_ids] * k, []
    rows = zip(tokens(batch, "input"), labelled(batch), tokens(batch, "prefix"), tokens(batch, "answer"), strict=True)
    for ids, labels, prefix, answer in rows:
        assert ids[: len(prefix)] == prefix
        after = len(ids) + k if positions == "continue" else 0
        target = naive.View(answer, len(answer) - 1, after)
        pairs.append(naive.Pair(ids, labels, naive.prefix_view(ids, len(prefix), preds), target))
    expected = naive.naive_llm_jepa(run.objective.model, pairs, lambda_jepa=0.7, gamma_ntp=0.9)
    agree(run, batch, expected)


@pytest.mark.parametrize(
    ("options", "distance"), [("", "cosine"), (", reverse: true", "l2"), (", predictors: before", "mse")]
)
@pytest.mark.parametrize(("model", "layout"), CASES)
def test_prompt_to_answer_alone(made, model, layout, options, distance):
    k, before = 2, "before" in options
    reversal = f"{{name: prompt_to_answer, rendering: alone{options}}}"
    run, batch = made(
        model, f"k: {k}, layout: {layout}, positions: restart, distance: {distance}, reversal: {reversal}"
    )
    preds, reverse, pairs = [*run.vocabulary.pred_ids] * k, "reverse" in options, []
    rows = zip(tokens(batch, "input"), labelled(batch), tokens(batch, "alone"), tokens(batch, "answer"), strict=True)
    for (ids, labels, asked, answer), tags in zip(rows, batch["alone_tags"].tolist(), strict=True):
        content = [place for place, tag in enumerate(tags) if tag == Tag.USER]
        parts = asked[: content[0]], asked[content[0] : content[-1] + 1], asked[content[-1] + 1 :]
        if reverse:
            view = naive.View([*answer, *preds], len(answer) + k - 1)
            pairs.append(naive.Pair(ids, labels, naive.View(asked, len(asked) - 1), view))
        elif before:
            view = naive.View([*preds, *asked], k + len(asked) - 1)
            pairs.append(naive.Pair(ids, labels, view, naive.View(answer, len(answer) - 1)))
        else:
            view = naive.alone_view(*parts, preds, offset=-1 - len(parts[2]))
            pairs.append(naive.Pair(ids, labels, view, naive.View(answer, len(answer) - 1)))
    expected = naive.naive_llm_jepa(
        run.objective.model, pairs, lambda_jepa=0.7, gamma_ntp=0.9, reverse=reverse, distance=distance
    )
    agree(run, batch, expected)


def planned(run, batch) -> list[list[tuple[list[int], list[int], float]]]:
    """Lists for each pair of views and sample the source's places, the target's, and the weight."""
    [term] = run.objective.plan(batch).terms
    found = []
    for pair in term.pairs:
        weights = [1.0] * len(PAIRS) if pair.weight is None else pair.weight.tolist()
        sides = [[row.nonzero().flatten().tolist() for row in view.select] for view in pair]
        found.append(list(zip(*sides, weights, strict=True)))
    return found


@pytest.mark.parametrize("through", ["contents", "end_to_end", "all"])
@pytest.mark.parametrize("weight", ["none", "cosine_like", "jaccard_like"])
@pytest.mark.parametrize("model", MODELS)
def test_random_spans(made, model, weight, through):
    reversal = f"{{name: random_spans, spans: 2, weight: {weight}, through: {through}}}"
    run, batch = made(model, f"k: 0, embedding: displacement, reversal: {reversal}")
    content = {"contents": {Tag.USER, Tag.ASSISTANT}}.get(through, {Tag.USER, Tag.ASSISTANT, Tag.TEMPLATE})
    samples = []
    for row, (ids, labels, tags) in enumerate(
        zip(tokens(batch, "input"), labelled(batch), batch["tags"].tolist(), strict=True)
    ):
        path = [place for place, tag in enumerate(tags) if tag in content and place > 0]
        spans = []
        for pair in planned(run, batch):
            rest, span, _ = pair[row]
            assert sorted(rest + span) == path
            start = path.index(span[0])
            assert path[start : start + len(span)] == span
            spans.append((start, start + len(span)))
        samples.append(naive.Spanned(ids, labels, path, spans))
    expected = naive.naive_stp(run.objective.model, samples, weights=weight, lambda_jepa=0.7, gamma_ntp=0.9)
    agree(run, batch, expected)


@pytest.mark.parametrize("neighbours", [False, True])
@pytest.mark.parametrize("model", [*MODELS, *FAMILIES])
def test_tube(made, model, neighbours):
    reversal = f"{{name: tube, neighbours: {str(neighbours).lower()}}}"
    run, batch = made(model, f"k: 0, embedding: difference, reversal: {reversal}")
    [pair] = planned(run, batch)
    samples = []
    for (first, second, weight), ids, labels in zip(pair, tokens(batch, "input"), labelled(batch), strict=True):
        assert weight == 1
        assert first[1] == second[0]
        samples.append(naive.Pointed(ids, labels, [(*first, second[1])]))
    expected = naive.naive_tube(run.objective.model, samples, lambda_jepa=0.7, gamma_ntp=0.9)
    agree(run, batch, expected)
