"""Checkpoints that are whole or not there: sealed with a manifest, checked before anything is read."""
