"""The clauses of the components' contracts: one home, for contract tests, rehearsals and the step itself."""
