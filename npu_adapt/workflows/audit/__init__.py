"""What `npu-adapt audit` does: reads what lies at a path, holds each part against the others, says what differs."""
