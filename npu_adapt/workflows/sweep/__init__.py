"""Many models, each in processes of its own, over all devices: the order of the jobs, their places, what is resumed."""
