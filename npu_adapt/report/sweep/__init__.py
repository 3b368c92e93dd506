"""The matrix of a sweep: for a terminal, as Markdown, CSV, HTML and JUnit XML, all from one record."""
