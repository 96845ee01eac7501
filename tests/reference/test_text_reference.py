"""The text references against figures worked out by hand, a batch, the authors' formulas, and wrong variants."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

from .naive_text import (
    Pair,
    Pointed,
    Spanned,
    View,
    alone_view,
    changes,
    gradients,
    label_losses,
    naive_llm_jepa,
    naive_stp,
    naive_tube,
    prefix_view,
    span_weight,
    state,
)
from .test_reference import GPT2, LLAMA, make_model

PRED = 27
#: bos, system, user turn (20 opens, 21 closes), assistant turn; 24 ends it.
IDS = [1, 20, 5, 6, 7, 21, 22, 8, 9, 10, 24]
LABELLED = [7, 8, 9, 10]


class Table(torch.nn.Module):
    """A token's state is its row of the table, whatever stands before it; its logits are the state."""

    def __init__(self, rows):
        super().__init__()
        self.rows = torch.nn.Parameter(torch.tensor(rows))

    def forward(self, input_ids, **_):
        states = self.rows[input_ids]
        return SimpleNamespace(logits=states, hidden_states=(2 * states, states))


def test_two_dimensions_on_paper():
    """States (1, 0), (0, 1), (3, 4); the conversation 0 1 0 has one label, token 0 after state (0, 1)."""
    model = Table([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])
    pair = Pair([0, 1, 0], [2], source=View([1, 2], 1), target=View([0], 0))
    found = naive_llm_jepa(model, [pair, Pair([0, 1], [1])], lambda_jepa=2, gamma_ntp=0.5)
    ntp = (math.log(1 + math.e) - 0 + math.log(1 + math.e) - 0) / 2
    assert found.ntp_loss.item() == pytest.approx(ntp)
    assert found.jepa_loss.item() == pytest.approx(1 - 3 / 5)
    assert found.loss.item() == pytest.approx(0.5 * ntp + 2 * 0.4)
    assert naive_llm_jepa(model, [pair], distance="l2").jepa_loss.item() == pytest.approx(math.sqrt(4 + 16))
    assert naive_llm_jepa(model, [pair], jepa_count=4).jepa_loss.item() == pytest.approx(0.1)
    assert naive_llm_jepa(model, [pair], lambda_jepa=0).jepa_loss is None


def test_a_path_on_paper():
    """States 1, 3, 4, 8, 9 in the first dimension, squares in the second; the path is places 1, 2 and 4."""
    values = [1.0, 3.0, 4.0, 8.0, 9.0]
    model = Table([[value, value**2] for value in values])
    sample = Spanned([0, 1, 2, 3, 4], [1], path=[1, 2, 4], spans=[(0, 2)])
    inside, outside = (3.0, 15.0), (1.0, 17.0)  # 4 - 1, 16 - 1; 9 - 8, 81 - 64
    cosine = (3 * 1 + 15 * 17) / math.hypot(*inside) / math.hypot(*outside)
    assert naive_stp(model, [sample]).jepa_loss.item() == pytest.approx(1 - cosine, abs=1e-6)
    middle = sample._replace(spans=[(0, 2), (1, 2)])
    rest = (2.0 + 1.0, 8.0 + 17.0)
    second = (1 * 3 + 7 * 25) / math.hypot(1, 7) / math.hypot(*rest)
    for how, w in (("none", (1, 1)), ("cosine_like", (4 / 5, 4 / 5)), ("jaccard_like", (2 / 3, 2 / 3))):
        assert [span_weight(2, 3, how), span_weight(1, 3, how)] == pytest.approx(w)
        expected = (w[0] * (1 - cosine) + w[1] * (1 - second)) / sum(w)
        assert naive_stp(model, [middle], weights=how).jepa_loss.item() == pytest.approx(expected, abs=1e-6)
    assert span_weight(1, 4, "cosine_like") == pytest.approx(6 / 10)
    assert span_weight(1, 4, "jaccard_like") == pytest.approx(1 / 2)


def test_three_points_on_paper():
    model = Table([[1.0, 1.0], [3.0, 9.0], [4.0, 16.0], [8.0, 64.0]])
    found = naive_tube(model, [Pointed([0, 1, 2, 3], [1], [(0, 1, 3), (0, 1, 2)])])
    cosines = [
        (5 * 2 + 55 * 8) / math.hypot(5, 55) / math.hypot(2, 8),
        (1 * 2 + 7 * 8) / math.hypot(1, 7) / math.hypot(2, 8),
    ]
    assert found.jepa_loss.item() == pytest.approx(1 - sum(cosines) / 2, abs=1e-6)


def test_views():
    assert prefix_view(IDS, 6, [PRED, PRED]) == View([1, 20, 5, 6, 7, 21, PRED, PRED], 7)
    assert prefix_view(IDS, 6, [], offset=-2) == View([1, 20, 5, 6, 7, 21], 4)
    behind = alone_view([1, 20], [5, 6, 7], [21], [PRED], offset=-2)
    assert behind == View([1, 20, 5, 6, 7, PRED, 21], 5)
    assert alone_view([1, 20], [5, 6, 7], [21], [PRED], front=True).ids == [1, 20, PRED, 5, 6, 7, 21]


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
def test_next_tokens_are_the_models_own_loss(config):
    model = make_model(config)
    labels = torch.full((1, len(IDS)), -100)
    labels[0, LABELLED] = torch.tensor(IDS)[LABELLED]
    own = model(input_ids=torch.tensor([IDS]), labels=labels).loss
    found = naive_llm_jepa(model, [Pair(IDS, LABELLED)]).ntp_loss
    torch.testing.assert_close(found, own, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
def test_the_prefix_is_the_conversations_own(config):
    """The source's state is that of the conversation's pass without predictor tokens: the prefix costs nothing."""
    model = make_model(config)
    own = model(input_ids=torch.tensor([IDS]), output_hidden_states=True).hidden_states[-1][0, 5]
    torch.testing.assert_close(state(model, prefix_view(IDS, 6, [])), own, rtol=0, atol=1e-5)


def test_a_target_that_goes_on_is_another_with_a_position_table_only():
    target = View([22, 8, 9, 10, 24], 4)
    later = target._replace(first_position=12)
    gpt2, llama = make_model(GPT2), make_model(LLAMA)
    assert (state(gpt2, target) - state(gpt2, later)).abs().max() > 1e-2
    torch.testing.assert_close(state(llama, target), state(llama, later), rtol=0, atol=1e-4)


def pairs():
    others = [[1, 20, 4, 21, 22, 11, 24], [1, 20, 3, 2, 21, 22, 12, 13, 24]]
    made = [Pair(IDS, LABELLED, prefix_view(IDS, 6, [PRED]), View(IDS[6:], 4))]
    made += [
        Pair(
            ids,
            list(range(ids.index(22) + 1, len(ids))),
            prefix_view(ids, ids.index(22), [PRED]),
            View(ids[ids.index(22) :], -1),
        )
        for ids in others
    ]
    return made


def test_many_at_once_as_the_authors_write_it():
    """Their formulas, on stacked embeddings: 1 - mean cosine, and cross-entropy over normalised products."""
    model = make_model()
    batch = pairs()
    p = torch.stack([state(model, pair.source) for pair in batch])
    t = torch.stack([state(model, pair.target) for pair in batch])
    found = naive_llm_jepa(model, batch).jepa_loss
    torch.testing.assert_close(found, 1 - cosine_similarity(p, t).mean())
    logits = normalize(p, dim=1) @ normalize(t, dim=1).T / 0.07
    found = naive_llm_jepa(model, batch, distance="infonce").jepa_loss
    torch.testing.assert_close(found, cross_entropy(logits, torch.arange(3)))
    total_labels = sum(len(pair.labelled) for pair in batch)
    losses = [loss for pair in batch for loss in label_losses(model, pair.ids, pair.labelled)]
    assert len(losses) == total_labels == 9
    torch.testing.assert_close(naive_llm_jepa(model, batch).ntp_loss, torch.stack(losses).mean())


def test_a_span_in_each_place_as_the_authors_write_it():
    """Their three cases: the span in the user's content, in the assistant's, and over both."""
    torch.manual_seed(0)
    h = torch.randn(11, 3)
    user, assistant = range(2, 5), range(7, 10)  # contents
    path = [*user, *assistant]
    for start, end in ((0, 2), (4, 6), (2, 5)):
        inside, outside = path[start:end], path[:start] + path[end:]
        if end <= 3:
            patch = h[4 - 1] - h[2 - 1]
            rest = h[5 - 1] - h[4 - 1] + h[10 - 1] - h[7 - 1]
        elif start >= 3:
            patch = h[10 - 1] - h[8 - 1]
            rest = h[5 - 1] - h[2 - 1] + h[8 - 1] - h[7 - 1]
        else:
            patch = h[5 - 1] - h[4 - 1] + h[9 - 1] - h[7 - 1]
            rest = h[4 - 1] - h[2 - 1] + h[10 - 1] - h[9 - 1]
        torch.testing.assert_close(changes(h, inside), patch)
        torch.testing.assert_close(changes(h, outside), rest)
    with pytest.raises(ValueError, match="none before"):
        changes(h, [0])


def test_what_is_refused():
    model = make_model()
    for span in ((0, 6), (2, 2)):
        with pytest.raises(ValueError, match="span"):
            naive_stp(model, [Spanned(IDS, LABELLED, [2, 3, 4, 7, 8, 9], [span])])
    with pytest.raises(ValueError, match="points"):
        naive_tube(model, [Pointed(IDS, LABELLED, [(2, 2, 3)])])
    with pytest.raises(ValueError, match="weights"):
        span_weight(1, 2, "cosine")


def test_wrong_variants_differ():
    model = make_model()
    [pair, *_] = pairs()
    right = naive_llm_jepa(model, [pair]).jepa_loss
    seeing = pair._replace(source=View([*IDS, PRED], len(IDS)))
    before = pair._replace(source=pair.source._replace(at=pair.source.at - 1))
    no_opening = pair._replace(target=View(IDS[7:], 3))
    for wrong in (seeing, before, no_opening):
        assert abs(naive_llm_jepa(model, [wrong]).jepa_loss - right) > 1e-3
    behind, front = (alone_view([1, 20], [5, 6, 7], [21], [PRED], -2, front) for front in (False, True))
    losses = {naive_llm_jepa(model, [pair._replace(source=source)]).jepa_loss.item() for source in (behind, front)}
    assert len({round(loss, 3) for loss in losses | {right.item()}}) == 3, "inside the turn, before it, after it"


def test_gradients_flow_into_both_views_unless_stopped():
    model = make_model()
    [pair, *_] = pairs()
    table = "transformer.wte.weight"
    both = gradients(model, naive_llm_jepa(model, [pair], gamma_ntp=0).loss)[table]
    stopped = gradients(model, naive_llm_jepa(model, [pair], gamma_ntp=0, stop_target=True).loss)[table]
    turned = naive_llm_jepa(model, [pair], gamma_ntp=0, stop_target=True, reverse=True).loss
    assert stopped[PRED].any()
    assert not stopped[24].any(), "the answer's end is in the target only"
    torch.testing.assert_close(both, stopped + gradients(model, turned)[table], rtol=0, atol=1e-5)


def test_a_pair_that_does_not_count():
    model = make_model()
    first, second, third = pairs()
    dropped = [first, second._replace(source=None), third]
    found = naive_llm_jepa(model, dropped)
    each = [naive_llm_jepa(model, [pair]).jepa_loss.item() for pair in (first, third)]
    assert found.jepa_loss.item() == pytest.approx(sum(each) / 2)
    torch.testing.assert_close(found.ntp_loss, naive_llm_jepa(model, pairs()).ntp_loss)
    nothing = naive_stp(model, [Spanned(IDS, LABELLED, [2, 3], [])])
    assert nothing.jepa_loss is None
    assert nothing.loss is not None
