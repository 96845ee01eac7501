"""Samples told token by token."""

from __future__ import annotations

from jepa_core.verify.checks.supervision import supervision
from jepa_core.verify.context import mode
from jepa_core.verify.grid import example_mask
from jepa_core.verify.samples import mixed_rows, sample_tables
from jepa_core.views.pairs import Part, Views
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from tests.core.verify.breaking import tiny
from tests.plugins.text.verified import checked


def tables(context):
    with mode(context.objective, filters=False):
        return sample_tables(context.objective, context.run.vocabulary, context.few, context.run.data.tags)


def test_a_pair_and_a_sample_without():
    context = tiny()
    first, *_, test = tables(context)
    assert first.title == "sample 0, train: pays NTP (1 label) and JEPA (1 pair)"
    head, relation, mask, tail = context.few["input_ids"][0].tolist()
    name = context.run.vocabulary.name
    assert first.rows[:5] == [
        ("0", "0", name(head), str(head), "head", "", "source"),
        ("0", "1", name(relation), str(relation), "relation", "", "source"),
        ("0", "2", "<mask>", str(mask), "mask", "", "source"),
        ("0", "3", name(tail), str(tail), "tail", name(tail), "source"),
        ("0", "4", "<PRED>", str(context.run.vocabulary.pred_ids[0]), "pred", "", "source"),
    ]
    assert [row[:3] for row in first.rows[5:]] == [
        ("1", "5", name(tail)),
        ("1", "6", name(relation + 1 if "_inv" not in name(relation) else relation - 1)),
        ("1", "7", "<mask>"),
        ("1", "8", name(head)),
    ]
    assert {row[6] for row in first.rows[5:]} == {"target"}
    assert test.title.endswith(", test: pays NTP (1 label)")
    assert {row[6] for row in test.rows} == {""}


def test_several_pairs_are_numbered():
    class Both:
        def __call__(self, facts):
            tail = Part(facts.tags == Role.TAIL)
            question = Part(facts.valid & (facts.tags != Role.TAIL))
            return Views(((question, tail), (tail, question)))

    first = tables(tiny(reversal=Both(), pred_ids=()))[0]
    assert first.title.endswith("pays NTP (1 label) and JEPA (2 pairs)")
    assert [row[6] for row in first.rows] == ["source 0, target 1"] * 3 + ["target 0, source 1"]


def test_labels_of_a_second_view():
    first = tables(tiny(reversal=QuestionToEntity(autoencode=True), pred_ids=()))[0]
    assert first.title.endswith("pays NTP (2 labels) and JEPA (2 pairs)")
    head = first.rows[0][2]
    assert [(row[0], row[2], row[4], row[5], row[6]) for row in first.rows[4:]] == [
        ("1", head, "head", "", "source 1"),
        ("1", "<mask>", "mask", "", "source 1"),
        ("1", head, "tail", head, ""),
    ]


def test_tokens_of_text_are_told_as_people_read_them(tmp_path):
    """In samples, in masks and in what a check says; the tokenizer writes a space as Ġ and a new line as Ċ."""
    context = checked(tmp_path, "data.train_on=every_token")
    names = context.run.vocabulary.token_to_id
    assert {"Ġ", "Ċ"} <= set(names)
    rows = [row for table in tables(context) for row in table.rows]
    told = {"token": {row[2] for row in rows}, "label": {row[5] for row in rows}}
    told["mask"] = set(example_mask(context).names)
    told["check"] = {part for row in supervision(context) for part in row.evidence}
    assert [where for where, words in told.items() if {"Ġ", "Ċ"} & set("".join(words))] == []
    assert [where for where, words in told.items() if not {"·", "↵"} & set("".join(words))] == []


def test_half_of_each_kind():
    assert mixed_rows([1, 2, 3], [7, 8, 9], 4) == [1, 2, 7, 8]
    assert mixed_rows([1, 2, 3], [7], 4) == [1, 2, 3, 7]
    assert mixed_rows([], [7, 8], 4) == [7, 8]
    assert mixed_rows([1, 2], [7, 8], 1) == [1]
