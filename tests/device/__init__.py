"""What only a real accelerator can show, part by part: `python -m tests.device`."""
