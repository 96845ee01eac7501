"""Checks of this project on a GPU, in stages that each leave their result: ``scripts/gpu_check.sh``."""
