"""Checks of the second view: relations are inverted, and inverted again they are the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from jepa_core.samples.samples import Samples
from jepa_core.verify.context import Context, spread
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import named, real_ids
from jepa_core.views.pairs import NewBlock, Part
from jepa_plugins.facts.reverse import known_inverses
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.vocabulary import Vocabulary

#: Samples shown.
SHOWN = 4


def reversal(context: Context) -> Iterator[Row]:
    """Reverses real facts, and every relation of the vocabulary twice, with the recipe's strategy."""
    strategy, vocabulary = context.objective.spec.terms[0].reversal, Vocabulary.of(context.run.vocabulary)
    source = source_of(getattr(strategy, "inverse", None) or strategy)
    relations = torch.tensor(vocabulary.relation_ids)
    if context.nothing_counts or not len(relations):
        why = context.nothing_counts or "the vocabulary has no relations"
        yield not_applicable("second view", why, source)
        return
    facts = _facts(context)
    second = second_views(context, facts)
    if second is None:
        yield not_applicable("second view", "it is no new block with one relation: nothing is turned round", source)
        return
    yield _swapped(facts, second, vocabulary, source_of(strategy))
    once, twice = _inverted(context, facts, relations)
    wrong = (twice != relations).nonzero().flatten()
    shown = ", ".join(f"{a} → {b} → {c}" for a, b, c in zip(*_first(wrong, relations, once, twice), strict=True))
    told = parity_rule(relations.tolist(), once.tolist()) + (f"; wrong: {shown}" if shown else "")
    yield at_most("relations not given back by inverting twice", len(wrong), 0, told, source)
    yield _as_named(vocabulary, relations, once, source)


def second_views(context: Context, facts: Samples) -> Samples | None:
    """The second views of `facts`, where the strategy makes one new block with one relation a fact."""
    pairs = context.objective.spec.terms[0].reversal(facts).pairs
    if len(pairs) != 1 or not isinstance(pairs[0][0], Part) or not isinstance(pairs[0][1], NewBlock):
        return None
    second = pairs[0][1].samples
    one_each = ((second.tags == Role.RELATION).sum(dim=1) == 1).all()
    return second if bool(one_each) else None


def parity_rule(relations: list[int], inverses: list[int]) -> str:
    """Describes the pairs of inverse relations; by parity where that is the rule."""
    first = min(relations)
    if inverses == [i + 1 if i % 2 == first % 2 else i - 1 for i in relations]:
        same, other = ("even", "odd") if first % 2 == 0 else ("odd", "even")
        return (
            f"{len(relations)} relations from id {first} on, which is {same}: {same} ids have their inverse at + 1, "
            f"{other} ids at − 1"
        )
    shown = ", ".join(f"{a} → {b}" for a, b in zip(relations[:8], inverses, strict=False))
    return f"{len(relations)} relations by table: {shown}{', …' if len(relations) > 8 else ''}"


def _facts(context: Context) -> Samples:
    """Picks some of the facts that count, of as many different relations as possible."""
    batch = context.run.train_dataset.__getitems__(context.counted_rows)
    facts = Samples.of_batch(batch)
    relations = facts.ids.where(facts.tags == Role.RELATION, -1).amax(dim=1).tolist()
    one_of_each = [relations.index(relation) for relation in dict.fromkeys(relations)]
    rows = dict.fromkeys([*spread(one_of_each, SHOWN), *range(min(SHOWN, len(facts)))])
    return facts[torch.tensor(list(rows)[:SHOWN])]


def _swapped(facts: Samples, second: Samples, vocabulary: Vocabulary, source: str) -> Row:
    """Checks that head and tail change places; only warns, as a strategy may make another second view."""
    wrong, lines = 0, []
    for row in range(len(facts)):
        head, tail = (_part(facts, row, role) for role in (Role.HEAD, Role.TAIL))
        new_head, new_tail = (_part(second, row, role) for role in (Role.HEAD, Role.TAIL))
        wrong += (head, tail) != (new_tail, new_head)
        lines.append(f"{named(real_ids(facts, row), vocabulary)}  →  {named(real_ids(second, row), vocabulary)}")
    verdict = Verdict.WARN if wrong else Verdict.PASS
    return Row("facts whose head and tail did not change places", verdict, wrong, "= 0", "\n".join(lines), source)


def _inverted(context: Context, facts: Samples, relations: Tensor) -> tuple[Tensor, Tensor]:
    """Inverts every relation once and twice, as the relation of one and the same fact."""
    one = facts[torch.zeros(len(relations), dtype=torch.int64)]
    once = _relation_of(second_views(context, _with_relation(one, relations)))
    twice = _relation_of(second_views(context, _with_relation(one, once)))
    return once, twice


def _as_named(vocabulary: Vocabulary, relations: Tensor, once: Tensor, source: str) -> Row:
    name = "relations whose inverse the vocabulary names otherwise"
    stated = known_inverses(vocabulary)
    if not stated:
        return not_applicable(name, "the vocabulary does not say which relation is the inverse of which", source)
    wrong = [
        f"{vocabulary.name(a)} → {vocabulary.name(b)}, and it says {vocabulary.name(stated[a])}"
        for a, b in zip(relations.tolist(), once.tolist(), strict=True)
        if stated.get(a, b) != b
    ]
    pairs = {tuple(sorted(pair)) for pair in stated.items()}
    told = ", ".join(f"{vocabulary.name(a)} ↔ {vocabulary.name(b)}" for a, b in sorted(pairs)[:6])
    evidence = "; ".join(wrong[:4]) if wrong else f"{told}{', …' if len(pairs) > 6 else ''}"
    return at_most(name, len(wrong), 0, evidence, source)


def _with_relation(facts: Samples, relations: Tensor) -> Samples:
    return Samples(relations[:, None].where(facts.tags == Role.RELATION, facts.ids), facts.tags)


def _relation_of(facts: Samples | None) -> Tensor:
    assert facts is not None, "the same strategy made new blocks a moment ago"
    return facts.ids[facts.tags == Role.RELATION]


def _part(facts: Samples, row: int, role: int) -> list[int]:
    return facts.ids[row][facts.tags[row] == role].tolist()


def _first(wrong: Tensor, *columns: Tensor) -> list[list[int]]:
    return [column[wrong[:4]].tolist() for column in columns]
