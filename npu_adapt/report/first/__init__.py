"""What each command prints without `--details`: at most 24 lines, 32 where a verdict fails; the verdict comes first."""
