"""What a report leaves out: empty cells, placeholders, commands, the source of the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from npu_adapt.claims.blocks import Code, Heading, Table
from npu_adapt.claims.description import describe
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.versions import is_adaptation

_NOTES = re.compile(r"备注|说明|注释|note|comment|remark|描述|description|提升|变化|备 注", re.IGNORECASE)
_EMPTY_VALUE = re.compile(
    r"(?P<label>[\w\u4e00-\u9fff][\w \u4e00-\u9fff-]{1,30}?)\s*(?:=\s*(?=[。；;,，)]|$)|:\s*(?=[。；;,，]))"
)
_PLACEHOLDER = re.compile(
    r"\$\{\w+\}|(?<![\w$\\])\$[A-Za-z_]\w*(?![^|\n]*\$)|\{\{[^{}\n]*\}\}"
    r"|(?<![\w{$\\])\{[a-z_][\w.]*(?:\[[^\]]*\])?(?::[^{}\n]*)?\}"
    r"|\bTODO\b|\bTBD\b|\bFIXME\b|待(?:填|补|定|测|完善|更新)\w{0,3}|占位符?"
    r"|(?<![\w])[xX]{2,}(?:\.[xX]+)?(?![\w])|_{3,}|%(?:\.\d+)?[fsd](?![\w])"
    r"|<(?:your|填|待|请|insert|xxx)[^>\n]{0,30}>|【(?:填|待)[^】\n]*】|\?\?\?+|lorem ipsum"
)
_HEADING_OF_COMMANDS = re.compile(
    r"安装|依赖|部署|推理命令|推理方[法式]|运行(?:命令|方[法式]|步骤)?$|启动|使用方法"
    r"|快速(?:开始|上手)|执行|how to run|usage"
    r"|\binstall|run(?:ning)? (?:it|the)|inference command|quick ?start|^[\d.\s]*inference$"
    r"|^[\d.\s]*run$|reproduce|commands?$",
    re.IGNORECASE,
)
_RUNS = re.compile(r"执行方式|运行方式|推理命令|使用方法|如何运行|复现|how to run|usage|reproduc|to run", re.IGNORECASE)
_COMMAND = re.compile(
    r"\bpython3?\s+[\w./-]+|\bpip3?\s+install|npu-adapt\s+\w+|\bbash\s+\S+|torchrun"
    r"|vllm\s+serve|\./\w+|\batc\s+--|accelerate launch|docker run|\bsh\s+\S+\.sh|conda \w+",
)
_SOURCE = re.compile(
    r"https?://[\w.-]*(?:huggingface|hf-mirror|modelscope|gitcode|github|gitee|hf_mirrors"
    r"|openxlab|paddle|pytorch|aliyun|ultralytics|googleapis|fbaipublicfiles)\S*"
    r"|hugging ?face|model ?scope|魔搭|hf[-_]mirrors?|gitcode|from_pretrained\(|create_model\("
    r"|torchvision\.models|torch\.hub|ultralytics|built-?in|https?://"
    r"|\.(?:pth|pt|ckpt|bin|safetensors)\b.{0,20}sha-?256\W{0,3}[0-9a-f]{32}",
    re.IGNORECASE,
)
_HUB_ID = re.compile(r"(?<![\w./@-])[A-Za-z][\w.-]{1,40}/[A-Za-z][\w.-]*[\w](?![\w/])")
_NO_HUB_ID = re.compile(
    r"^(?:cpu|gpu|npu|cuda|torch|transformers|logs?|results?|eval|assets?|images?|img|tokens?"
    r"|samples?|ms|tok|usr|opt|home|data|models?|weights?|src|scripts?|output|readme|top"
    r"|adapter|batch|it|fp16|float16|w)/"
    r"|/(?:s|sec|it|npu|cpu|gpu|token|torch_npu|step|batch|image|item|second)$|\.(?:py|md|json"
    r"|log|sh|txt|png|jpg|wav|csv|pth|pt|onnx|om|safetensors)$",
    re.IGNORECASE,
)
_WEIGHTS = re.compile(r"权重|weights?|checkpoint|模型(?:路径|文件|来源|获取)|\.pth\b|\.safetensors\b", re.IGNORECASE)


def empty_cells(report: ReportText) -> Iterator[Found]:
    """Cells of a table, and names before "=" or ":", that have no value."""
    for table in (block for block in report.blocks if isinstance(block, Table)):
        yield from _of_table(table)
    for line, text in report.output:
        for match in _EMPTY_VALUE.finditer(text):
            label = match["label"].strip()
            if (describe(label).metrics or re.search(r"依据|结论|数值|路径|结果", label)) and "|" not in text:
                yield Found("empty-cell", ((line, match[0].strip()),), "certain", {"label": label})
                break


def _of_table(table: Table) -> Iterator[Found]:
    width = max([len(table.header), *(len(row.cells) for row in table.rows)], default=0)
    columns = range(1, width)
    filled = {at: sum(bool(at < len(row.cells) and row.cells[at].strip()) for row in table.rows) for at in columns}
    for row in table.rows:
        label = row.cells[0].strip() if row.cells else ""
        cells = [row.cells[at].strip() if at < len(row.cells) else "" for at in columns]
        if not label or not cells or (width > 2 and not any(cells)):
            continue  # a row that is a heading of its own
        for at, cell in zip(columns, cells, strict=True):
            head = table.header[at] if at < len(table.header) else ""
            if cell or _NOTES.search(head) or (width > 2 and 2 * filled[at] <= len(table.rows)):
                continue
            where = f"{label} / {head}" if width > 2 else label
            yield Found("empty-cell", ((row.line, where),), "certain", {"label": where})


def placeholders(report: ReportText) -> Iterator[Found]:
    """What a template or an author meant to fill in and did not. One for each line."""
    for line, text in report.prose:
        clean = re.sub(r"`[^`]*`", lambda m: m[0] if re.fullmatch(r"`\$\w+`", m[0]) else " " * len(m[0]), text)
        match = _PLACEHOLDER.search(clean)
        if match and not re.search(r"export |环境变量|\bPATH\b|f-string|占位(?:图|实现)|format string", text):
            yield Found("placeholder", ((line, " ".join(text.split())[:70]),), "certain", {"given": match[0]})


def commands(report: ReportText) -> Iterator[Found]:
    """Sections on installing or running without a word in them; a report without any command at all."""
    empty = [*_empty_sections(report)]
    for heading in empty:
        yield Found("command-missing", ((heading.line, heading.text),), "certain", {"heading": heading.text})
    if empty or not is_adaptation(report):
        return
    if _COMMAND.search(report.everything) or any(
        isinstance(block, Code) and block.language in ("bash", "sh", "shell", "console", "python", "py")
        for block in report.blocks
    ):
        return
    line, text = next(report.search(_RUNS), next(iter(report.prose), (1, "")))
    yield Found("command-missing", ((line, text[:70]),), "likely", {"heading": ""})


def _empty_sections(report: ReportText) -> Iterator[Heading]:
    for at, block in enumerate(report.blocks):
        if not isinstance(block, Heading) or not _HEADING_OF_COMMANDS.search(block.text):
            continue
        following = report.blocks[at + 1] if at + 1 < len(report.blocks) else None
        if following is None or (isinstance(following, Heading) and following.level <= block.level):
            yield block


def sources(report: ReportText) -> Iterator[Found]:
    """Weights of which nobody says where they are from: no hub, no address, no ORG/NAME."""
    if not is_adaptation(report) or _SOURCE.search(report.everything):
        return
    if any(not _NO_HUB_ID.search(match[0]) for match in _HUB_ID.finditer(report.everything)):
        return
    line, text = next(report.search(_WEIGHTS), next(iter(report.prose), (1, "")))
    yield Found("weights-without-source", ((line, text[:70]),), "likely", {"given": text[:70]})
