"""The comparison of two sides: what is measured, judged, recorded, saved and judged again."""
