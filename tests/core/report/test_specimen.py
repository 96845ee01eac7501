"""The model of a run at work: its mask, token by token, and its embeddings."""

from __future__ import annotations

import pytest
import torch

from jepa_core.checkpoint.manifest import seal
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.registry import Registry
from jepa_core.report.specimen import Specimen, load_specimen
from tests.core.report.folders import METRICS, make_run
from tests.support import SAMPLES, small_batch, small_model, small_objective

REGISTRY = Registry.discover()


def load(path, *overrides: str, **options) -> Specimen:
    return load_specimen(RunFolder(make_run(path, *overrides, **options)), REGISTRY)


class Names:
    def spelled(self, token: int) -> str:
        return str(token)


def specimen(mask, samples=SAMPLES) -> Specimen:
    batch = small_batch(samples)
    first = {key: value[:1] for key, value in batch.items()}
    return Specimen(small_objective(small_model(), mask=mask).eval(), Names(), batch, first, None)


def test_the_mask_of_a_fact_and_its_reversal(tmp_path):
    """Two-token names: 6 tokens and <PRED>, then 6 tokens; rows 0-6 see 0..row, rows 7-12 see 7..row."""
    mask = load(tmp_path / "a").mask()
    assert list(mask.allowed) == ["every layer"]
    expected = [[(c <= r) and (c >= 7) == (r >= 7) for c in range(13)] for r in range(13)]
    assert mask.allowed["every layer"].tolist() == expected
    assert mask.block.tolist() == [0] * 7 + [1] * 6
    first, second = mask.names[:6], mask.names[7:]
    assert (mask.names[6], first[3], second[3]) == ("<PRED>", "<mask>", "<mask>")
    assert (second[:2], second[4:]) == (first[4:], first[:2])
    assert {first[2], second[2]} == {"<r_0>", "<r_0_inv>"}


def test_the_mask_of_a_recipe_without_second_views(tmp_path):
    mask = load(tmp_path / "a", recipe="ntp_only").mask()
    assert mask.allowed["every layer"].tolist() == torch.ones(6, 6).bool().tril().tolist()


def test_layers_with_one_mask_are_shown_together():
    class Changing:
        by_layer = True

        def __call__(self, query, key, layer):
            return (query.block == key.block) if layer else torch.ones_like(query.block == key.block)

    def of(layers: int) -> Specimen:
        found = specimen(Changing())
        found.objective.transformer.num_layers = layers
        return found

    assert list(of(2).mask().allowed) == ["layer 0", "layer 1"]
    masks = of(5).mask().allowed
    assert list(masks) == ["layer 0", "layers 1–4"]
    assert int(masks["layer 0"].sum()) > int(masks["layers 1–4"].sum())
    assert not masks["layer 0"].triu(1).any()


def test_padding_is_not_shown():
    """A view that is shorter than others of its batch: the first sample alone has 6 + 1 + 6 tokens."""
    mask = specimen(lambda query, key, layer: query.block == key.block).mask()
    assert len(mask.names) == 13
    assert len(mask.block) == len(mask.allowed["every layer"]) == 13


class TestEmbeddings:
    def test_are_those_of_the_pairs_that_count(self, tmp_path):
        found = load(tmp_path / "a")
        predicted, target = found.embeddings()
        assert predicted.shape == target.shape == (20, 16)  # of 25 facts, 20 are trained in both directions
        assert set(found.paired["group"].tolist()) == {0}
        out = found.objective(**found.paired)
        assert out.jepa_pairs == 20
        distance = found.objective.spec.terms[0].distance
        assert distance(predicted, target).mean() == pytest.approx(float(out.jepa_loss), rel=1e-5)
        assert not predicted.requires_grad

    def test_filters_for_training_drop_none(self, tmp_path):
        assert len(load(tmp_path / "a", "objective.filters.1.rate=0.9").embeddings()[0]) == 20

    def test_at_most_two_hundred(self, tmp_path):
        found = load(tmp_path / "a", "data.entities_both_ways=300")
        assert len(found.embeddings()[0]) == 200

    def test_none_where_no_pair_counts(self, tmp_path):
        assert load(tmp_path / "a", recipe="ntp_only").embeddings() is None


class TestWeights:
    def test_of_a_finished_run(self, tmp_path):
        """The weights are those in its folder, not those that it started from."""
        path = make_run(tmp_path / "a", "seed=1")
        other = make_run(tmp_path / "b", "seed=2")
        (other / "model" / "model.safetensors").replace(path / "model" / "model.safetensors")
        ours, theirs = (load_specimen(RunFolder(p), REGISTRY) for p in (path, make_run(tmp_path / "c", "seed=2")))
        assert torch.equal(*(next(s.objective.model.parameters()) for s in (ours, theirs)))
        assert not ours.objective.training

    def test_of_the_last_checkpoint(self, tmp_path):
        path = make_run(tmp_path / "a", metrics=None, weights="checkpoints/checkpoint-2")
        seal(path / "checkpoints" / "checkpoint-2", 2)
        assert load_specimen(RunFolder(path), REGISTRY).weights == path / "checkpoints" / "checkpoint-2"

    def test_none_yet(self, tmp_path):
        found = load(tmp_path / "a", metrics=None, weights=None)
        assert found.weights is None
        assert len(found.mask().names) == 13

    def test_lost(self, tmp_path):
        with pytest.raises(JepaError, match=r"model\.safetensors"):
            load(tmp_path / "a", weights=None)

    @pytest.mark.parametrize("name", ["checkpoints", "model"])
    def test_moved_and_linked(self, tmp_path, name):
        """Somebody else may have made the link."""
        path = make_run(tmp_path / "a", metrics=METRICS if name == "model" else None, weights=name)
        (path / name).rename(tmp_path / "moved")
        (path / name).symlink_to("../moved")
        with pytest.raises(JepaError, match=f"a/{name}: a link that leads out of the run's folder; it is not followed"):
            load_specimen(RunFolder(path), REGISTRY)
