"""Checkpoints whose weights are quantised: which can be loaded, and what their numbers mean exactly."""
