"""Recipes that come with jepa-core, and their small data."""
