from __future__ import annotations

from jepa_plugins.facts.folder import read_folder
from jepa_plugins.facts.summary import RelationSummary, SetSummary, entity_rows, summarize_relations, summarize_sets
from tests.plugins.facts.specimen import contents, write


def test_a_task_in_numbers(tmp_path):
    task = read_folder(write(tmp_path / "task", contents()))
    assert summarize_sets(task) == [
        SetSummary("train.json, train", facts=2, entities=2, lengths=(5, 5), entity_lengths=(1, 2)),
        SetSummary("train.json, atomic", facts=1, entities=2, lengths=(6, 6), entity_lengths=(1, 3)),
        SetSummary("valid.json, train", facts=1, entities=2, lengths=(5, 5), entity_lengths=(1, 2)),
        SetSummary("valid.json, atomic", facts=1, entities=2, lengths=(6, 6), entity_lengths=(1, 3)),
        SetSummary("valid.json, test", facts=1, entities=2, lengths=(6, 6), entity_lengths=(1, 3)),
    ]
    assert summarize_relations(task) == [
        RelationSummary("<r>", 10, "<r_inv>", "even", facts=2),
        RelationSummary("<r_inv>", 11, "<r>", "odd", facts=1),
    ]


def test_heads_then_tails_from_the_left(tmp_path):
    task = read_folder(write(tmp_path / "task", contents()))
    both = entity_rows(task.train.facts)
    spans = [row[valid].tolist() for row, valid in zip(both.ids, both.valid, strict=True)]
    assert spans == [[0], [1, 2], [3, 4, 5], [1, 2], [0], [6]]
