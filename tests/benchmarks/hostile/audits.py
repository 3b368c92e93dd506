"""Texts and folders that are audited: reports of anybody's, huge, binary, in odd encodings, in odd forms; results."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.files import NO_FILES
from tests.benchmarks.hostile.running import Input, some
from tests.claims.scoring import TEXTS as REPORTS
from tests.mutations import DEEP, as_text, damaged, odd, odd_file

AUDIT = ("audit", "--offline")
HEAD = b"# ViT on an Ascend NPU\n\n"
TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n" * 100_000,
    "one line of a megabyte": b"x " * 500_000,
    "one word of a megabyte": b"x" * 1_000_000,
    "digits": HEAD + b"9" * 900_000,
    "digits and dots": HEAD + b"9." * 450_000,
    "decimals": HEAD + b"max_abs_diff 0." + b"0" * 500_000 + b"1 ms\n",
    "exponents": HEAD + b"latency 1e999999999 ms, -1e-99999 %, 1e+, 0x1p4, 1_000, \xe2\x88\x9e ms, NaN\n" * 400,
    "a million bytes too many": HEAD + b"x\n" * 1_000_000,
    "a table of 20,000 rows": HEAD + b"| a | b |\n|---|---|\n" + b"| latency | 3 ms |\n" * 20_000,
    "a table of 2,000 columns": HEAD + b"|" + b" a |" * 2000 + b"\n|" + b"---|" * 2000 + b"\n|" + b" 3 ms |" * 2000,
    "a table without end": HEAD + b"| a | b\n|---\n| 3 ms",
    "pipes": HEAD + b"|" * 200_000,
    "dashes": HEAD + b"-" * 300_000,
    "stars": HEAD + b"*_" * 200_000,
    "brackets": HEAD + b"[" * 100_000,
    "closed brackets": HEAD + b"[" * 20_000 + b"](" * 20_000,
    "angles": HEAD + b"<" * 200_000,
    "backticks": HEAD + b"`" * 99_999 + b"x" + b"`" * 99_998,
    "fences": HEAD + b"```\n" * 50_000,
    "quotes": HEAD + b">" * 50_000 + b" x",
    "lists": HEAD + b"".join(b" " * n + b"- x\n" for n in range(900)),
    "entities": HEAD + b"&amp;&#x41;&#99999999;&#0;&nothing;" * 20_000,
    "images": HEAD + b"![x](data:image/png;base64," + b"A" * 800_000 + b")",
    "references": b"".join(b"[a%d]: x\n" % n for n in range(20_000)),
    "headings": b"#" * 50_000 + b" x\n" + b"# x\n" * 30_000,
    "front matter without end": b"---\nhardware: NPU\n" * 30_000,
    "front matter of anchors": b"---\na: &a [*a]\nb: !!python/name:os.system\n---\n# x",
    "control characters": HEAD + bytes(range(1, 32)) * 3000,
    "NUL": HEAD + b"a\0b" * 30_000,
    "right to left": HEAD + "\u202e\u2066\u0000latency 3 ms\u200b".encode() * 3000,
    "combining": HEAD + "x\u0301".encode() * 150_000,
    "emoji": HEAD + "👩‍👩‍👧‍👦 3 ms ".encode() * 9000,
    "full-width": HEAD + "延迟：３．５ ｍｓ，误差：０．１％。".encode() * 9000,
    "UTF-16": ("# NPU\n延迟 3 ms\n" * 999).encode("utf-16"),
    "UTF-32": ("# NPU\n延迟 3 ms\n" * 999).encode("utf-32"),
    "UTF-7": ("# NPU\n延迟 3 ms\n" * 999).encode("utf-7"),
    "GBK": ("# NPU\n延迟 3 ms\n" * 999).encode("gb18030"),
    "GBK cut in a character": ("# NPU\n延迟" * 99).encode("gb18030")[:-1],
    "Latin": b"# NPU \xe4\xf6\xfc\xff 3 ms\n" * 99,
    "UTF-8 cut in a character": "# NPU 延".encode()[:-1],
    "halves of characters": b"# NPU \xed\xa0\x80 3 ms\n" * 99,
    "a byte order mark alone": b"\xef\xbb\xbf",
    "carriage returns": HEAD + b"latency 3 ms\r" * 20_000,
    "line separators": HEAD + "latency 3 ms\u2028\x0b\x0c\x1c\x85".encode() * 5000,
    "bytes": bytes(range(256)) * 2000,
    "a PDF": b"%PDF-1.7\n" + bytes(range(256)),
    "an archive": b"PK\x03\x04" + bytes(500),
    "a program": b"\x7fELF" + bytes(500),
    "HTML": b"<html><table>" + b"<tr><td>latency<td>3 ms" * 9000,
    "HTML of depth": b"<table><tr><td>" * 5000,
    "HTML of spans": b"<table><tr><td rowspan=99999999 colspan=99999999>latency</td><td>3 ms</td></tr></table>" * 50,
    "HTML of odd spans": b"<table><tr><td rowspan=-1 colspan=x>3 ms</td><td rowspan=0>4 ms</td></tr></table>",
    "HTML of scripts": b"<script>" * 9000 + b"<!--" * 9000 + b"<![CDATA[" * 9000,
    "a hash of a summary": HEAD + b"summary_sha256: " + b"0" * 64 + b"\n",
    "hashes of a summary": HEAD + b"summary_sha256: zz\nsummary_sha256: " + b"f" * 9000,
    "dates": HEAD + b"2026-99-99 99:99:99, 30 February, v1.2.3.4.5, CANN 8.2.RC999999999999\n" * 900,
    "quantities": HEAD + b"3 ms 4 s 5 % 1e3 GB +-0.3 ms <1% ~3ms 3-4 ms 3/4 1:2 3x\n" * 5000,
    "the same claim a thousand times": HEAD
    + b"Cosine similarity is 0.999. Max error 0.3. PASS. FAIL. latency 3 ms.\n" * 9000,
}
RESULTS: dict[str, bytes] = {
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * DEEP + b"]" * DEEP,
    "deep mappings": b'{"a":' * 900 + b"1" + b"}" * 900,
    "long numbers": b'{"latency_ms": ' + b"9" * 6000 + b"}",
    "NaN": b'{"latency_ms": NaN, "cosine": Infinity, "max": -Infinity}',
    "exponents": b'{"latency_ms": 1e999, "cosine": 1e-999}',
    "twice": b'{"latency_ms": 1, "latency_ms": 2}',
    "wide": b'{"latency_ms": [' + b"1," * 400_000 + b"1]}",
    "many names": b"{" + b",".join(b'"latency%d_ms": %d' % (n, n) for n in range(40_000)) + b"}",
    "names that are odd": b'{"\\u0000": 1, "": 2, "\\ud800": 3, "[bold]": 4, "a.b.c": 5, "latency (ms)": "3 ms"}',
    "a number alone": b"3",
    "a text alone": b'"x"',
    "lines": b'{"latency_ms": 1}\n' * 1000,
    "UTF-16": '{"latency_ms": 1}'.encode("utf-16"),
    "nothing": b"",
}


def audits(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    """Reports of anybody's, in each form; results beside them; folders and other files in their places."""
    for name, data in TEXTS.items():
        for ending in ("md", "html") if name.startswith("HTML") or chosen.randrange(4) == 0 else ("md",):
            more = chosen.choice(((), ("--json",), ("--details", "--lang", "zh")))
            yield Input(f"report of {name}, {ending}", (*AUDIT, f"x.{ending}", *more), _with(f"x.{ending}", data))
    reports = sorted(path for path in REPORTS.rglob("*") if path.suffix in (".md", ".html", ".txt"))
    for number in some(share, 60):
        data = _cut_together(chosen.choice(reports).read_bytes(), chosen)
        yield Input(f"report {number}", (*AUDIT, "x.md"), _with("x.md", data))
    for name, data in RESULTS.items():
        report = HEAD + b"latency_ms 3 ms, cosine 0.999\n"
        yield Input(f"results of {name}", (*AUDIT, "."), _with("x.md", report, "results.json", data))
    for number in some(share, 20):
        data = odd_file(
            as_text({"bench": {"latency_ms": 3.5, "rows": [1, "2 ms", None]}, "cosine": odd(chosen)}), chosen
        )
        yield Input(f"results {number}", (*AUDIT, "."), _with("x.md", HEAD + b"latency 3 ms", "results.json", data))
    yield from _folders(saved, share, chosen)


def _cut_together(data: bytes, chosen: Random) -> bytes:
    """A report damaged, or with its lines in another order, doubled or joined."""
    if chosen.randrange(3) == 0:
        return damaged(data, chosen)
    lines = data.splitlines(keepends=True)
    chosen.shuffle(lines)
    return b"".join(line * chosen.choice((1, 1, 2)) if chosen.randrange(9) else line.strip() for line in lines)


def _with(*named: str | bytes) -> Callable[[Path], None]:
    """Files by name and content, one after another."""

    def prepare(folder: Path) -> None:
        for name, data in zip(named[::2], named[1::2], strict=True):
            assert isinstance(name, str) and isinstance(data, bytes)
            (folder / name).write_bytes(data)

    return prepare


def _folders(saved: Path, share: float, chosen: Random) -> Iterator[Input]:
    """Logs folders and bundles with odd things among their files."""
    for kind, make in NO_FILES.items():
        for name in ("x.md", "summary.json", "run_npu.log", "history", "results.json", "x.json"):

            def prepare(folder: Path, name: str = name, make: Callable[[Path], None] = make) -> None:
                shutil.copytree(saved / "logs", folder / "given", ignore=shutil.ignore_patterns("sweeps"))
                path = folder / "given" / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                make(path)

            yield Input(f"audit where {name} is {kind}", (*AUDIT, "given"), prepare)
            if name in ("x.md", "x.json"):
                yield Input(f"audit of {name}, which is {kind}", (*AUDIT, f"given/{name}"), prepare)
    for number in some(share, 40):
        file = chosen.choice(("run_npu.log", "accuracy_compare.log", "pretrained_attempt.log", "summary.json"))
        seed = chosen.randrange(2**32)

        def change(folder: Path, file: str = file, seed: int = seed) -> None:
            shutil.copytree(saved / "logs", folder / "given", ignore=shutil.ignore_patterns("sweeps"))
            path = folder / "given" / file
            path.write_bytes(_cut_together(path.read_bytes(), Random(seed)))

        yield Input(f"audit of logs {number}, {file}", (*AUDIT, "given"), change)
    for path in (
        "",
        ".",
        "/",
        "/dev",
        "/proc/self",
        "/proc/self/fd",
        "/dev/zero",
        "/dev/tty",
        "-",
        "a" * 5000,
        "~",
        "http://x/y",
        "\udcff",
    ):
        yield Input(f"audit of {path!r:.30}", (*AUDIT, path))
    for name, make in FOLDERS.items():
        yield Input(f"audit of a folder {name}", (*AUDIT, "given"), lambda folder, make=make: make(folder / "given"))


def _loop(folder: Path) -> None:
    folder.mkdir()
    (folder / "x.md").write_bytes(HEAD)
    (folder / "again").symlink_to(".")


def _names(folder: Path) -> None:
    folder.mkdir()
    for name in (
        "模型.md".encode("gb18030"),
        b"\xff\xfe.md",
        b"[bold]x.md",
        b"a\nb.md",
        b"\x1b[31m.md",
        b"-x.md",
        b"x.MD",
    ):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(HEAD + b"latency 3 ms, 4 ms")


def _many(folder: Path) -> None:
    folder.mkdir()
    for number in range(3000):
        (folder / f"{number}.md").write_bytes(HEAD)
        (folder / f"{number}.json").write_bytes(b"{}")


def _deep(folder: Path) -> None:
    folder.mkdir()
    path = folder
    for _ in range(200):
        path /= "d"
        path.mkdir()
    (path / "x.md").write_bytes(HEAD)


def _wide(folder: Path) -> None:
    for number in range(2000):
        (folder / str(number)).mkdir(parents=True)


FOLDERS: dict[str, Callable[[Path], None]] = {
    "that holds itself": _loop,
    "of odd names": _names,
    "of many files": _many,
    "of depth": _deep,
    "of many folders": _wide,
    "that is empty": lambda folder: folder.mkdir(),
    "of mode 0": lambda folder: folder.mkdir(mode=0),
}
