"""The naive passes inside against the ones in tests/reference, which share no code with anything."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.verify.naive import CannotExpress, naive_losses
from jepa_core.views.pairs import NewBlock, Part, Views
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from tests.families import a_model
from tests.reference.naive_objective import naive_loss
from tests.support import (
    DISTANCES,
    FIRST_RELATION,
    PAD_ID,
    PRED_IDS,
    RELATIONS,
    SAMPLES,
    small_batch,
    small_model,
    small_objective,
)


@pytest.mark.parametrize(
    ("kind", "distance", "k", "options"),
    [
        ("gpt2", "cosine", 0, {}),
        ("gpt2", "l2", 2, {"positions": "restart", "lambda_jepa": 0.5, "gamma_ntp": 2.0}),
        ("gpt2", "mse", 1, {"positions": "none"}),
        ("llama", "cosine", 1, {"stop_gradient": "target"}),
        ("llama", "l2", 1, {"lambda_jepa": 0.0}),
    ],
)
def test_two_independent_implementations_agree(kind, distance, k, options):
    model = small_model(kind).eval()
    objective = small_objective(model, k=k, distance=DISTANCES[distance](), **options)
    shared = {"first_relation_id": FIRST_RELATION, "num_relations": RELATIONS, "pad_id": PAD_ID}
    theirs = naive_loss(model, SAMPLES, pred_ids=PRED_IDS[:1], k=k, distance=distance, **shared, **options)
    ours = naive_losses(objective, small_batch())
    assert ours.loss.item() == pytest.approx(theirs.loss.item(), rel=1e-6)
    assert ours.ntp.item() == pytest.approx(theirs.ntp_loss.item(), rel=1e-6)
    assert (ours.jepa is None) == (theirs.jepa_loss is None)
    if ours.jepa is not None:
        assert ours.jepa.item() == pytest.approx(theirs.jepa_loss.item(), rel=1e-5)


def test_views_of_every_shape():
    """A part predicts a part, a new block predicts the fact, the fact a new block: as the objective has them."""

    class Three:
        def __call__(self, facts):
            tail = facts.tags == Role.TAIL
            whole, new = Part(facts.valid), NewBlock(facts)
            return Views(((Part(facts.valid & ~tail), Part(tail)), (new, whole), (whole, new)))

    model = small_model().eval()
    for positions in ("continue", "restart"):
        objective = small_objective(model, k=2, reversal=Three(), positions=positions).eval()
        out, naive = objective(**small_batch()), naive_losses(objective, small_batch())
        assert float(naive.loss) == pytest.approx(float(out.loss), rel=1e-5)
        assert float(naive.jepa) == pytest.approx(float(out.jepa_loss), rel=1e-5)


@pytest.mark.parametrize("positions", ["continue", "restart"])
def test_labels_of_second_views_count(positions):
    """Asked of the token before them, in the sample's own row; with them there are 19 labels, not 9."""
    options = {"k": 1, "reversal": QuestionToEntity(autoencode=True), "positions": positions, "filters": []}
    objective = small_objective(small_model().eval(), **options).eval()
    out, naive = objective(**small_batch()), naive_losses(objective, small_batch())
    assert objective.plan(small_batch()).labels == 9 + 10
    assert float(naive.ntp) == pytest.approx(float(out.ntp_loss), rel=1e-5)
    assert float(naive.jepa) == pytest.approx(float(out.jepa_loss), rel=1e-5)


def test_a_distance_that_compares_pairs_gets_them_together():
    class Contrast:
        needs = ("entity_ids",)
        decomposable = False

        def __call__(self, predicted, target, entity_ids):
            same = entity_ids[:, None] == entity_ids[None, :]
            return (
                -(predicted @ target.T)
                .masked_fill(same & ~torch.eye(len(same), dtype=torch.bool), -9)
                .log_softmax(1)
                .diagonal()
            )

    samples = [*SAMPLES, SAMPLES[0]]
    objective = small_objective(small_model().eval(), distance=Contrast()).eval()
    out, naive = objective(**small_batch(samples)), naive_losses(objective, small_batch(samples))
    assert float(naive.jepa) == pytest.approx(float(out.jepa_loss), rel=1e-5)


def test_what_can_not_be_expressed():
    class ByLayer:
        by_layer = True

        def __call__(self, query, key, layer):
            return query.block == key.block

    with pytest.raises(CannotExpress, match="ByLayer is another mask in every layer"):
        naive_losses(small_objective(small_model(), mask=ByLayer()), small_batch())
    batch = small_batch()
    unlabelled = batch | {"labels": torch.full_like(batch["labels"], -100)}
    with pytest.raises(CannotExpress, match="no label and no pair"):
        naive_losses(small_objective(small_model(), lambda_jepa=0.0), unlabelled)


@pytest.mark.parametrize("positions", ["continue", "none"])
@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mistral", {"sliding_window": 3}),
        ("gemma3_text", {"sliding_window": 2, "layer_types": ["sliding_attention", "full_attention"]}),
        ("mistral", {"sliding_window": None}),
    ],
)
def test_windows_of_the_model_hold_in_every_layout(kind, config, layout, positions):
    objective = small_objective(a_model(kind, **config), k=2, layout=layout, positions=positions).eval()
    batch = small_batch()
    expected, found = naive_losses(objective, batch), objective(**batch)
    assert found.loss.item() == pytest.approx(expected.loss.item(), rel=1e-5)
    assert found.jepa_loss.item() == pytest.approx(expected.jepa.item(), rel=1e-5)


def test_a_window_between_views_can_not_be_expressed():
    class SeesAll:
        isolates_views = False

        def __call__(self, query, key, layer):
            return torch.ones_like(query.block == key.block)

    objective = small_objective(a_model("mistral", sliding_window=3), mask=SeesAll())
    with pytest.raises(CannotExpress, match="the window is 3"):
        naive_losses(objective, small_batch())
    with pytest.raises(
        ComponentError, match=r"within a sliding window of 3 tokens, .* use a mask that keeps views apart"
    ):
        objective(**small_batch())
