"""One function per command: the order of its steps. They return records and print nothing."""
