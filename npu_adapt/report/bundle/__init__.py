"""What is handed in: scripts that run by themselves, the report, and what ran, as the files of one folder."""
