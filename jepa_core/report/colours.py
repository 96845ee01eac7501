"""The colours of pages and pictures, each in a light and a dark variant.

Pictures are drawn in the light ones; on a page these become CSS variables. The series colours are chosen
after Okabe and Ito 2008 ("Color Universal Design"), darker or lighter until each stands at least 3 : 1
against its background.
"""

from __future__ import annotations

#: CSS variable -> (light, dark). No value may occur twice: a picture's colour must tell its variable.
COLOURS = {
    "--paper": ("#fdfdfc", "#16181c"),
    "--ink": ("#22262c", "#e3e5e8"),
    "--muted": ("#6b7078", "#9aa0a9"),
    "--line": ("#d9dce1", "#3a3f47"),
    "--c0": ("#0072b2", "#56b4e9"),
    "--c1": ("#d55e00", "#f0883e"),
    "--c2": ("#00845f", "#2fc79a"),
    "--c3": ("#a8488a", "#e29ac6"),
    "--c4": ("#8a6d00", "#e6c84f"),
    "--c5": ("#5b4bc4", "#a79bff"),
    "--c6": ("#8c3a1b", "#c98a6b"),
    "--c7": ("#50616d", "#b7c4cc"),
}
VARIABLES = {light: name for name, (light, _) in COLOURS.items()}
PAPER, INK, MUTED, LINE = (COLOURS[name][0] for name in ("--paper", "--ink", "--muted", "--line"))
SERIES = [light for name, (light, _) in COLOURS.items() if name.startswith("--c")]


def style_sheet() -> str:
    """CSS that gives the variables their values."""
    light, dark = (
        " ".join(f"{name}: {values[i]};" for name, values in COLOURS.items()) for i in range(2)
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )
