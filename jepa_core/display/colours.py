"""The colours of pages and pictures, each in a light and a dark variant.

Pictures are drawn in the light ones; on a page these become CSS variables. The series colours contrast with
their background at least 3 : 1, and with each other by 15 or more in CIELAB, to people with normal sight, with
protanopia, deuteranopia or tritanopia. What is read, and the colours of verdicts, contrast at least 4.5 : 1.
"""

from __future__ import annotations

#: CSS variable -> (light, dark). No value may occur twice: a picture's colour must tell its variable.
COLOURS = {
    "--paper": ("#fdfdfc", "#16181c"),
    "--ink": ("#22262c", "#e3e5e8"),
    "--muted": ("#6b7078", "#9aa0a9"),
    "--line": ("#d9dce1", "#3a3f47"),
    "--good": ("#127a52", "#37d39b"),
    "--fair": ("#7d6320", "#e8c54a"),
    "--bad": ("#b3261e", "#ff8a80"),
    "--c0": ("#1568ba", "#4cabe5"),
    "--c1": ("#e36808", "#ec6931"),
    "--c2": ("#148f5f", "#21da9c"),
    "--c3": ("#c84294", "#aa88aa"),
    "--c4": ("#977a39", "#e2cb4f"),
    "--c5": ("#5235c4", "#947ef5"),
    "--c6": ("#7b4325", "#c98a6b"),
    "--c7": ("#4b5760", "#c9bbc6"),
}
VARIABLES = {light: name for name, (light, _) in COLOURS.items()}
PAPER, INK, MUTED, LINE = (COLOURS[name][0] for name in ("--paper", "--ink", "--muted", "--line"))
SERIES = [light for name, (light, _) in COLOURS.items() if name.startswith("--c")]


def style_sheet() -> str:
    """CSS that gives the variables their values."""
    light, dark = (" ".join(f"{name}: {values[i]};" for name, values in COLOURS.items()) for i in range(2))
    return (
        f":root {{ color-scheme: light dark; {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )
