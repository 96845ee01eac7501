"""All checks of a run, one after the other."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jepa_core.assembly.build import Run
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.registry import Registry
from jepa_core.verify.checks.apart import apart
from jepa_core.verify.checks.baseline import baseline
from jepa_core.verify.checks.collapse import health
from jepa_core.verify.checks.denominators import denominators
from jepa_core.verify.checks.isolation import isolation
from jepa_core.verify.checks.layouts import layouts
from jepa_core.verify.checks.mask import mask
from jepa_core.verify.checks.passes import passes
from jepa_core.verify.checks.selective import selective
from jepa_core.verify.checks.supervision import supervision
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict

Check = Callable[[Context], Iterable[Row]]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "selective loss": (selective,),
    "one forward pass": (passes, mask, isolation),
    "layouts agree": (layouts,),
    "supervision": (supervision,),
    "sets": (apart,),
    "denominators": (denominators,),
    "baseline": (baseline,),
    "health": (health,),
}
#: Check -> the claim that holds when nothing of it failed.
HOLDS = {
    "selective loss": "the JEPA loss is paid by the samples that its filters leave, and by no other",
    "one forward pass": "every token goes through the transformer once, and sees what the mask says and nothing else",
    "layouts agree": "every way to run it gives the same losses and gradients",
    "supervision": "labels are the tokens where they stand, of whole answers, each asked of the token before it",
    "sets": "what is evaluated stands in no other set than it says",
    "denominators": "accumulated micro-batches give the gradient of one batch",
    "baseline": "at lambda_jepa 0 it is next-token prediction, bit for bit",
    "health": "everything is finite, embeddings differ, and each loss term pulls at the model",
}
#: The checks before every training, which take no backward pass.
CHEAP = ("selective loss", "one forward pass", "supervision")


@dataclass(frozen=True)
class Verification:
    """The lines of the checks. name: of the recipe; seconds: taken by the checks."""

    name: str
    rows: tuple[Row, ...]
    seconds: float

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.verdict is Verdict.FAIL]

    @property
    def warned(self) -> list[Row]:
        return [row for row in self.rows if row.verdict is Verdict.WARN]

    @property
    def checks(self) -> list[str]:
        """The names of the checks with a row, in order; the task's own come first."""
        return list(dict.fromkeys(row.check for row in self.rows))

    def holds(self, check: str) -> str:
        """The check's claim and its number of passed lines; the number alone if others fail, empty if none pass."""
        passed = sum(row.check == check and row.verdict is Verdict.PASS for row in self.rows)
        if not passed:
            return ""
        failed = any(row.check == check and row.verdict is Verdict.FAIL for row in self.rows)
        words = f"{passed} {'line' if passed == 1 else 'lines'}"
        return words if failed else f"{HOLDS.get(check, 'all of it holds')} ({words})"

    def count(self, verdict: Verdict) -> int:
        return sum(row.verdict is verdict for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "recipe": self.name,
            "verdict": "fail" if self.failed else "pass",
            "seconds": round(self.seconds, 2),
            "counts": {str(verdict): self.count(verdict) for verdict in Verdict},
            "rows": [row.to_json() for row in self.rows],
        }


def verify(
    context: Context, checks: Iterable[str] = CHECKS, on_check: Callable[[], object] = lambda: None
) -> Verification:
    """Runs the task's own checks, then these. Leaves the model's weights, mode, gradients and random numbers as they
    were.

    on_check: called after each check. Raises JepaError where a check of the task has the name of another.
    """
    began, rows = time.monotonic(), []
    own = {name: (check,) for name, check in context.run.data.checks.items()}
    if both := sorted(own.keys() & CHECKS.keys()):
        raise JepaError(f"the dataset brings a check '{both[0]}', and there is one of this name: it needs another")
    found = {**own, **{name: CHECKS[name] for name in checks}}
    for name, several in found.items():
        rows += [row for check in several for row in _run(name, check, context)]
        on_check()
    return Verification(recipe_name(context.run), tuple(rows), time.monotonic() - began)


def counts(found: Verification) -> str:
    """The number of lines by verdict: ``24 pass, 1 not applicable``."""
    words = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.WARN: "warn", Verdict.NA: "not applicable"}
    return ", ".join(f"{found.count(v)} {word}" for v, word in words.items() if found.count(v))


def summary(found: Verification) -> str:
    """A line like ``cosine_k1: nothing failed: 24 pass, 1 not applicable; 2.4 seconds``."""
    outcome = "FAILED" if found.failed else "nothing failed"
    return f"{found.name}: {outcome}: {counts(found)}; {found.seconds:.1f} seconds"


def recipe_name(run: Run) -> str:
    """The name of the recipe's file; of a run's own one, that of its folder."""
    source, folder = run.recipe.source_path, RunFolder(Path(run.recipe.output_dir))
    return folder.path.name if source is None or source.name == folder.recipe.name else source.stem


class NotAsSaid(JepaError):
    """A check failed at the start of a run; nothing was trained."""


def verify_start(run: Run, registry: Registry) -> Verification:
    """Runs the cheap checks, on few samples, before a run trains. Raises NotAsSaid when one fails."""
    found = verify(Context(run, registry, quick=True), CHEAP)
    if found.failed:
        wrong = (f"  {row.check}: {row.name}: {row.told}: {row.evidence} ({row.source})" for row in found.failed)
        lines = "\n".join(("does not train what it says; nothing was run (jepa-run verify tells more):", *wrong))
        raise NotAsSaid(f"{found.name} {lines}")
    return found


def _run(name: str, check: Check, context: Context) -> Iterator[Row]:
    """Yields the lines of a check; an error inside becomes a last, failing line."""
    try:
        for row in check(context):
            yield replace(row, check=name)
    except Exception as error:  # of a component, whatever it is
        where = traceback.extract_tb(error.__traceback__)[-1]
        kind = "" if isinstance(error, JepaError) else f"{type(error).__name__}: "
        source = f"{where.filename}:{where.lineno}"
        yield Row("the check runs to its end", Verdict.FAIL, None, "", f"{kind}{error}", source, name)
