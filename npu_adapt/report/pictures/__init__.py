"""The pictures of the HTML report, drawn from the record as SVG that stands in the page."""
