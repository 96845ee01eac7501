"""Token ids in words."""

from __future__ import annotations

import torch

from jepa_core.samples.samples import Facts
from jepa_core.samples.token_names import Vocabulary
from jepa_core.verify.words import ROLES, count, decoded, named, real_ids

VOCABULARY = Vocabulary({"a": 0, "b": 1, "<r>": 2, "<mask>": 3, "<pad>": 4}, (2,), 3, 4)


def test_words():
    facts = Facts.from_spans([([0], [2], [3], [1, 0]), ([1], [2], [3], [0])], pad_id=4)
    assert real_ids(facts, 1) == [1, 2, 3, 0]
    assert decoded(torch.tensor([1, 2, 9]), VOCABULARY) == "b <r> <id 9>"
    assert named([1, 2], VOCABULARY) == "b <r> (1 2)"
    assert (count(1, "pair"), count(0, "pair"), count(1234, "pair")) == ("1 pair", "0 pairs", "1,234 pairs")
    assert ROLES[5] == "PRED"
