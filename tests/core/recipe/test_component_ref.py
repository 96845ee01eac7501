from __future__ import annotations

import pytest
from pydantic import ValidationError

from jepa_core.recipe.component_ref import ComponentRef, EmbeddingSides


def test_a_name_and_a_mapping_mean_the_same():
    assert ComponentRef.model_validate("cosine") == ComponentRef.model_validate({"name": "cosine"})
    assert ComponentRef.model_validate({"name": "cosine", "eps": 1}) == ComponentRef(name="cosine", eps=1)


def test_options_may_have_any_name():
    ref = ComponentRef.model_validate({"name": "x", "options": 1, "copy": 2, "model_config": 3})
    assert ref.options == {"options": 1, "copy": 2, "model_config": 3}


@pytest.mark.parametrize("written", ["cosine", {"name": "cosine", "eps": 1e-6}])
def test_it_is_written_as_it_was_read(written):
    assert ComponentRef.model_validate(written).model_dump() == written


@pytest.mark.parametrize("wrong", [3, None, [], {"eps": 1}, {"name": 3}, "", {"name": ""}])
def test_no_reference(wrong):
    with pytest.raises(ValidationError):
        ComponentRef.model_validate(wrong)


def test_one_embedding_stands_for_both_sides():
    both = EmbeddingSides.model_validate({"name": "last_token", "layer": 1})
    assert both.source == both.target == ComponentRef(name="last_token", layer=1)
    assert both.model_dump() == {"name": "last_token", "layer": 1}


def test_sides_may_differ():
    written = {"source": "last_token", "target": {"name": "mean", "layer": 0}}
    sides = EmbeddingSides.model_validate(written)
    assert (sides.source.name, sides.target.options) == ("last_token", {"layer": 0})
    assert sides.model_dump() == written
    assert EmbeddingSides.model_validate(sides) == sides


def test_a_component_may_have_an_option_named_source():
    assert EmbeddingSides.model_validate({"name": "x", "source": 1}).target.options == {"source": 1}


def test_both_sides_are_needed():
    with pytest.raises(ValidationError, match="target"):
        EmbeddingSides.model_validate({"source": "last_token"})
