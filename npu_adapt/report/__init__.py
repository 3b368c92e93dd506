"""Records in, terminal tables, Markdown and HTML out. Knows records only: nothing here loads torch."""
