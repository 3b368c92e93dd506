"""Versions that a report names: which are missing, which belong to something else, which do not go together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from npu_adapt.claims.blocks import Table
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText
from npu_adapt.devices.doctor.pairs import Fit, extension_version, judge

# How a component is called; the more specific first, since torch_npu holds torch.
COMPONENTS: dict[str, re.Pattern[str]] = {
    "torch_npu": re.compile(r"torch[-_ ]?npu|ascend extension for pytorch|ascend[- ]pytorch", re.IGNORECASE),
    "torch": re.compile(r"(?<![\w-])(?:py)?torch(?![A-Za-z_-]|\.)", re.IGNORECASE),
    "driver": re.compile(r"驱动|(?<![a-z])driver|固件|firmware|npu-smi|hdk", re.IGNORECASE),
    "cann": re.compile(r"(?<![a-z])cann(?![a-z])", re.IGNORECASE),
}
VERSION = re.compile(
    r"(?<![\w.])v?(\d+\.\d+(?:\.\w+)*(?:[.-]?(?:rc|post|alpha|beta|dev)\.?\d*)?(?:\+\w+)?)", re.IGNORECASE
)
VERSION_BEHIND = re.compile(VERSION.pattern.removeprefix(r"(?<![\w.])"), re.IGNORECASE)  # "CANN8.5.1"
NO_VERSION = re.compile(
    r"latest|最新|自带|内置|built[- ]?in|正式版|同上|不详|未知|unknown|default|默认|配套版本|preinstalled|预装|任意"
    r"|environment|n/?a\b|^\s*[-—–/]*\s*$",
    re.IGNORECASE,
)
NOT_THERE = re.compile(r"not found|not installed|未发现|未安装|不涉及|not used|不需要|无需", re.IGNORECASE)
FIRST_DRIVER = 20  # drivers are numbered by the year; CANN has not come as far as 10
REQUIRED = ("torch", "torch_npu", "cann")
OTHER_FRAMEWORKS = re.compile(r"onnx|mindspore|paddle|\batc\b|\.om\b|mindie|acl\b|tensorflow", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """A component as the report names it. `version` is empty where it says none."""

    component: str
    version: str
    line: int
    quote: str


def named_versions(report: ReportText) -> tuple[Named, ...]:
    """Every component with its version, in the order of the report; commands count as well."""
    found: list[Named] = []
    tables = [block for block in report.blocks if isinstance(block, Table)]
    in_tables = {row.line for table in tables for row in table.rows}
    for table in tables:
        for row in table.rows:
            found += _of_row(row.cells, row.line)
    for line, text in (*report.output, *report.program_lines):
        if line not in in_tables:
            found += _of_line(text, line)
    return tuple(sorted(found, key=lambda each: each.line))


def _of_row(cells: Sequence[str], line: int) -> Iterator[Named]:
    """A row of a table of versions; with several names in the first cell as many versions in the second."""
    if len(cells) < 2:
        return
    components = _components(cells[0])
    if not components:
        yield from _of_line(" | ".join(cells), line)
        return
    if len(cells[0]) > 40:
        return
    quote = " | ".join(cells[:2])
    versions = VERSION.findall(cells[1])
    if len(components) > 1 and len(versions) == len(components):
        yield from (Named(name, version, line, quote) for name, version in zip(components, versions, strict=True))
    elif len(components) > 1 and set(components) >= {"cann", "driver"}:
        yield Named("cann+driver", versions[0] if versions else "", line, quote)
    elif _components(cells[1]) and versions:
        yield Named(f"{components[0]}={_components(cells[1])[0]}", versions[0], line, quote)
    else:
        yield Named(components[0], versions[0] if versions else "", line, quote)


def _components(text: str) -> list[str]:
    """The components that a text names, in its order."""
    places: list[tuple[int, str]] = []
    left = text
    for name, pattern in COMPONENTS.items():
        match = pattern.search(left)
        if match:
            places.append((match.start(), name))
            left = pattern.sub(lambda found: " " * len(found[0]), left)
    return [name for _, name in sorted(places)]


_JOINED = re.compile(
    r"^\s*(?:版本号?|version|toolkit|社区版)?\s*(?:为|是|:|=|==|~=|>=|\(|is|of|version|版本)*\s*\(?v?$", re.IGNORECASE
)


def _of_line(text: str, line: int) -> Iterator[Named]:
    """ "torch 2.9.0", "CANN：8.5.1", "torch==2.9.0": a name with its version behind it."""
    taken: list[tuple[int, int, str]] = []
    left = text
    for name, pattern in COMPONENTS.items():
        for match in pattern.finditer(left):
            taken.append((match.start(), match.end(), name))
        left = pattern.sub(lambda found: " " * len(found[0]), left)
    taken.sort()
    several = _several(text, taken)
    yield from (Named(name, version, line, text[taken[0][0] :].strip()) for name, version in several)
    for at, (start, end, name) in enumerate(taken if not several else taken[len(several) :]):
        if _NO_VERSION_BEHIND.match(text, end):
            yield Named(name, "", line, text.strip())
            continue
        version = VERSION_BEHIND.search(text, end)
        limit = taken[at + 1][0] if at + 1 < len(taken) else len(text)
        if version is None or version.start() > limit:
            following = taken[at + 1] if at + 1 < len(taken) else None
            if following and {name, following[2]} == {"cann", "driver"} and version and following[1] <= version.start():
                between = text[end : following[0]]
                joins = re.fullmatch(r"\s?(?:(?:/|:|=|是|为)\s?)?", between)
                after = _JOINED.match(text[following[1] : version.start()])
                if joins and after:
                    yield Named(f"{name}={following[2]}", version[1], line, text[start : version.end()])
            continue
        if (
            at
            and taken[at - 1][1] <= start
            and {name, taken[at - 1][2]} == {"cann", "driver"}
            and re.fullmatch(r"[\s/:=]*", text[taken[at - 1][1] : start])
        ):
            continue  # "CANN driver 25.2.0": told above
        if _JOINED.match(text[end : version.start()]):
            yield Named(name, version[1], line, text[start : version.end()])


_AND = r"\s*(?:[/&、,，+]|and|和|与|及)\s*"
_NO_VERSION_BEHIND = re.compile(rf"\s*[:=(]+\s*(?:{NO_VERSION.pattern})", re.IGNORECASE)


def _several(text: str, taken: Sequence[tuple[int, int, str]]) -> list[tuple[str, str]]:
    """ "torch / torch_npu: 2.9.0 / 2.9.0.post1": names at the head of a line, then as many versions."""
    names = [name for _, _, name in taken]
    between = [text[one[1] : other[0]] for one, other in pairwise(taken)]
    count = 1 + next((at for at, gap in enumerate(between) if not re.fullmatch(_AND, gap, re.IGNORECASE)), len(between))
    if count < 2:
        return []
    version = VERSION_BEHIND.pattern
    pattern = rf"\s*(?:版本号?|versions?)?\s*[:=为是(]*\s*{_AND.join([version] * count)}"
    match = re.match(pattern, text[taken[count - 1][1] :], re.IGNORECASE)
    return [] if match is None else list(zip(names, match.groups(), strict=False))


def confused(report: ReportText) -> Iterator[Found]:
    """The driver's version given as CANN's, CANN's as the driver's, or one version for both."""
    for named in named_versions(report):
        parts = re.split(r"[+=]", named.component)
        if set(parts) == {"cann", "driver"} and named.version:
            yield Found("driver-as-cann", ((named.line, named.quote),), "certain", {"given": named.quote})
        elif named.version and len(parts) == 1 and named.component in ("cann", "driver"):
            major = int(named.version.split(".")[0])
            is_drivers = major >= FIRST_DRIVER
            if (named.component == "cann") == is_drivers and (is_drivers or major in (5, 6, 7, 8, 9)):
                if named.component == "driver" and re.search(r"固件|firmware", named.quote, re.IGNORECASE):
                    continue  # a firmware of the 7 series
                yield Found("driver-as-cann", ((named.line, named.quote),), "likely", {"given": named.quote})


def pairs(report: ReportText) -> Iterator[Found]:
    """torch and torch_npu of different releases; a CANN older than any that is published for its torch_npu."""
    known = _first_of_each(named_versions(report))
    torch, extension, cann = (known.get(name) for name in REQUIRED)
    if torch is not None and extension is not None:
        one, other = extension_version(torch.version), extension_version(extension.version)
        if one is not None and other is not None and one[:3] != other[:3]:
            places = ((torch.line, torch.quote), (extension.line, extension.quote))
            yield Found("torch-pair", places, "certain", {"torch": torch.version, "torch_npu": extension.version})
    if cann is not None and extension is not None and int(cann.version.split(".")[0]) < FIRST_DRIVER:
        pairing = judge(cann.version, extension.version)
        if pairing.fit is Fit.OLDER:
            places = ((cann.line, cann.quote), (extension.line, extension.quote))
            values = {"cann": cann.version, "torch_npu": extension.version, "low": pairing.low or ""}
            yield Found("cann-pair", places, "likely", dict(values))


def _first_of_each(found: Sequence[Named]) -> dict[str, Named]:
    """The version that a report gives of each component first; a table's or a list's before a command's."""
    known: dict[str, Named] = {}
    for named in found:
        if named.version and named.component not in known:
            known[named.component] = named
    return known


def missing(report: ReportText) -> Iterator[Found]:
    """Versions that a report must carry and does not: of torch, torch_npu and CANN."""
    found = named_versions(report)
    known = _first_of_each(found)
    vague = [
        each for each in found if not each.version and NO_VERSION.search(each.quote) and each.component in REQUIRED
    ]
    told: set[str] = set()
    for each in vague:
        if each.component not in known and each.component not in told:
            told.add(each.component)
            yield Found("version-missing", ((each.line, each.quote),), "certain", {"missing": each.component})
    needed = REQUIRED if uses_torch(report, known) else ("cann",)
    stated = [*known, *(each.component for each in found if NOT_THERE.search(each.quote))]
    names = {part for each in stated for part in re.split(r"[+=]", each)}
    absent = [name for name in needed if name not in names and name not in told]
    if absent and is_adaptation(report):
        if "driver" not in names:
            absent.append("driver")
        place = _software_line(report, found)
        yield Found("version-missing", (place,), "certain", {"missing": ", ".join(absent)})


def uses_torch(report: ReportText, known: dict[str, Named]) -> bool:
    """Whether the model runs by torch, as far as the report says."""
    if "torch" in known or "torch_npu" in known or COMPONENTS["torch_npu"].search(report.everything):
        return True
    return not OTHER_FRAMEWORKS.search(report.everything)


def is_adaptation(report: ReportText) -> bool:
    """Whether the text is a report on a model that ran on an NPU, rather than any other document."""
    text = re.sub(r"npu[-_]adapt|torch[-_]npu|ascend-npu|ASCEND_\w+|from_npu", "", report.everything)
    return bool(re.search(r"(?<![a-z])npu(?![a-z])|ascend|昇腾|910b|310p", text, re.IGNORECASE)) and any(
        claim.metric not in ("parameters", "memory") for claim in report.claims
    )


def _software_line(report: ReportText, found: Sequence[Named]) -> tuple[int, str]:
    """Where a reader would look for versions."""
    if found:
        return found[0].line, found[0].quote
    pattern = re.compile(
        r"软件|环境|依赖|torch|(?<![a-z])cann|software|environment|versions?|requirements|setup", re.IGNORECASE
    )
    return next(report.search(pattern), next(iter(report.prose), (1, "")))
