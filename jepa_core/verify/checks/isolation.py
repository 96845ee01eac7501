"""Who moves when a token changes: views are apart, causality holds, padding and other samples don't count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jepa_core.components import declared
from jepa_core.errors import ComponentError
from jepa_core.objective.layouts import choose
from jepa_core.verify.context import Context, mode, relaid, spread
from jepa_core.verify.hidden import Probe
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.views.facts import Role

#: Columns of a block whose tokens are changed, one after the other.
COLUMNS = 16


@dataclass
class Movements:
    """The farthest movements of one layout. crossing: (changed block, other block) -> movement; earlier: of
    tokens before the changed one in its block; own: the least that a changed token itself moved; samples: of
    other samples; padding: when padding changed, None where there is none."""

    crossing: dict[tuple[int, int], float] = field(default_factory=dict)
    earlier: float = 0.0
    own: float = float("inf")
    samples: float | None = None
    padding: float | None = None


def isolation(context: Context) -> Iterator[Row]:
    """Changes every token of a few samples, in the layout that trains and in one packed row."""
    found = dict(_measure(context))
    blocks = len(context.plan.blocks)
    kernel = context.objective.model.config._attn_implementation
    where = f"{kernel}, {context.objective.model.dtype}".replace("torch.", "")
    yield from _crossing(context, found, blocks, where)
    source = source_of(choose)
    told = _told({layout: moved.earlier for layout, moved in found.items()})
    worst = _worst(moved.earlier for moved in found.values())
    yield at_most("no token sees a later one", worst, 0, f"largest movement of an earlier token ({where}): {told}", source)
    own = min(moved.own for moved in found.values())
    yield Row(
        "a changed token itself moves",
        Verdict.PASS if own > 0 else Verdict.FAIL,
        own,
        "> 0",
        "else the lines above would prove nothing: least movement of a changed token's own state",
        source,
    )
    for name, attribute, nothing in (
        ("samples don't see each other", "samples", "there is one sample only"),
        ("padding changes nothing", "padding", "these samples need no padding"),
    ):
        figures = {layout: getattr(moved, attribute) for layout, moved in found.items()}
        known = {layout: figure for layout, figure in figures.items() if figure is not None}
        if known:
            yield at_most(name, _worst(known.values()), 0, f"largest movement: {_told(known)}", source)
        else:
            yield not_applicable(name, nothing, source)


def _crossing(context: Context, found: dict[str, Movements], blocks: int, where: str) -> Iterator[Row]:
    builder = context.objective.mask
    source = source_of(builder)
    if blocks == 1:
        yield not_applicable("views don't see each other", _why_one(context), source)
    for changed in range(blocks):
        for other in range(blocks):
            if changed == other:
                continue
            name = f"change block {changed}: block {other} stays"
            figures = {layout: moved.crossing[changed, other] for layout, moved in found.items()}
            worst = _worst(figures.values())
            told = f"every token changed, one after the other ({where}); largest movement: {_told(figures)}"
            if declared("mask", builder, "isolates_views"):
                yield at_most(name, worst, 0, told, source)
            else:
                reason = f"{type(builder).__name__} declares isolates_views = False: views may see each other; {told}"
                yield Row(name, Verdict.NA, worst, "", reason, source)


def _why_one(context: Context) -> str:
    return context.nothing_counts or "both views are parts of the fact, in one block: there is nothing to keep apart"


def _measure(context: Context) -> Iterator[tuple[str, Movements]]:
    own = context.objective
    yield own.layout.name, measure(Probe_of(own, context))
    if own.layout.name != "packed":
        try:
            packed = relaid(own, "packed")
            yield "packed", measure(Probe_of(packed, context))
        except ComponentError:  # a sliding window
            return


def Probe_of(objective, context):
    ...
