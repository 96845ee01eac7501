"""The third parties' own tests run in the environments that have them installed, not here."""

collect_ignore = ["jepa-huber", "jepa-sorting"]
