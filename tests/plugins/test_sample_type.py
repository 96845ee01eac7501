"""The sample-type filter: its contract, and which samples it keeps."""

import pytest
import torch

from jepa_core.components import FilterTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.testing import FilterContract
from jepa_plugins.facts.roles import GROUPS, SampleType
from jepa_plugins.sample_type import SampleTypeFilter, sample_type
from tests.support import vocabulary as make_vocabulary

CONTEXT = BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=8, num_layers=2, groups=GROUPS)

TYPES = torch.tensor([SampleType.TRAIN, SampleType.ATOMIC, SampleType.TEST, SampleType.TRAIN])


class TestSampleTypeContract(FilterContract):
    def make(self):
        return SampleTypeFilter()


class TestKeepingTwoTypes(FilterContract):
    def make(self):
        return SampleTypeFilter(keep=(SampleType.TRAIN, SampleType.TEST))


def kept(keep: SampleTypeFilter, eligible=(True, True, True, True)) -> list[bool]:
    return keep(torch.tensor(eligible), {"group": TYPES}, torch.zeros(4)).tolist()


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (["train"], [True, False, False, True]),
        (["atomic"], [False, True, False, False]),
        (["train", "test"], [True, False, True, True]),
        ([], [False, False, False, False]),
    ],
)
def test_keeps_the_types_named(keep, expected):
    assert kept(sample_type(CONTEXT, keep)) == expected


def test_keeps_train_unless_told_otherwise():
    assert kept(sample_type(CONTEXT)) == kept(SampleTypeFilter()) == [True, False, False, True]


def test_a_sample_that_was_not_eligible_stays_so():
    assert kept(SampleTypeFilter(), (False, True, True, True)) == [False, False, False, True]


def test_holds_in_evaluation_too():
    assert not FilterTraits.of(SampleTypeFilter()).training_only


def test_an_unknown_type_is_refused_with_a_suggestion():
    with pytest.raises(ComponentError, match="keep: the dataset has no group 'trian'; did you mean 'train'"):
        sample_type(CONTEXT, keep=["trian"])
