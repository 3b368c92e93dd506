"""Processes that a command starts: children, deadlines, fresh interpreters."""
