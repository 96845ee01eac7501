"""Puts the committed results of benchmarks into docs/SPEED.md: ``python scripts/speed_page.py``.

Between ``<!-- FILE -->`` and ``<!-- end -->`` stands the text of that file, without its first heading.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "SPEED.md"
PART = re.compile(r"<!-- (benchmarks/results/[\w./-]+) -->\n.*?<!-- end -->", re.S)


def filled(text: str) -> str:
    return PART.sub(lambda match: f"<!-- {match[1]} -->\n\n{_body(ROOT / match[1])}\n\n<!-- end -->", text)


def _body(path: Path) -> str:
    return re.sub(r"\A# .*\n", "", path.read_text(encoding="utf-8")).strip()


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
