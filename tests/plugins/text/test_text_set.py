from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from jepa_core.errors import DataError
from jepa_core.samples.sample_set import collate
from jepa_core.samples.samples import IGNORE, PAD, Samples
from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.store import TextSetWriter, read_entry
from jepa_plugins.text.tags import Tag, TokenRow
from jepa_plugins.text.text_set import TextSet
from jepa_plugins.text.tokenise import Sample

BOS, PAD_ID = 1, 9
T, U, A, E = Tag.TEMPLATE, Tag.USER, Tag.ASSISTANT, Tag.END


def row(ids: list[int], tags: list[int], branch: int) -> TokenRow:
    kinds = np.array(tags)
    return TokenRow(np.array(ids), kinds, (kinds == A) | (kinds == E), branch)


#: Two conversations; the end of an answer is the padding token.
ROWS = [
    (row([1, 20, 21, 30, 40, 9], [T, U, U, T, A, E], 3), row([1, 20, 21], [T, U, U], 3)),
    (row([1, 22, 30, 9], [T, U, T, E], 2), row([1, 22, 5], [T, U, T], 2)),
]
TALK = Conversation(("user", "assistant"), ("q", "é"))


@pytest.fixture(params=[BOS, None], ids=["bos", "no bos"])
def bos(request):
    return request.param


@pytest.fixture
def texts(tmp_path, bos):
    with TextSetWriter(tmp_path) as writer:
        writer.add([Sample(whole, alone, TALK) for whole, alone in ROWS])
        writer.tally.update(read=3, dropped=1)
    return TextSet(tmp_path, read_entry(tmp_path), ("valid", 2), PAD_ID, bos, first_index=10)


@pytest.mark.parametrize("array", ["row_tokens", "row_starts", "alone_tags"])
def test_a_file_that_is_cut_off_while_it_is_read_is_told(texts, tmp_path, array):
    """The system would end the process with SIGBUS."""
    texts.__getitems__([0, 1])
    os.truncate(tmp_path / array, 1)
    with pytest.raises(DataError, match=rf"{array}: was cut off while it was read: expected \d+ bytes, it has 1$"):
        texts.__getitems__([0, 1])


def test_a_batch_is_padded_to_its_own_longest(texts):
    batch = texts.__getitems__([0, 1])
    assert batch["input_ids"].tolist() == [[1, 20, 21, 30, 40, 9], [1, 22, 30, 9, PAD_ID, PAD_ID]]
    assert batch["tags"].tolist() == [[T, U, U, T, A, E], [T, U, T, E, PAD, PAD]]
    assert batch["group"].tolist() == [2, 2]
    assert batch["index"].tolist() == [10, 11]
    assert texts.__getitems__([1])["input_ids"].shape == (1, 4)
    assert {value.dtype for value in batch.values()} == {torch.int64}


def test_an_end_is_a_label_though_it_is_the_padding_token(texts):
    labels = texts.__getitems__([0, 1])["labels"].tolist()
    assert labels == [[IGNORE] * 4 + [40, 9], [IGNORE] * 3 + [9, IGNORE, IGNORE]]


def test_renderings(texts, bos):
    samples = Samples.of_batch(texts.__getitems__([0, 1]))
    assert set(samples.renderings) == {"prefix", "answer", "alone", "alone_closed"}
    prefix, answer, alone, closed = (samples.renderings[n] for n in ("prefix", "answer", "alone", "alone_closed"))
    assert prefix.ids.tolist() == [[1, 20, 21], [1, 22, PAD_ID]]
    assert prefix.tags.tolist() == [[T, U, U], [T, U, PAD]]
    begin = [] if bos is None else [BOS]
    assert answer.ids.tolist() == [[*begin, 30, 40, 9], [*begin, 30, 9, PAD_ID]]
    assert answer.tags.tolist() == [[*(T for _ in begin), T, A, E], [*(T for _ in begin), T, E, PAD]]
    assert alone.ids.tolist() == [[1, 20, 21], [1, 22, PAD_ID]]
    assert alone.tags.tolist() == [[T, U, U], [T, U, PAD]]
    assert closed.ids.tolist() == [[1, 20, 21], [1, 22, 5]]
    assert closed.tags.tolist() == [[T, U, U], [T, U, T]]


def test_the_prefix_is_one_and_the_rest_is_the_answer(texts, bos):
    samples = Samples.of_batch(texts.__getitems__([0, 1]))
    for i in range(2):
        rest = samples.renderings["answer"].ids[i][samples.renderings["answer"].valid[i]][bos is not None :]
        prefix = samples.renderings["prefix"].ids[i][samples.renderings["prefix"].valid[i]]
        assert torch.cat([prefix, rest]).tolist() == samples.ids[i][samples.valid[i]].tolist()


def test_one_sample_is_a_batch_without_its_axis(texts):
    one, batch = texts[1], texts.__getitems__([1])
    assert all(torch.equal(value, batch[name][0]) for name, value in one.items())
    assert texts[-1]["index"] == 11
    with pytest.raises(IndexError):
        texts[2]
    together, whole = collate([texts[0], texts[1]]), texts.__getitems__([0, 1])
    assert torch.equal(together["labels"], whole["labels"])
    assert torch.equal(together["tags"], whole["tags"])


def test_what_the_trainer_asks(texts):
    assert (len(texts), texts.max_length, texts.group_sizes) == (2, 6, {"valid": 2})
    assert texts.lengths.tolist() == [6, 4]
    assert texts.first_rows("valid", 5).tolist() == [0, 1]
    assert texts.first_rows("valid", 1).tolist() == [0]
    assert texts.first_rows("train", 1).tolist() == []


def test_texts_and_notes(texts):
    assert texts.answer(1) == "é"
    assert texts.question_hashes.tolist()[0] == texts.question_hashes.tolist()[1]
    assert texts.answer_hashes.dtype == torch.int64
    assert texts.notes == ["valid: of 3 conversations 1 dropped, longer than max_length"]


def test_another_process_maps_the_files_itself(texts):
    sent = pickle.dumps(texts)
    assert len(sent) < 2000
    again = pickle.loads(sent)
    assert torch.equal(again.__getitems__([1, 0])["input_ids"], texts.__getitems__([1, 0])["input_ids"])
