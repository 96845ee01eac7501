"""The fields of tokens, by hand on rows of mixed lengths, and their axes as queries and keys."""

from dataclasses import fields

import torch

from jepa_core.views.row_tokens import Tokens
from jepa_plugins.facts.roles import Role

H, R, M, T, P, PAD = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PRED, Role.PAD
# [fact PRED | reversed fact], then a shorter fact with padding at the end of both blocks
TAGS = [[H, H, R, M, T, P, H, R, M, T, T], [H, R, M, T, P, PAD, H, R, M, T, PAD]]
BLOCK = [[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]] * 2


def tokens(tags=TAGS, block=BLOCK) -> Tokens:
    return Tokens.of(torch.tensor(tags), torch.tensor(block))


def test_fields_by_hand():
    found = tokens()
    assert found.block.tolist() == BLOCK
    assert found.tag.tolist() == TAGS
    assert found.position.tolist() == [list(range(11))] * 2
    assert found.span.tolist() == [[0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]
    assert found.last.int().tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1], [1] * 11]
    assert found.pred.int().tolist() == [[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]]


def test_a_span_ends_where_the_block_does():
    """Tail next to tail, but in two blocks."""
    found = tokens([[T, T, T]], [[0, 0, 1]])
    assert found.span.tolist() == [[0, 0, 1]]
    assert found.last.tolist() == [[False, True, True]]


def test_one_token_and_none():
    assert tokens([[H]], [[0]]).last.tolist() == [[True]]
    empty = Tokens.of(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(2, 0, dtype=torch.int64))
    assert all(getattr(empty, f.name).shape == (2, 0) for f in fields(empty))


def test_queries_and_keys_broadcast_against_each_other():
    query, key = tokens().unsqueeze(-1), tokens().unsqueeze(-2)
    for field in fields(Tokens):
        assert getattr(query, field.name).shape == (2, 11, 1)
        assert getattr(key, field.name).shape == (2, 1, 11)
    assert (query.position - key.position)[0, 7].tolist() == [7, 6, 5, 4, 3, 2, 1, 0, -1, -2, -3]
