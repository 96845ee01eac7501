"""InfoNCE: its contract with either kind of negatives, values by hand, duplicates, the temperature."""

from math import exp, log

import pytest
import torch

from jepa_core.components import DistanceTraits
from jepa_core.testing import DistanceContract
from jepa_plugins import infonce_distance
from jepa_plugins.infonce_distance import InfoNceDistance

X, Y = [1.0, 0.0], [0.0, 1.0]


class TestBatchContract(DistanceContract):
    def make(self):
        return InfoNceDistance()


class TestBankContract(DistanceContract):
    def make(self):
        return InfoNceDistance(temperature=0.5, negatives="bank", learn_temperature=True)

    def make_needs(self, n):
        return {
            "bank": torch.randn(12, 8, generator=torch.Generator().manual_seed(5)),
            "bank_index": torch.arange(n),
            "right_index": torch.arange(n)[:, None],
        }


def test_values_by_hand():
    """Cosines of p1 = x with x and y are 1 and 0, of p2 = x + y both 1 / sqrt 2; temperature 1/2 doubles them."""
    predicted, target = torch.tensor([[3.0, 0.0], [2.0, 2.0]]), torch.tensor([X, [0.0, 5.0]])
    found = InfoNceDistance(temperature=0.5)(predicted, target, entity_ids=torch.tensor([1, 2]))
    assert found.tolist() == pytest.approx([log(1 + exp(-2)), log(2)])


def test_the_same_entity_is_no_negative():
    """Pairs 1 and 3 have one target: each has only pair 2's left against it."""
    predicted, target = torch.tensor([X, Y, X]), torch.tensor([X, Y, X])
    found = InfoNceDistance(temperature=1.0)(predicted, target, entity_ids=torch.tensor([7, 8, 7]))
    assert found.tolist() == pytest.approx([log(1 + exp(-1)), log(1 + 2 * exp(-1)), log(1 + exp(-1))])


def test_what_answers_a_question_too_is_no_negative():
    """Targets x, y and -x of three pairs; -x answers the first question too, whose negative y alone is then."""
    predicted, target = torch.tensor([X, Y, X]), torch.tensor([X, Y, [-1.0, 0.0]])
    right = torch.tensor([[7, 9], [8, 8], [9, 9]])
    found = InfoNceDistance(temperature=1.0)(predicted, target, entity_ids=torch.tensor([7, 8, 9]), right_ids=right)
    assert found.tolist() == pytest.approx([log(1 + exp(-1)), log(1 + 2 * exp(-1)), log(1 + exp(1) + exp(2))])


def test_nor_is_it_in_a_bank(monkeypatch):
    """Candidates x, y and -x; y answers x's question too, and a target's own state stays."""
    bank = torch.tensor([X, Y, [-1.0, 0.0]])
    known = {"bank": bank, "bank_index": torch.tensor([0, 2]), "right_index": torch.tensor([[0, 1], [2, 2]])}
    distance = InfoNceDistance(temperature=1.0, negatives="bank")
    found = distance(torch.tensor([X, Y]), bank[[0, 2]], **known)
    assert found.tolist() == pytest.approx([log(1 + exp(-2)), log(2 + exp(1))])
    monkeypatch.setattr(infonce_distance, "COSINES", 3)  # a pair at a time
    assert torch.equal(distance(torch.tensor([X, Y]), bank[[0, 2]], **known), found)


def test_against_a_bank():
    """Three candidates, x, y and -x; the right one of the prediction x is x, of y it is -x."""
    bank = torch.tensor([X, Y, [-1.0, 0.0]])
    found = InfoNceDistance(temperature=1.0, negatives="bank")(
        torch.tensor([X, Y]), bank[[0, 2]], bank=bank, bank_index=torch.tensor([0, 2])
    )
    assert found.tolist() == pytest.approx([log(1 + exp(-1) + exp(-2)), log(2 + exp(1))])


def test_a_target_takes_its_own_place_in_the_bank():
    """The bank's state of entity 1 is -x, in the fact it is y: that is the right one, and -x no candidate."""
    bank = torch.tensor([X, [-1.0, 0.0]])
    found = InfoNceDistance(temperature=1.0, negatives="bank")(
        torch.tensor([X]), torch.tensor([Y]), bank=bank, bank_index=torch.tensor([1])
    )
    assert found.tolist() == pytest.approx([log(1 + exp(1))])


def test_a_bank_makes_a_pair_independent_of_the_others():
    batch, bank = InfoNceDistance(), InfoNceDistance(negatives="bank")
    assert not DistanceTraits.of(batch).decomposable
    assert DistanceTraits.of(bank).decomposable
    assert batch.needs == ("entity_ids", "right_ids")
    assert bank.needs == ("bank", "bank_index", "right_index")


def test_the_temperature_is_learned_on_request_and_then_saved():
    assert not list(InfoNceDistance().parameters())
    assert not InfoNceDistance().state_dict()
    learned = InfoNceDistance(temperature=0.1, learn_temperature=True)
    learned(torch.tensor([X, Y]), torch.tensor([Y, X])).sum().backward()
    assert learned.log_scale.item() == pytest.approx(log(10))
    assert learned.log_scale.grad.item() > 0  # every guess is wrong, so being less sure is better
    assert list(learned.state_dict()) == ["log_scale"]


def test_a_learned_temperature_stops_at_a_hundredth():
    learned = InfoNceDistance(temperature=0.01, learn_temperature=True)
    with torch.no_grad():
        learned.log_scale += 5
    found = learned(torch.tensor([X, Y]), torch.tensor([Y, X]), entity_ids=torch.tensor([1, 2]))
    assert found.tolist() == pytest.approx([100.0, 100.0])


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.001])
def test_a_temperature_too_small_is_refused(temperature):
    with pytest.raises(ValueError, match=r"temperature must be 0\.01 or more"):
        InfoNceDistance(temperature=temperature)


def test_under_autocast():
    """Agrees to bfloat16's three digits, with either kind of negatives."""
    predicted, target = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    bank = {"bank": target.repeat(2, 1), "bank_index": torch.arange(4)}
    for distance, needs in ((InfoNceDistance(1.0), {}), (InfoNceDistance(1.0, "bank"), bank)):
        expected = distance(predicted, target, **needs)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.allclose(distance(predicted, target, **needs).float(), expected, atol=2e-2)


@pytest.mark.parametrize(
    ("temperature", "words"), [(float("nan"), "0.01 or more"), (float("inf"), "1,000,000 or less"), (1e7, "or less")]
)
def test_temperatures_that_nobody_means(temperature, words):
    with pytest.raises(ValueError, match=f"temperature must be .*{words}"):
        InfoNceDistance(temperature=temperature)


def test_a_large_bank_is_compared_part_by_part(monkeypatch):
    """Two pairs at a time, and the last one alone: no other number, and never more cosines than that."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((5, 4), (5, 4), (7, 4))
    given = [torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes]
    distance = InfoNceDistance(0.5, "bank", learn_temperature=True)
    index = torch.tensor([3, 0, 6, 3, 1])
    held = []

    def run():
        out = distance(given[0], given[1], bank=given[2], bank_index=index)
        return out, torch.autograd.grad(out.square().sum(), [*given, distance.log_scale])

    def noted(cosines, *args, **options):
        held.append(len(cosines))
        return cross_entropy(cosines, *args, **options)

    cross_entropy = torch.nn.functional.cross_entropy
    monkeypatch.setattr("jepa_plugins.infonce_distance.cross_entropy", noted)
    whole = run()
    monkeypatch.setattr("jepa_plugins.infonce_distance.COSINES", 2 * 7)
    parts = run()
    assert held[:4] == [5, 2, 2, 1]
    assert sorted(held[4:]) == [1, 2, 2], "again in the backward pass"
    torch.testing.assert_close(parts, whole)
