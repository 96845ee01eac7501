"""The number behind ``####``, as GSM8K writes its answers.

>>> bool(number("18 - 2 is 16\\n#### 1,016.0", "so\\n#### 1016"))
True
"""

from __future__ import annotations

import re
from decimal import Decimal

from jepa_plugins.text.scoring.judgement import Judgement, judgement, unjudged

#: The mark and, behind it, a number with its sign, currency, thousands' commas and decimals.
MARKED = re.compile(r"####[ \t]*(?P<sign>[-+−]?)[ \t]*\$?[ \t]*(?P<digits>\d[\d,]*(?:\.\d+)?|\.\d+)")


def number(answer: str, expected: str) -> Judgement:
    """Compares the first number marked by ``####`` with the expected answer's: 1,016.0 is 1016.

    Only the first counts, as a model that does not stop may go on to the next question's.
    """
    wanted, found = marked_number(expected), marked_number(answer)
    if wanted is None:
        return unjudged("no number behind ####")
    if found is None:
        return Judgement(False, "no number behind ####")
    return judgement(found == wanted, f"{found}, not {wanted}")


def marked_number(text: str) -> Decimal | None:
    """The first number behind ``####``, or None."""
    match = MARKED.search(text)
    if not match:
        return None
    sign = "-" if match["sign"] in ("-", "−") else ""
    return Decimal(sign + match["digits"].replace(",", ""))
