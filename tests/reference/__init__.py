"""Second implementations to test against: slow, one sample at a time, sharing no code with the packages."""
