"""The models on this disk: fetched, verified, listed, removed."""
