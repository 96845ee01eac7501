"""A second, slow and plain implementation of the losses, to compare the real ones with.

Next-token prediction is a pass over each sample alone; the JEPA losses are a second pass over a packed row, and one
more for each branch, over its prefix and itself. Everything is done sample by sample in plain lists: the planner, the
layouts and the cross-entropy of the objective are not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.components import DistanceTraits, EmbeddingTraits, MaskTraits, RegularizerTraits
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.schedule import weight_at
from jepa_core.objective.spec import JepaTerm
from jepa_core.samples.draws import Draws, sequence_ids
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PRED, Samples
from jepa_core.verify.naive_rows import PackedRow, Placed, Rows
from jepa_core.views.row_tokens import Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class CannotExpress(Exception):
    """An objective that can't be written as naive passes."""


@dataclass(frozen=True)
class NaiveLosses:
    """loss: the weighted sum; ntp: mean over labels; jepa: of the first term, mean over pairs; None where nothing
    counts."""

    loss: Tensor
    ntp: Tensor | None
    jepa: Tensor | None


@dataclass
class NaivePair:
    """predicted, target: ``d``; source_ids, target_ids: the tokens of the views, without predictor tokens."""

    predicted: Tensor
    target: Tensor
    source_ids: tuple[int, ...]
    target_ids: tuple[int, ...]


def naive_losses(objective: JepaObjective, batch: Batch) -> NaiveLosses:
    """Computes the losses of `batch` when no filter drops at random. Switch the model's own dropout off before.

    Raises CannotExpress.
    """
    _refuse(objective)
    terms = objective.spec.terms
    counted = [objective.planner.eligible(batch, 0, training=False, number=i).tolist() for i in range(len(terms))]
    samples = Samples.of_batch(batch)
    tokens: list[Tensor] = []
    pairs: list[list[list[NaivePair]]] = [[] for _ in terms]
    for row in range(len(samples)):
        sample = samples[torch.tensor([row])]
        tokens += _token_losses(objective, sample, batch["labels"][row])
        wanted = [i for i in range(len(terms)) if counted[i][row]]
        if wanted:
            found, more = _second_pass(objective, sample, batch["index"][row : row + 1], wanted)
            tokens += more
            for i in wanted:
                pairs[i].append(found[i])
    ntp = torch.stack(tokens).mean() if tokens else None
    jepa = [_distances(objective, term, of_term) for term, of_term in zip(terms, pairs, strict=True)]
    parts = [] if ntp is None else [objective.spec.gamma_ntp * ntp]
    for number, (term, distances) in enumerate(zip(terms, jepa, strict=True)):
        if distances is not None:
            parts.append(weight_at(term.weight, 0) * distances.mean())
            parts += _regularizers(objective, number, [pair for of_sample in pairs[number] for pair in of_sample])
    if not parts:
        raise CannotExpress("these samples have no label and no pair")
    return NaiveLosses(torch.stack(parts).sum(), ntp, None if jepa[0] is None else jepa[0].mean())


def _refuse(objective: JepaObjective) -> None:
    spec = objective.spec
    if MaskTraits.of(spec.mask).by_layer:
        raise CannotExpress(f"{type(spec.mask).__name__} is another mask in every layer")
    for term in spec.terms:
        if unknown := set(DistanceTraits.of(term.distance).needs) - {"entity_ids", "right_ids"}:
            raise CannotExpress(f"the distance needs {', '.join(sorted(unknown))}")
    if spec.target not in ("same", "stopped"):
        raise CannotExpress("the targets come from an encoder of their own")


def _token_losses(objective: JepaObjective, sample: Samples, labels: Tensor) -> list[Tensor]:
    """Runs the LM pass; returns minus the log-probability of each labelled token, given the tokens before it."""
    row, real = PackedRow(), sample.valid[0]
    row.add(sample.ids[0][real].tolist(), sample.tags[0][real].tolist(), 0)
    plain = MaskTraits.of(objective.spec.mask).plain_block_causal and objective.spec.positions != "none"
    logits = _run(objective, row, masked=not plain).logits[0].float()
    wanted = [(place - 1, label) for place, label in enumerate(labels[real].tolist()) if place and label >= 0]
    return [logits[place].logsumexp(0) - logits[place, label] for place, label in wanted]


def _second_pass(
    objective: JepaObjective, sample: Samples, index: Tensor, terms: Sequence[int]
) -> tuple[dict[int, list[NaivePair]], list[Tensor]]:
    """Runs the second pass; returns the pairs of each of these terms, and the token losses of views with labels."""
    views = {i: objective.planner.views(i, sample, index, step=0).pairs for i in terms}
    layout = Rows(objective, sample, [source for pairs in views.values() for source, _ in pairs])
    placed = {i: [(layout.place(s, True), layout.place(t, False)) for s, t in pairs] for i, pairs in views.items()}
    outs = {id(row): _run(objective, row, masked=True) for row in layout.rows}
    found = {i: [_pair(objective, i, outs, *both) for both in pairs] for i, pairs in placed.items()}
    tokens = []
    for row, at, label in layout.labels:
        logits = outs[id(row)].logits[0].float()
        tokens.append(logits[at].logsumexp(0) - logits[at, label])
    return found, tokens


def _pair(objective: JepaObjective, number: int, outs: dict[int, Any], source: Placed, target: Placed) -> NaivePair:
    term = objective.spec.terms[number]
    state = _embedding(objective, term.source, outs, source)
    if term.predictor is not None:
        condition = None if term.condition is None else _embedding(objective, term.condition, outs, source)
        state = term.predictor(state, condition)
    return NaivePair(state[0], _embedding(objective, term.target, outs, target)[0], _ids(source), _ids(target))


def _ids(view: Placed) -> tuple[int, ...]:
    places = [i for i, chosen in zip(view.block, view.select, strict=True) if chosen]
    return tuple(view.row.ids[i] for i in places if view.row.tags[i] != PRED)


def _embedding(objective: JepaObjective, extract: Any, outs: dict[int, Any], view: Placed) -> Tensor:
    """The embedding ``1 d`` of a view."""
    states = outs[id(view.row)].hidden_states[objective.transformer.layer(EmbeddingTraits.of(extract).layer)]
    hidden = states[:, view.block]
    valid = _like(hidden, [view.select], torch.bool)
    tags = _like(hidden, [[view.row.tags[i] for i in view.block]], torch.int64)
    return extract(hidden, valid, tags)


def _distances(objective: JepaObjective, term: JepaTerm, pairs: Sequence[Sequence[NaivePair]]) -> Tensor | None:
    """The distances ``n`` of all counted pairs. The distance gets the first pairs of all samples together, then the
    second ones, and so on, as it may compare them."""
    found = []
    distance: Any = term.distance
    for together in zip(*pairs, strict=True):
        predicted, target = _both(objective, together)
        asked, own = (_hashes(getattr(pair, side) for pair in together) for side in ("source_ids", "target_ids"))
        known = {"entity_ids": own}
        if objective.spec.right is not None:
            known["right_ids"] = objective.spec.right.among(asked, own)
        needs = {need: known[need].to(predicted.device) for need in DistanceTraits.of(distance).needs if need in known}
        found.append(distance(predicted, target, **needs).float())
    return torch.cat(found) if found else None


def _hashes(sequences: Iterable[tuple[int, ...]]) -> Tensor:
    """Hashes sequences of tokens: ``n`` int64, equal for the same ones."""
    return torch.cat([sequence_ids(torch.tensor([ids]), torch.ones(1, len(ids)).bool()) for ids in sequences])


def _both(objective: JepaObjective, pairs: Sequence[NaivePair]) -> tuple[Tensor, Tensor]:
    target = torch.stack([pair.target for pair in pairs])
    stopped = objective.spec.target == "stopped"
    return torch.stack([pair.predicted for pair in pairs]), target.detach() if stopped else target


def _regularizers(objective: JepaObjective, number: int, pairs: Sequence[NaivePair]) -> list[Tensor]:
    sides = dict(zip(("predicted", "target"), _both(objective, pairs), strict=True))
    draws = Draws(objective.spec.seed, 0, torch.zeros(0, dtype=torch.int64), stream=(number << 8) + 254)
    found = []
    for _, regularizer in objective.spec.terms[number].regularizers:
        traits = RegularizerTraits.of(regularizer)
        chosen = [side for name, side in sides.items() if traits.of_side in (name, "both")]
        found += [traits.weight * regularizer(side, draws).float() for side in chosen]
    return found


def _run(objective: JepaObjective, row: PackedRow, masked: bool) -> Any:
    """Runs the model's own forward on one row, with all hidden states."""
    model: PreTrainedModel = objective.model
    like = next(model.parameters())
    positions = [0] * len(row.ids) if objective.spec.positions == "none" else row.positions
    return model(
        input_ids=_like(like, [row.ids], torch.int64),
        position_ids=_like(like, [positions], torch.int64),
        attention_mask=_masks(objective, row, like) if masked else None,
        output_hidden_states=True,
        use_cache=False,
    )


def _masks(objective: JepaObjective, row: PackedRow, like: Tensor) -> Tensor | dict[str, Tensor]:
    """The mask of all layers, or of each kind of layer where their windows differ."""
    windows, model = objective.transformer.windows, objective.model
    if len(set(windows)) == 1:
        return _mask(objective, row, like, windows[0])
    kinds = dict(zip(model.config.get_text_config(decoder=True).layer_types, windows, strict=True))
    return {kind: _mask(objective, row, like, window) for kind, window in kinds.items()}


def _mask(objective: JepaObjective, row: PackedRow, like: Tensor, window: int | None) -> Tensor:
    """The additive mask ``1 1 t t``: 0 where the builder lets a token see an earlier one or itself, else the dtype's
    minimum. A window limits how far back; across blocks that is undefined, and raises CannotExpress."""
    kinds = list(zip(row.tags, row.block, strict=True))
    count = range(len(kinds))
    starts = [i == 0 or i == row.cut or kinds[i] != kinds[i - 1] for i in count]
    # a span that the cut divides goes on in the sample, so its last token is not in the prefix
    last = [(i + 1 == len(kinds) or starts[i + 1]) and not (row.cut_inside and i + 1 == row.cut) for i in count]
    tokens = Tokens(
        block=_like(like, [row.block], torch.int64),
        position=_like(like, [list(count)], torch.int64),
        tag=_like(like, [row.tags], torch.int64),
        span=_like(like, [[sum(starts[: i + 1]) - 1 for i in count]], torch.int64),
        last=_like(like, [last], torch.bool),
        pred=_like(like, [[tag == PRED for tag in row.tags]], torch.bool),
    )
    says = objective.spec.mask(tokens.unsqueeze(-1), tokens.unsqueeze(-2), 0).expand(1, len(kinds), len(kinds))[0]
    mask = like.new_full((1, 1, len(kinds), len(kinds)), torch.finfo(like.dtype).min)
    for query in count:
        for key in range(query + 1):
            if key == query or bool(says[query, key]):
                near = window is None or query - key < window
                if not near and row.block[key] != row.block[query]:
                    raise CannotExpress(f"the mask lets a view see another, and the window is {window} tokens")
                mask[0, 0, query, key] = 0 if near else torch.finfo(like.dtype).min
    return mask


def _like(like: Tensor, values: object, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=like.device)
