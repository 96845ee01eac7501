"""The clauses of the components' contracts: one home, for contract tests and the watched step."""
