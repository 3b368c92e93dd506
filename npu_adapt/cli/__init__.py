"""One thin file per command: parse, call a workflow, print, exit."""
