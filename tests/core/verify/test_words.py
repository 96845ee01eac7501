"""Token ids in words."""

from __future__ import annotations

import torch

from jepa_core.verify.words import count, named, real_ids, spelled, tag_names
from jepa_plugins.facts.roles import from_spans
from tests.support import vocabulary as make_vocabulary

VOCABULARY = make_vocabulary({"a": 0, "b": 1, "<r>": 2, "<mask>": 3, "<pad>": 4}, (2,), 3, 4)


def test_words():
    facts = from_spans([([0], [2], [3], [1, 0]), ([1], [2], [3], [0])], pad_id=4)
    assert real_ids(facts, 1) == [1, 2, 3, 0]
    assert spelled(torch.tensor([1, 2, 9]), VOCABULARY) == "b <r> <id 9>"
    assert named([1, 2], VOCABULARY) == "b <r> (1 2)"
    assert (count(1, "pair"), count(0, "pair"), count(1234, "pair")) == ("1 pair", "0 pairs", "1,234 pairs")
    assert tag_names(["head", "tail"]) == {0: "pad", -1: "pred", 1: "head", 2: "tail"}
