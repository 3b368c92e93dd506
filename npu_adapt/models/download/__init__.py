"""Bytes from a hub to its cache on this disk: resumed, hashed while they arrive, and refused where they differ."""
