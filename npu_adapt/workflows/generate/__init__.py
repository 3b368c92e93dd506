"""What both sides write, token by token: the prompts, the writing, its noise floors, and what breaks it."""
