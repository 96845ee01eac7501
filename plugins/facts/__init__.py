"""Facts: a task with two directions, its data, reversals, masks, evaluation and commands."""
