"""The error that clauses raise."""


class Broken(Exception):
    """A clause of a component's contract does not hold."""
