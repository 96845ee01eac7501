"""The checks, each a function from the context to lines."""
