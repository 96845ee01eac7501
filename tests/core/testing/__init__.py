"""The kit against components that keep their contract, and components that each break one clause of it."""
