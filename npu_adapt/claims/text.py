"""Bytes of a report as text: its encoding, and letters of East Asian width as the plain ones."""

from __future__ import annotations

import re

ENCODINGS = ("utf-8-sig", "gb18030")  # in this order: hardly any text that is GBK is UTF-8 by accident
LONGEST_LINE = 2000  # letters that are read of one: more are a picture or a dump, and no sentence
BINARY = 0.02  # share of control characters above which bytes are no text
_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "，；！？"}
_MARKS = {"　": " ", "\xa0": " ", "\u2009": " ", "\u202f": " ", "−": "-", "‑": "-", "–": "-", "μ": "u", "µ": "u"}
_PLAIN = str.maketrans({**{chr(code): plain for code, plain in _WIDE.items()}, **_MARKS})


class NotText(ValueError):
    """The bytes are no text in any encoding that is tried."""


def decoded(data: bytes) -> str:
    """The text of `data`. Raises `NotText`, also for text in an encoding that is neither UTF-8, UTF-16 nor GBK."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _text(data, "utf-16")
    if b"\0" in data[:4096]:
        raise NotText
    for encoding in ENCODINGS:
        try:
            return _text(data, encoding)
        except UnicodeDecodeError:
            continue
    raise NotText


def _text(data: bytes, encoding: str) -> str:
    text = data.decode(encoding)
    head = text[:4096]
    control = sum(not letter.isprintable() and letter not in "\n\r\t\f\x1b" for letter in head)
    if control > BINARY * max(len(head), 1):
        raise NotText
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line[:LONGEST_LINE] for line in lines)


def plain(text: str) -> str:
    """Full-width digits, letters and signs as the ASCII ones, and powers and shares as figures; lines stay in place.

    Chinese commas stay as they are. "3.6×10⁻²" becomes "3.6×10^-2", "百分之二点三" becomes "2.3%".
    """
    text = _POWER.sub(lambda found: "10^" + found[1].translate(_RAISED), text.translate(_PLAIN))
    return _SHARE.sub(_share, text)


_POWER = re.compile("10([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_RAISED = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")
_DIGITS = {letter: at for at, letter in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SHARE = re.compile(rf"([百千万])分之([{''.join(_DIGITS)}十百]+)(?:点([{''.join(_DIGITS)}]+))?")
_SHARES = {"百": "%", "千": "‰", "万": "‱"}


def _share(found: re.Match[str]) -> str:
    """A share that is written in words, as figures."""
    whole = _whole(found[2])
    part = "".join(str(_DIGITS[letter]) for letter in found[3] or "")
    return f"{whole}{f'.{part}' if part else ''}{_SHARES[found[1]]}"


def _whole(words: str) -> int:
    """A Chinese number below a thousand."""
    total, digit = 0, 0
    for letter in words:
        if letter in "十百":
            total += (digit or 1) * (10 if letter == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[letter]
    return total + digit
