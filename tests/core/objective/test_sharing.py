"""Two objectives of one model: refused where one would change what the other computes."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from tests.support import small_batch, small_model, small_objective


def test_objectives_that_ask_the_same_of_a_model_share_it():
    model = small_model()
    first, second = small_objective(model), small_objective(model, k=0)
    alone = small_objective(small_model())(**small_batch()).loss
    assert torch.equal(first(**small_batch()).loss, alone)
    second.close()
    assert torch.equal(first(**small_batch()).loss, alone)


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ({"positions": "none"}, {}, "positions"),
        ({}, {"positions": "none"}, "positions"),
        ({"positions": "none"}, {"positions": "restart"}, "positions"),
        ({"embedding": "early", "ntp_detach": 1}, {"embedding": "early"}, "ntp_detach"),
        ({"embedding": "early"}, {"embedding": "early", "ntp_detach": 1}, "ntp_detach"),
    ],
)
def test_what_would_change_the_others_loss_is_refused(one, other, key):
    """The second one's loss was that of a model without positions, or its gradient ended at the first one's layer."""

    class Early:
        layer = 1

        def __call__(self, hidden, valid, tags):
            return hidden[:, 0]

    model = small_model()
    one, other = ({**each, **({"embedding": Early()} if "embedding" in each else {})} for each in (one, other))
    first = small_objective(model, **one)
    with pytest.raises(ComponentError, match=f"^{key}: another objective of this model has another one"):
        small_objective(model, **other)
    first.close()
    assert small_objective(model, **other)(**small_batch()).loss.isfinite()


def test_one_that_nobody_holds_is_no_other():
    model = small_model()
    small_objective(model, positions="none")
    assert small_objective(model)(**small_batch()).loss.isfinite()
    assert model.transformer.wpe(torch.tensor([1])).any()
