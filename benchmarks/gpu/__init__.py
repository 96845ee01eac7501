"""What this project does on a GPU, in stages that each leave their result: ``scripts/gpu_check.sh``."""
