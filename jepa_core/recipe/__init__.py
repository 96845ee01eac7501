"""Recipes: reading them strictly, checking them against what is installed, and writing them back."""
