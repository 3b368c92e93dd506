"""The environment: its record, and what changed since an earlier one."""
