"""The benchmark: its settings, rows, tokens and memory, fresh processes, and the regression gate."""
