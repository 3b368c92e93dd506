"""Failing operators written down for somebody else: inputs, a script of torch alone, an issue's text."""
