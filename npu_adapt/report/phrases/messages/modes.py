"""Chinese words of the messages about modes."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "--mode compile and --mode graph need a noise floor and a device, not --fast or --rehearse": (
        "--mode compile 与 --mode graph 需要噪声底和设备，不能与 --fast 或 --rehearse 同用"
    ),
}
