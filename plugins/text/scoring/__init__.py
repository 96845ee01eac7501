"""Judges of generated answers: each takes an answer and the expected one, and returns a verdict."""
