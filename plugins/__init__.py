"""The built-in components, brought in through the same entry points as anybody's plugin."""
