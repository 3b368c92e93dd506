"""`python -m npu_adapt` is `npu-adapt`."""

from npu_adapt.cli.app import main

main()
