"""``jepa-run new``: a package for a component of your own."""
