"""The same subject compiled or captured as a graph, held to the same floors as in eager mode."""
