"""A diagram of the way from a batch to the loss, with the recipe's components and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import torch

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import source_of
from jepa_core.verify.words import count, tag_names


@dataclass(frozen=True)
class Box:
    """One stage. lines: its contents, with shapes; source: of the code; branch: drawn beside the next branch, not
    below it."""

    title: str
    lines: tuple[str, ...]
    source: str = ""
    branch: bool = False


@torch.no_grad()
def flow(context: Context) -> list[Box]:
    """The stages of one training batch (up to 64 samples of it), in order."""
    objective, recipe = context.objective, context.run.recipe.objective
    with mode(objective, filters=True):
        plan = objective.plan(context.batch)
        placed = plan.to(context.device)
        out = objective(plan=placed)
        embeddings = objective.embeddings(placed, objective.hidden_states(placed))
    data, (samples, width) = context.run.recipe.data.name, context.batch["input_ids"].shape
    filters = ", ".join(filter_.name for filter_ in recipe.filters) or "none"
    shapes = [_size(predicted) for predicted, _ in embeddings]
    return [
        Box("batch", (f"{data}: {count(samples, 'sample')}", f"input_ids ({samples}, {width})")),
        Box(
            "views",
            (
                f"filters: {filters}",
                f"{recipe.reversal.name}: {count(plan.jepa_pairs, 'pair')}",
                *_blocks(plan, context.run.data.tags),
            ),
            source_of(objective.spec.terms[0].reversal),
        ),
        Box(
            f"mask: {recipe.mask.name}",
            (f"layout: {objective.layout.name}", *(f"call ({_size(call.ids)})" for call in plan.arrangement.calls)),
            source_of(objective.spec.mask),
        ),
        _pass_box(objective, plan),
        _ntp_box(objective, plan, float(out.ntp_loss)),
        _jepa_box(context, shapes, out.jepa_loss),
        Box("total", (_total(context, float(out.ntp_loss), out.jepa_loss),), source_of(objective.forward)),
    ]


def _pass_box(objective: JepaObjective, plan: Plan) -> Box:
    config, transformer = objective.model.config, objective.transformer
    return Box(
        f"pass: {config.model_type}",
        (
            f"{count(transformer.num_layers, 'layer')} × {transformer.width}, "
            f"{config._attn_implementation}, {str(objective.model.dtype).removeprefix('torch.')}",
            f"{count(plan.tokens, 'token')}, each once",
        ),
        source_of(type(transformer).__call__),
    )


def _ntp_box(objective: JepaObjective, plan: Plan, loss: float) -> Box:
    return Box(
        "NTP",
        (
            f"{count(plan.labels, 'label')}",
            f"logits ({plan.labels}, {objective.transformer.vocab})",
            f"cross-entropy {loss:.4f}",
        ),
        source_of(objective.forward),
        branch=True,
    )


def draw(boxes: list[Box]) -> str:
    """Draws the stages as HTML, below one another with arrows between, the two branches side by side."""
    parts, branches = [], [box for box in boxes if box.branch]
    for box in boxes:
        if not box.branch:
            parts.append(_stage(_draw(box)))
        elif box is branches[0]:
            parts.append(_stage(f'<div class="branches">{"".join(map(_draw, branches))}</div>'))
    return f"<style>\n{_STYLE}</style>\n" + f'<div class="flow">{_ARROW.join(parts)}</div>'


def _blocks(plan: Plan, tags: Sequence[str]) -> list[str]:
    """A line a block, like ``block 0 (64, 7): question answer pred``, with the tags of its first row."""
    names = tag_names(tags)
    return [
        f"block {number} ({_size(block.ids)}): "
        + " ".join(name for name, _ in groupby(names.get(tag, str(tag)) for tag in block.tags[0].tolist() if tag))
        for number, block in enumerate(plan.blocks)
    ]


def _jepa_box(context: Context, shapes: list[str], loss: torch.Tensor | None) -> Box:
    objective, recipe = context.objective, context.run.recipe.objective
    if loss is None:
        return Box("JEPA", (context.nothing_counts or "no pair in this batch",), branch=True)
    source, target = recipe.embedding.source.name, recipe.embedding.target.name
    stopped = "" if objective.spec.target == "same" else ", no gradient"
    return Box(
        "JEPA",
        (
            f"predicted: {source} ({shapes[0]})",
            f"target: {target} ({shapes[0]}){stopped}",
            f"{recipe.distance.name} distance {float(loss):.4f}",
        ),
        source_of(objective.spec.terms[0].distance),
        branch=True,
    )


def _total(context: Context, ntp: float, jepa: torch.Tensor | None) -> str:
    objective = context.objective
    gamma, weight = objective.spec.gamma_ntp, objective.weight(objective.spec.terms[0].name, 0)
    if jepa is None:
        return f"{gamma:g} · {ntp:.4f} = {gamma * ntp:.4f}"
    return f"{gamma:g} · {ntp:.4f} + {weight:g} · {float(jepa):.4f} = {gamma * ntp + weight * float(jepa):.4f}"


def _size(tensor: torch.Tensor) -> str:
    return ", ".join(map(str, tensor.shape))


def _stage(inner: str) -> str:
    return f'<div class="stage">{inner}</div>'


def _draw(box: Box) -> str:
    lines = "".join(f"<span>{escape(line)}</span>" for line in box.lines)
    source = f"<code>{escape(box.source)}</code>" if box.source else ""
    return f'<div class="box"><b>{escape(box.title)}</b>{lines}{source}</div>'


_ARROW = '<div class="arrow" aria-hidden="true">↓</div>'
_STYLE = """\
.flow { max-width: 34rem; }
.stage { display: flex; justify-content: center; }
.branches { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; width: 100%; }
.box { border: 1px solid var(--muted); border-radius: .4rem; padding: .5rem .75rem; min-width: 0; flex: 1; }
.box span, .box code { display: block; font-size: .85rem; overflow-wrap: anywhere; }
.box code, .row code { color: var(--muted); font-size: .75rem; overflow-wrap: anywhere; }
.arrow { text-align: center; color: var(--muted); line-height: 1.4; }
"""
