"""``jepa-run new``: a package for a component of one's own."""
