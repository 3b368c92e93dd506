"""What is wrong with a machine's accelerator stack: what lies there, what happens when it is used, and the fix."""
