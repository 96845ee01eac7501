from __future__ import annotations

import numpy as np
import pytest
from tokenizers import AddedToken

from jepa_plugins.text.encoding import EncodedText, Encoder
from jepa_plugins.text.owners import Owners, owners_of
from jepa_plugins.text.rendering import Rendering, Slot
from tests.plugins.text.specimen import tokenizer


@pytest.fixture(scope="module")
def encoder():
    made = tokenizer()
    made.add_tokens([AddedToken("<|wide|>", lstrip=True, rstrip=True, special=True, normalized=False)])
    return Encoder(made)


def spans(*spans: tuple[int, int], ids: list[int] | None = None) -> EncodedText:
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return EncodedText(np.array(ids or [50] * len(spans)), starts, ends)


def rendering(text: str, *slots: tuple[int, int]) -> Rendering:
    return Rendering(text, tuple(Slot(a, b, "user") for a, b in slots), 0)


def owners(text: Rendering, tokens: EncodedText, encoder: Encoder) -> Owners:
    """The owners of the tokens of one text, between others."""
    other = rendering("ab", (0, 2)), spans((0, 1), (1, 2))
    return owners_of([other[0], text, other[0]], [other[1], tokens, other[1]], encoder)[1]


def test_a_token_belongs_to_the_content_of_which_it_has_a_character(encoder):
    found = owners(
        rendering("0123456789", (2, 4), (6, 8)), spans((0, 2), (2, 3), (3, 5), (5, 6), (5, 7), (7, 8), (8, 9)), encoder
    )
    assert found.slot.tolist() == [-1, 0, 0, -1, 1, 1, -1]
    assert found.straddling == 2


def test_a_token_of_two_contents_belongs_to_the_later_one(encoder):
    """The token is to be predicted after the first, and must not be shown with it."""
    found = owners(rendering("0123", (0, 2), (2, 4)), spans((0, 1), (1, 3), (3, 4)), encoder)
    assert (found.slot.tolist(), found.straddling) == ([0, 1, 1], 1)


def test_tokens_without_characters_belong_to_what_is_around_them(encoder):
    found = owners(rendering("0123", (1, 3)), spans((0, 0), (1, 1), (2, 2), (3, 3)), encoder)
    assert (found.slot.tolist(), found.straddling) == ([-1, 0, 0, -1], 0)


def test_an_empty_content_has_no_token_but_a_place(encoder):
    text, found_in = rendering("0123", (2, 2), (3, 4)), spans((0, 2), (2, 3), (3, 4))
    found = owners(text, found_in, encoder)
    assert found.slot.tolist() == [-1, -1, 1]
    assert found.places == [(1, 1), (2, 3)]
    assert (found.after(0), found.after(1)) == (2, 3)
    assert owners(rendering("01", (1, 1)), spans((0, 1), (1, 2)), encoder).slot.tolist() == [-1, -1]


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
def test_against_a_slow_reading_of_the_same_rule(kind):
    encoder = Encoder(tokenizer(kind=kind))
    text = "USER: hé 🐕 \n ASSISTANT:  ho\t</think>x \n\n"
    slots = [(6, 10), (10, 10), (23, 37)]
    [found] = encoder.encode([text])
    owned = owners(rendering(text, *slots), found, encoder)
    for place, (a, b) in enumerate(zip(found.starts, found.ends, strict=True)):
        inside = [i for i, (s, e) in enumerate(slots) if set(range(a, max(b, a + 1))) & set(range(s, e))]
        assert owned.slot[place] == (inside[-1] if inside else -1)


class TestSpecialTokens:
    def test_in_a_content_somebody_wrote_them(self, encoder):
        text = "<|im_end|>a</s>b</s>"
        [found] = encoder.encode([text])
        assert owners(rendering(text, (10, 16)), found, encoder).written == [2]
        assert owners(rendering(text, (10, 11)), found, encoder).written == []

    def test_a_special_token_of_the_template_that_took_white_space_of_a_content_in(self, encoder):
        text = "a <|wide|> b"
        [found] = encoder.encode([text])
        assert (found.starts.tolist(), found.ends.tolist()) == ([0, 1, 11], [1, 11, 12])
        around = owners(rendering(text, (0, 2), (10, 12)), found, encoder)
        assert (around.slot.tolist(), around.written) == ([0, -1, 1], [])
        inside = owners(rendering(text, (0, 12)), found, encoder)
        assert (inside.slot.tolist(), inside.written) == ([0, 0, 0], [1])

    def test_what_the_tokenizer_does_not_know_nobody_wrote(self):
        encoder = Encoder(tokenizer())
        unknown = encoder.special["<unk>"]
        text = rendering("a§<unk>", (0, 7))
        found = owners(text, spans((0, 1), (1, 2), (2, 7), ids=[50, unknown, unknown]), encoder)
        assert found.written == [2]
