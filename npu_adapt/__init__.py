"""Prove that a model loads its real weights, runs on an accelerator, computes the right numbers, and how fast."""

__version__ = "0.1.0"
