"""Points drawn with letters, for a terminal of any kind."""

from __future__ import annotations

from collections.abc import Sequence

from npu_adapt.rounding import significant

WIDTH, HEIGHT = 56, 12
Point = tuple[str, float, float]  # its letter, x, y


def scatter(points: Sequence[Point], x_title: str, y_title: str) -> str:
    """The points on linear axes that begin at zero; where two fall on one place, `*` stands for both.

    `ValueError` without points.
    """
    most_x, most_y = max(x for _, x, _ in points), max(y for _, _, y in points)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]
    for letter, x, y in points:
        column = _place(x, most_x, WIDTH)
        line = HEIGHT - 1 - _place(y, most_y, HEIGHT)
        grid[line][column] = letter if grid[line][column] == " " else "*"
    top = significant(most_y)
    margin = len(top)
    lines = [f"{'':{margin}} {y_title}"]
    for number, cells in enumerate(grid):
        label = top if number == 0 else "0" if number == HEIGHT - 1 else ""
        lines.append(f"{label:>{margin}} |{''.join(cells)}".rstrip())
    end = f"{significant(most_x)} {x_title}"
    lines += [f"{'':{margin}} +{'-' * WIDTH}", f"{'':{margin}}  0{end:>{WIDTH - 1}}"]
    return "\n".join(lines)


def _place(value: float, most: float, cells: int) -> int:
    return round(value / most * (cells - 1)) if most > 0 else 0
