"""Pure functions of tensors: metrics, arithmetic formats and their emulation, rules. They touch no device."""
