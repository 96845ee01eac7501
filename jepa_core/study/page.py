"""``study.html``: curves and tables of a study on one page that needs no network."""

from __future__ import annotations

from jepa_core.display.html import beside, folded, note, page, picture, pictures, section, table, titled
from jepa_core.errors import JepaError
from jepa_core.study.curves import draw_each
from jepa_core.study.results import StudyResult
from jepa_core.study.tables import StudyTable, notes, study_tables

CURVES = (
    "The mean over the seeds of an arm, at each step at which a finished run of it was evaluated; the band is its 95 % "
    "interval (Student's t), cut off where it leaves the picture. Ablations are dashed."
)


def study_page(result: StudyResult, name: str) -> str:
    """Makes the whole page. name: of the study."""
    legend, *failed = notes(result)
    parts = [
        note(result.study.description or ""),
        section("Over training", *_curves(result)),
        section("Compared", beside(map(_table, study_tables(result))), note(legend)),
        section("Runs that failed", folded(f"{len(failed)} of them", "\n".join(failed)) if failed else ""),
    ]
    return page(f"Study {name}", "\n".join(filter(None, parts)))


def _table(each: StudyTable) -> str:
    return titled(each.title, table(each.columns, each.rows, "figures"))


def _curves(result: StudyResult) -> list[str]:
    """The pictures, or why there are none."""
    try:
        return [note(CURVES), pictures(picture(figure, words) for figure, words in draw_each(result))]
    except JepaError as error:
        return [note(f"No curves: {error}.")]
