"""The files of a verification."""

from __future__ import annotations

from pathlib import Path

from jepa_core.display.html import write_page
from jepa_core.errors import JepaError
from jepa_core.folder.ours import refuse_foreign, write_own_json
from jepa_core.verify.context import Context
from jepa_core.verify.grid import example_mask, picture_names, write_pictures
from jepa_core.verify.page import verification_page
from jepa_core.verify.verify import Verification

NAMES = ("verify.json", "verify.html")


def default_folder(output_dir: str) -> Path:
    """The folder beside a run's: ``runs/verify/cosine_k1`` for ``runs/cosine_k1``."""
    run = Path(output_dir)
    return run.parent / "verify" / run.name


def write_files(found: Verification, context: Context, folder: Path) -> list[str]:
    """Writes ``verify.json``, ``verify.html`` and the mask's pictures; returns a line that names them.

    Raises JepaError where the folder can't be written to, or holds a file of the user with one of these names.
    """
    mask = example_mask(context)
    refuse_foreign(*(folder / name for name in (*NAMES, *picture_names(mask))))
    write_own_json(folder / "verify.json", found.to_json())
    write_page(folder / "verify.html", verification_page(found, context, mask))
    try:
        drawn = ", ".join(path.name for path in write_pictures(mask, folder))
    except JepaError as error:
        drawn = f"no picture of the mask: {error}"
    return [f"{folder}: verify.html, verify.json, {drawn}"]
