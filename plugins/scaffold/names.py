"""The names of a new package, and the refusal of unfit ones."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec

from jepa_core import ComponentError, Registry

#: Word on the command line -> kind of component.
KIND_OF = {
    "distance": "distance",
    "mask": "mask",
    "view": "reversal",
    "predictor": "predictor",
    "regularizer": "regularizer",
    "filter": "filter",
    "embedding": "embedding",
    "evaluation": "evaluation",
    "dataset": "dataset",
}


@dataclass(frozen=True)
class Names:
    """All names that follow from a component's.

    >>> Names("far_off").distribution, Names("far_off").module, Names("far_off").class_name
    ('jepa-far-off', 'jepa_far_off', 'FarOff')
    """

    component: str

    @property
    def distribution(self) -> str:
        return f"jepa-{self.component.replace('_', '-')}"

    @property
    def module(self) -> str:
        return f"jepa_{self.component}"

    @property
    def class_name(self) -> str:
        return "".join(part.capitalize() for part in self.component.split("_"))


def checked_names(name: str, what: str, registry: Registry) -> Names:
    """The names of a package for a new `what` (a key of `KIND_OF`). Raises ComponentError for a name that is unfit
    or taken."""
    wanted = _spelled(name)
    if name != wanted or not re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", name) or keyword.iskeyword(name):
        better = f"; did you mean '{wanted}'?" if name != wanted and re.match("[a-z]", wanted) else ""
        raise ComponentError(
            f"'{name}' can't be the name of a {what}: it is a name in Python and in recipes, two or more of a to z, "
            f"0 to 9 and single _, that starts with a letter{better}"
        )
    kind = KIND_OF[what]
    taken = [c for c in registry.describe() if (c.kind, c.name) == (kind, name)]
    if taken:
        raise ComponentError(f"a {what} is called '{name}' already, from {taken[0].distribution}; take another name")
    names = Names(name)
    if find_spec(names.module) is not None:
        raise ComponentError(f"a module is called '{names.module}' already; take another name than '{name}'")
    return names


def _spelled(name: str) -> str:
    """Respells a name as components' names are: ``MyDistance`` and ``my-distance`` become my_distance."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removeprefix("jepa-").removeprefix("jepa_")).lower()
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", apart)).strip("_")
