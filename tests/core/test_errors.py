from __future__ import annotations

import pytest
from torch.utils.data import DataLoader, Dataset

from jepa_core.errors import (
    FEW,
    ComponentError,
    DataError,
    JepaError,
    Problem,
    RecipeError,
    brief,
    did_you_mean,
    raise_all,
    show,
    without_traceback,
)


def test_every_problem_is_a_line_of_a_recipe_error():
    error = RecipeError(
        [
            Problem("mine.yaml:3", "objective.k", "expected a whole number"),
            Problem("mine.yaml", "", "no such file"),
            Problem("command line", "seed", "nothing after '='"),
        ]
    )
    assert str(error).split("\n") == [
        "mine.yaml:3: objective.k: expected a whole number",
        "mine.yaml: no such file",
        "command line: seed: nothing after '='",
    ]


def test_a_mistake_in_a_recipe_ends_with_2_and_any_other_with_1():
    assert RecipeError([]).exit_status == 2
    assert [kind("x").exit_status for kind in (JepaError, DataError, ComponentError)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("epss", "; did you mean 'eps'?"), ("layers", "; did you mean 'layer'?"), ("nothing", ""), ("", "")],
)
def test_only_a_close_name_is_offered(name, hint):
    assert did_you_mean(name, {"eps": 1, "layer": 2}) == hint


def test_of_millions_of_names_a_few_are_looked_at():
    """A vocabulary has as many; and a word of a megabyte is like nothing."""
    assert did_you_mean("epsilon", iter([*(f"a name too long {i}" for i in range(20_000)), "epsilom"])) != ""
    names = iter(f"epsilon {i}" for i in range(10**9))
    assert did_you_mean("epsilon", names).startswith("; did you mean 'epsilon ")
    assert did_you_mean("x" * 1_000_000, ["x" * 999_999]) == ""


def test_the_first_line_of_an_error():
    assert brief(TypeError("too large\nframe #0\nframe #1")) == "TypeError: too large"
    assert brief(MemoryError()) == "MemoryError"


class Broken(Dataset):
    def __getitem__(self, item: int) -> int:
        raise DataError(f"facts.bin: fact {item}: is none")

    def __len__(self) -> int:
        return 3


def test_what_a_process_that_makes_batches_raises_is_its_words_alone():
    """PyTorch puts the whole traceback into them."""
    with pytest.raises(DataError) as error:
        next(iter(DataLoader(Broken(), num_workers=1)))
    assert "Traceback" in str(error.value)
    without_traceback(error.value)
    assert str(error.value) == "facts.bin: fact 0: is none"
    plain = DataError("two\nlines")
    without_traceback(plain)
    assert str(plain) == "two\nlines"


def test_of_many_problems_the_first_are_told_and_how_many():
    raise_all([], 5, "lines")
    for problems, words in (
        (["a: bad"], "a: bad"),
        (["a: bad", "b: bad"], "a: bad\nb: bad\n2 of 1,500 lines are wrong"),
    ):
        with pytest.raises(DataError) as told:
            raise_all(problems, 1500, "lines")
        assert str(told.value) == words
    with pytest.raises(DataError) as told:
        raise_all([f"{number}: bad" for number in range(FEW + 5)], 15, "lines")
    assert str(told.value).splitlines()[FEW - 1 :] == ["9: bad", "15 of 15 lines are wrong, 10 of them above"]


def test_long_values_are_shown_shortened():
    assert show({"a": None}) == '{"a": null}'
    assert len(show(list(range(1000)))) == 60
    assert show("x" * 1_000_000) == '"' + 58 * "x" + "…"
