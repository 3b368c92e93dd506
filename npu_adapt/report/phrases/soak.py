"""What is said of forwards under load: how many, how often their bits changed, where, and how warm the device was."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

TERMS: dict[str, Phrase] = {
    "soak": Phrase(
        "{forwards:count} forwards in {seconds:number} s had the same bits in every operator",
        "{seconds:number} 秒内 {forwards:count} 次前向，每个算子的比特都相同",
    ),
    "soak-not": Phrase(
        "{value:count} of {forwards:count} forwards in {seconds:number} s had other bits, from {place} ({operator}) on",
        "{seconds:number} 秒内 {forwards:count} 次前向中有 {value:count} 次比特不同，从 {place}（{operator}）开始",
    ),
}
SENTENCES: dict[str, Phrase] = {
    "label-soak": Phrase("soak", "持续负载"),
    "caption-soak": Phrase("Where bits changed under load", "持续负载下比特变化的位置"),
    "column-forwards": Phrase("forwards", "前向次数"),
    "column-first-forward": Phrase("first in", "首次出现"),
    "soak-forwards": Phrase("{forwards} forwards in {seconds} s", "{seconds} 秒内 {forwards} 次前向"),
    "soak-same": Phrase("every operator's bits the same", "每个算子的比特都相同"),
    "soak-changed": Phrase("other bits in {changed}", "其中 {changed} 次比特不同"),
    "soak-watched": Phrase(
        "The bits of {operators} operators were watched in each forward, hashed on the device.",
        "每次前向监视 {operators} 个算子的比特，哈希在设备上计算。",
    ),
    "soak-watched-copies": Phrase(
        "The bits of {operators} operators were watched in each forward. The device does not compute with whole "
        "numbers as the CPU does, so they were copied.",
        "每次前向监视 {operators} 个算子的比特。设备的整数运算与 CPU 不同，因此结果被复制到 CPU 后计算。",
    ),
    "soak-temperature": Phrase("{least} to {most} °C", "{least} 至 {most} °C"),
    "soak-clock": Phrase("{least} to {most} MHz", "{least} 至 {most} MHz"),
    "soak-untold": Phrase("the device tells no temperature", "设备不提供温度"),
    "absent-soak": Phrase("--soak was not given", "未使用 --soak"),
    "absent-not-told": Phrase("the device does not tell", "设备不提供"),
}
# Why a field is None, by its path below `compare.soak`: the key of the default words.
ABSENT: dict[str, str] = {
    "readings.temperature_celsius": "absent-not-told",
    "readings.clock_megahertz": "absent-not-told",
}

PHRASES: dict[str, Phrase] = {**{f"term-{key}": phrase for key, phrase in TERMS.items()}, **SENTENCES}
