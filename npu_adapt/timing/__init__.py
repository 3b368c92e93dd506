"""The measured loop, its statistics, the load beside it and the limits of the device. Knows no model and no backend."""
