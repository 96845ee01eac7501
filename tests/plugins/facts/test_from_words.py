from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import jepa_recipes
from jepa_core.contexts import BuildContext, DatasetContext
from jepa_core.errors import DataError
from jepa_core.registry import Registry
from jepa_plugins.facts.from_words import facts
from jepa_plugins.facts.lookup_reversal import lookup
from jepa_plugins.facts.parity_reversal import parity
from tests.plugins.facts.specimen import same_task, triples

WORDNET = Path(jepa_recipes.__file__).parent / "data" / "wordnet"
RELATIONS = "inverse_pairs: [[up, down]]\nsymmetric: [beside]\n"


def pairs(count: int, relation: str = "up") -> list[tuple[str, str, str]]:
    return [(f"low {i}", relation, f"high {i}") for i in range(count)]


def write(folder: Path, lines, relations: str = RELATIONS) -> DatasetContext:
    text = (json.dumps(dict(zip(("head", "relation", "tail"), line, strict=True))) for line in lines)
    (folder / "facts.jsonl").write_text("\n".join(text))
    (folder / "relations.yaml").write_text(relations)
    return DatasetContext(seed=1, k=1, search=(folder,))


def load(context: DatasetContext, **options):
    return facts(context, "facts.jsonl", "relations.yaml", **options)


def in_words(task, facts_set) -> set[tuple[str, ...]]:
    name = task.vocabulary.name
    return {(" ".join(map(name, h)), name(r), " ".join(map(name, t))) for h, r, t in triples(facts_set)}


def test_a_quarter_is_trained_in_one_direction_and_asked_in_the_other(tmp_path):
    task = load(write(tmp_path, pairs(12)))
    trained, held_out = in_words(task, task.train), in_words(task, task.evaluation["test"])
    assert task.train.sample_type.tolist() == [0] * 18 + [1] * 3
    ways = {(f"low {i}", "<up>", f"high {i}") for i in range(12)}
    ways |= {(f"high {i}", "<down>", f"low {i}") for i in range(12)}
    assert trained | held_out == ways
    assert not trained & held_out
    assert len(held_out) == 3


def test_one_direction_both_directions_or_repeated_is_the_same_task(tmp_path):
    once = load(write(tmp_path, pairs(12)))
    both = [way for h, r, t in pairs(12) for way in ((h, r, t), (t, "down", h), (h, r, t))]
    assert same_task(once, load(write(tmp_path, both)))


def test_no_entity_is_in_both_groups(tmp_path):
    lines = [*pairs(30), *((f"high {i}", "beside", f"high {i + 1}") for i in range(0, 20, 2))]
    task = load(write(tmp_path, lines), one_way_share=0.4)
    ends: dict[int, set] = {0: set(), 1: set()}
    for (head, _, tail), kind in zip(triples(task.train), task.train.sample_type.tolist(), strict=True):
        ends[kind] |= {head, tail}
    assert not ends[0] & ends[1]
    assert task.train.sample_type.sum() == 16  # 40 % of 40 facts


def test_vocabulary_of_words(tmp_path):
    task = load(write(tmp_path, [("b c", "up", "a"), ("d", "beside", "a2"), ("e", "up", "f"), ("g", "up", "h")]))
    words = ["a", "a2", "b", "c", "d", "e", "f", "g", "h"]
    assert list(task.vocabulary.token_to_id) == [
        *words,
        "<mask>",
        "<up>",
        "<down>",
        "<beside>",
        "<pad>",
        "<PRED>",
    ]
    assert task.vocabulary.pred_ids == (14,)
    assert set(task.tokenizer_files) >= {"tokenizer.json", "tokenizer_config.json"}


def test_distinct_predictors_have_the_ids_that_the_tokenizer_gives_them(tmp_path):
    write(tmp_path, pairs(8))
    task = load(DatasetContext(k=3, distinct_pred=True, search=(tmp_path,)))
    added = {t["content"]: t["id"] for t in json.loads(task.tokenizer_files["tokenizer.json"])["added_tokens"]}
    assert [added[name] for name in ("<PRED>", "<PRED_2>", "<PRED_3>")] == list(task.vocabulary.pred_ids)


def test_names_that_a_tokenizer_spells_alike_are_refused(tmp_path):
    """They would be one entity in silence."""
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["low", "high", *map(str, range(12))])}))
    words.normalizer, words.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(tmp_path / "lower")
    loud = [(h.upper(), r, t) for h, r, t in pairs(12)]
    assert load(write(tmp_path, pairs(12)), tokenizer="lower").vocabulary.token_to_id["low"] == 0
    with pytest.raises(DataError, match=r"line 13: 'LOW 0': expected tokens of its own, .* 'low 0' \(line 1\)$"):
        load(write(tmp_path, [*pairs(12), *loud]), tokenizer="lower")


def test_the_seed_decides_and_the_recipes_seed_is_the_default(tmp_path):
    context = write(tmp_path, pairs(40))
    assert same_task(load(context), load(context, seed=1))
    assert not same_task(load(context), load(context, seed=2))


def test_evaluation_splits_are_capped(tmp_path):
    task = load(write(tmp_path, pairs(40)), evaluation_samples=4)
    assert {split: len(s) for split, s in task.evaluation.items()} == {"train": 4, "atomic": 4, "test": 4}


def test_relations_pair_up_by_parity_unless_some_are_symmetric(tmp_path):
    plain = load(write(tmp_path, pairs(8), "inverse_pairs: [[up, down], [in, around]]"))
    parity(BuildContext(plain.vocabulary, width=8, num_layers=1))
    mixed = load(write(tmp_path, pairs(8), "inverse_pairs: [[up, down]]\nsymmetric: [beside, like]"))
    with pytest.raises(Exception, match="use 'reversal: lookup'"):
        parity(BuildContext(mixed.vocabulary, width=8, num_layers=1))
    lookup(BuildContext(mixed.vocabulary, width=8, num_layers=1))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("a", "upp", "b")], "facts.jsonl: line 1: relation: expected a relation of .*; did you mean 'up'"),
        ([("a", "up", "b"), ("c", "beside", "c")], "facts.jsonl: line 2: tail: expected another entity"),
        ([("a", "up", "b"), ("b", "up", "c")], "facts.jsonl: no two groups without a common entity"),
        ([("a", "up", "b"), ("x", "up", "y<up>")], "facts.jsonl: line 2: 'y<up>': expected ordinary tokens"),
    ],
)
def test_mistakes_in_the_facts(tmp_path, lines, expected):
    with pytest.raises(DataError, match=expected):
        load(write(tmp_path, lines))


@pytest.mark.parametrize("option", [{"one_way_share": 0.0}, {"one_way_share": 1}, {"evaluation_samples": 0}])
def test_options_out_of_range(tmp_path, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        load(write(tmp_path, pairs(8)), **option)


def test_wordnet_by_its_name():
    context = DatasetContext(seed=42, k=1, search=(WORDNET,))
    options = {"path": "facts.jsonl", "relations": "relations.yaml"}
    task = Registry.discover().create("dataset", "facts", context=context, **options)
    types = task.train.sample_type
    assert int((types == 0).sum()) + 2 * int((types == 1).sum()) == 2000
    assert 240 <= len(task.evaluation["test"]) <= 260
    assert len(task.vocabulary.relation_ids) == 10
    parity(BuildContext(task.vocabulary, width=8, num_layers=1))
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in (WORDNET / "LICENSE.wordnet").read_text()


def test_wordnet_facts_are_one_to_one():
    lines = [json.loads(line) for line in (WORDNET / "facts.jsonl").read_text().splitlines()]
    assert len(lines) == len({tuple(line.values()) for line in lines}) == 2000
    assert len({(line["head"], line["relation"]) for line in lines}) == 2000
    assert len({(line["tail"], line["relation"]) for line in lines}) == 2000
