"""How far correct kernels are from their floors: error over floor of every operator, as a histogram for each type.

Small enough to be kept under `tests/data/`, with the chip's name in it.
"""

from __future__ import annotations

from typing import Any

# Upper edges of the classes of error / floor; the first holds exact results only, a last one what is above.
EDGES = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0)


def margins(record: dict[str, Any]) -> dict[str, Any]:
    """{"chip", "edges", "settings": {setting: {operator: {"counts", "largest"}}}} of all comparisons in the record."""
    settings: dict[str, dict[str, dict[str, Any]]] = {}
    for part in record["parts"].values():
        for comparison in part["facts"].get("comparisons", ()):
            for operator, ratios in (comparison.get("margins") or {}).items():
                of_setting = settings.setdefault(comparison["setting"], {})
                entry = of_setting.setdefault(operator, {"counts": [0] * (len(EDGES) + 1), "largest": 0.0})
                for ratio in ratios:
                    entry["counts"][_class(ratio)] += 1
                    entry["largest"] = max(entry["largest"], ratio)
    environment = record["parts"].get("env", {}).get("facts", {})
    return {
        "chip": environment.get("name", record["device"]),
        "driver": environment.get("driver"),
        "versions": environment.get("versions", {}),
        "date": record["started_at"][:10],
        "edges": EDGES,
        "settings": {name: dict(sorted(operators.items())) for name, operators in sorted(settings.items())},
    }


def _class(ratio: float) -> int:
    return next((number for number, edge in enumerate(EDGES) if ratio <= edge), len(EDGES))
