"""The third party's own tests run in the environment that has it installed, not here."""

collect_ignore = ["jepa-huber"]
