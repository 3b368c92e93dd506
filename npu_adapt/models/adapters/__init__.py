"""Adapters: a Python file of the user's that builds a module, run because the user named it."""
