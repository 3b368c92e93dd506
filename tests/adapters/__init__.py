"""Adapters as their users write them, one a file below `files/`, and how they are judged."""
