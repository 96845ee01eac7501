"""``regex_equivalence``: whether the answer's regular expression describes the same lines as the expected one."""

from __future__ import annotations

from importlib.util import find_spec

from jepa_core.errors import ComponentError
from jepa_plugins.text.scoring.judgement import Judgement, unjudged
from jepa_plugins.text.scoring.limited import LimitedProcess, LimitError

SAID = {
    "same": Judgement(True),
    "others": Judgement(False, "it describes other lines"),
    "none": Judgement(False, "both describe no line, which says nothing"),
}


class RegexEquivalence:
    """Two expressions are equal where their automata accept the same lines: ``(a|b)*`` is ``(b*a*)*``.

    The syntax is that of NL-RX: ``&`` for both, ``~`` for not, ``\\b`` for an edge of a word. An expression that
    can't be read, or whose automaton isn't there within `seconds`, is wrong. Many expressions contradict themselves,
    as ``[0-9]&[a-z]``, and describe no line: where both do, only the expected text itself is right.
    """

    def __init__(self, seconds: float = 2.0):
        if find_spec("automata") is None:
            raise ComponentError("regex_equivalence needs automata-lib: pip install 'jepa-core[text]'")
        self._process = LimitedProcess(seconds)

    def __call__(self, answer: str, expected: str, prompt: str = "") -> Judgement:
        answer, expected = answer.strip(), expected.strip()
        if answer == expected:
            return Judgement(True)
        try:
            return SAID[self._process.call("regex", answer, expected)]
        except LimitError as refusal:
            return self._refused(expected, str(refusal))

    def _refused(self, expected: str, why: str) -> Judgement:
        """Tells which expression was refused: an expected one that can be read equals itself."""
        try:
            self._process.call("regex", expected, expected)
        except LimitError as refusal:
            return unjudged(str(refusal))
        return Judgement(False, why)
