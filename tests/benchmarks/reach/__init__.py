"""How many of transformers' architectures the tool can judge: tiny random models, the console's own workflow."""
