"""The parts of a report, each a function of the figures: terminal tables and the written report share them."""
