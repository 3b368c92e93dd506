"""Everything that is handed in of one run, written to a folder."""
