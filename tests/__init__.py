"""Tests of npu-adapt; README.md says what is where."""
