"""Studies: several arms, tuned, repeated over seeds, compared at the same steps and FLOPs."""
