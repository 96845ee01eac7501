"""Distances that keep the contract, and distances that break one clause each."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

from jepa_core.testing import DistanceContract


def l1(predicted, target):
    return (predicted - target).abs().mean(dim=-1)


class TestPlainFunction(DistanceContract):
    def make(self):
        return l1


class Weighted(nn.Module):
    """A learned weight for each component; starts at 1."""

    def __init__(self, d=8):
        super().__init__()
        self.log_weight = nn.Parameter(torch.zeros(d))

    def forward(self, predicted, target):
        return (self.log_weight.exp() * (predicted - target).square()).mean(dim=-1)


class TestModule(DistanceContract):
    def make(self):
        return Weighted()


class Contrastive:
    """InfoNCE with the other targets as negatives, those of the same entity left out."""

    needs = ("entity_ids",)
    decomposable = False

    def __call__(self, predicted, target, entity_ids):
        scores = normalize(predicted, dim=-1) @ normalize(target, dim=-1).T / 0.1
        own = torch.eye(len(scores), dtype=torch.bool)
        twins = (entity_ids[:, None] == entity_ids) & ~own
        return cross_entropy(scores.masked_fill(twins, -1e4), torch.arange(len(scores)), reduction="none")


class TestContrastive(DistanceContract):
    def make(self):
        return Contrastive()


class AgainstBank:
    needs = ("bank",)

    def __call__(self, predicted, target, bank):
        return l1(predicted, target) - 0.01 * (predicted @ bank.to(predicted.dtype).T).tanh().mean(dim=-1)


class TestOwnNeeds(DistanceContract):
    def make(self):
        return AgainstBank()

    def make_needs(self, n):
        return {"bank": torch.linspace(-1, 1, 40).reshape(5, 8)}


class TestWrongSign(DistanceContract):
    fails = ("test_descent_brings_the_prediction_closer",)

    def make(self):
        return lambda predicted, target: -l1(predicted, target)


class TestSimilarity(DistanceContract):
    fails = ("test_descent_brings_the_prediction_closer",)

    def make(self):
        return lambda predicted, target: cosine_similarity(predicted, target)


class TestMeanOverPairs(DistanceContract):
    fails = (
        "test_returns_one_number_a_pair[0]",
        "test_returns_one_number_a_pair[1]",
        "test_returns_one_number_a_pair[7]",
        "test_order_of_pairs_does_not_matter",
        "test_decomposable_pairs_stand_alone",
    )

    def make(self):
        return lambda predicted, target: l1(predicted, target).mean()


class TestColumn(DistanceContract):
    fails = (
        "test_returns_one_number_a_pair[0]",
        "test_returns_one_number_a_pair[1]",
        "test_returns_one_number_a_pair[7]",
    )

    def make(self):
        return lambda predicted, target: l1(predicted, target)[:, None]


class TestNotOfNone(DistanceContract):
    """A scale taken from the largest entry: of no pair there is none."""

    fails = ("test_returns_one_number_a_pair[0]",)

    def make(self):
        return lambda predicted, target: l1(predicted, target) + 0 * target.detach().max()


class TestChangesItsInput(DistanceContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        def clamped(predicted, target):
            with torch.no_grad():
                target.clamp_(-1, 1)
            return l1(predicted, target)

        return clamped


class TestInfiniteInBf16(DistanceContract):
    """1.001 is 1 in bf16, so that the logarithm of 0 is taken where both sides are equal."""

    fails = ("test_is_finite[bfloat16]",)

    def make(self):
        def barrier(predicted, target):
            return (torch.tensor(1.001, dtype=predicted.dtype) - cosine_similarity(predicted, target)).log()

        return barrier


class TestRootOfZero(DistanceContract):
    """The square root has no gradient at 0."""

    fails = ("test_is_finite[float32]", "test_is_finite[bfloat16]")

    def make(self):
        return lambda predicted, target: (predicted - target).square().sum(dim=-1).sqrt()


class TestGlobalRandomNumbers(DistanceContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_order_of_pairs_does_not_matter",
        "test_decomposable_pairs_stand_alone",
        "test_compiles_in_one_graph",
    )

    def make(self):
        return lambda predicted, target: l1(predicted, target) + torch.rand(len(predicted))


class TestRestoredRandomNumbers(DistanceContract):
    """Draws from a generator of its own, whose state nobody saves."""

    fails = (
        "test_same_inputs_give_the_same_result",
        "test_order_of_pairs_does_not_matter",
        "test_decomposable_pairs_stand_alone",
        "test_compiles_in_one_graph",
    )

    def make(self):
        generator = torch.Generator()
        return lambda predicted, target: l1(predicted, target) + torch.rand(len(predicted), generator=generator)


class TestDetachedPrediction(DistanceContract):
    fails = ("test_gradient_reaches_both_sides", "test_descent_brings_the_prediction_closer")

    def make(self):
        return lambda predicted, target: l1(predicted.detach(), target)


class TestDetachedTarget(DistanceContract):
    fails = ("test_gradient_reaches_both_sides",)

    def make(self):
        return lambda predicted, target: l1(predicted, target.detach())


class TestDetachedResult(DistanceContract):
    fails = ("test_gradient_reaches_both_sides", "test_descent_brings_the_prediction_closer")

    def make(self):
        return lambda predicted, target: l1(predicted, target).detach()


class TestCentredOverTheBatch(DistanceContract):
    fails = ("test_decomposable_pairs_stand_alone",)

    def make(self):
        return lambda predicted, target: l1(predicted - predicted.mean(dim=0).detach() / 2, target)


class TestWeightedByPlace(DistanceContract):
    fails = ("test_order_of_pairs_does_not_matter", "test_decomposable_pairs_stand_alone")

    def make(self):
        return lambda predicted, target: l1(predicted, target) * torch.arange(1, len(target) + 1)


class TestUndeclaredNeed(DistanceContract):
    fails = ("test_declares_valid_values",)
    fails_wherever_called = True

    def make(self):
        return lambda predicted, target, entity_ids: l1(predicted, target)


class TestNeedThatItDoesNotTake(DistanceContract):
    fails = ("test_declares_valid_values",)
    fails_wherever_called = True

    def make(self):
        def distance(predicted, target):
            return l1(predicted, target)

        distance.needs = ("entity_ids",)
        return distance


class TestNeedWithoutAnExample(DistanceContract):
    fails = ("test_is_finite[float32]",)
    fails_wherever_called = True

    def make(self):
        return AgainstBank()


class Projected:
    def __init__(self):
        self.head = nn.Linear(8, 8)
        nn.init.eye_(self.head.weight)

    def __call__(self, predicted, target):
        return l1(self.head(predicted), self.head(target))


class TestLooseParameters(DistanceContract):
    fails = ("test_parameters_belong_to_a_module", "test_is_finite[bfloat16]")

    def make(self):
        return Projected()


class Shifted(nn.Module):
    """A random tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.shift = 0.1 * torch.rand(8)

    def forward(self, predicted, target):
        return l1(predicted, target + self.shift)


class TestUnsavedState(DistanceContract):
    fails = ("test_state_dict_round_trip",)

    def make(self):
        return Shifted()


class TestReadsANumber(DistanceContract):
    fails = ("test_compiles_in_one_graph",)

    def make(self):
        return lambda predicted, target: l1(predicted, target) * (2.0 if predicted.sum().item() > 1e6 else 1.0)


class TestDecomposableIsNoFlag(DistanceContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        def distance(predicted, target):
            return l1(predicted, target)

        distance.decomposable = "yes"
        return distance


class TestWholeNumbers(DistanceContract):
    fails = (
        "test_returns_one_number_a_pair[0]",
        "test_returns_one_number_a_pair[1]",
        "test_returns_one_number_a_pair[7]",
        "test_gradient_reaches_both_sides",
        "test_descent_brings_the_prediction_closer",
    )

    def make(self):
        return lambda predicted, target: l1(predicted, target).round().long()


class Listed(nn.Module):
    """A matrix in a plain list, of which PyTorch knows nothing."""

    def __init__(self):
        super().__init__()
        self.maps = [nn.Parameter(torch.eye(8))]

    def forward(self, predicted, target):
        return (predicted @ self.maps[0].to(predicted.dtype) - target).square().sum(-1)


class TestParametersInAList(DistanceContract):
    fails = ("test_parameters_belong_to_a_module",)

    def make(self):
        return Listed()
