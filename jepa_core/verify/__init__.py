"""Proof that a recipe, with this model and this installation, trains what it says."""
