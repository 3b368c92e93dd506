"""What `fetch` and `models` say."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

COLUMNS: dict[str, Phrase] = {
    "source": Phrase("Source", "来源"),
    "revision": Phrase("Revision", "版本"),
    "last-used": Phrase("Last used", "最近使用"),
    "verified-short": Phrase("Verified", "校验"),
    "expected": Phrase("Expected sha256", "期望的 sha256"),
    "found-sha256": Phrase("Found", "实际"),
}

WORDS: dict[str, Phrase] = {
    "word-hub": Phrase("hub", "Hub"),
    "word-registry": Phrase("registry", "注册表"),
    "word-nothing": Phrase("hashed only", "仅计算了哈希"),
    "word-changed": Phrase("changed", "已改变"),
    "word-unfinished": Phrase("unfinished", "未下载完"),
    "word-gone": Phrase("gone", "已不存在"),
    "word-same": Phrase("same", "相同"),
    "word-differs": Phrase("differs", "不同"),
    "word-missing": Phrase("missing", "缺失"),
    "word-unreadable": Phrase("unreadable", "无法读取"),
}

SENTENCES: dict[str, Phrase] = {
    "registry-empty": Phrase(
        "No model is registered. npu-adapt fetch MODEL brings one.",
        "还没有登记任何模型。npu-adapt fetch MODEL 可下载。",
    ),
    "registry-more": Phrase("and {number} more: --details", "另有 {number} 个：--details"),
    "registry-sum": Phrase("{number} models, {size}", "共 {number} 个模型，{size}"),
    "check-missing": Phrase("unfinished, {number} files missing", "未下载完，缺少 {number} 个文件"),
    "check-differs": Phrase(
        "{number} of {all} files are not what they were", "{all} 个文件中有 {number} 个与登记时不同"
    ),
    "check-same": Phrase(
        "{number} files the same, {hub} of them as the hub lists them",
        "{number} 个文件相同，其中 {hub} 个与 Hub 公布的一致",
    ),
    "check-hashed": Phrase("{size} hashed in {seconds} s", "已计算 {size} 的哈希，用时 {seconds} s"),
    "removed-kept": Phrase("forgotten, files kept ({why})", "已取消登记，文件保留（{why}）"),
    "removed-freed": Phrase("freed {size}", "释放 {size}"),
    "fetched-would": Phrase("would be downloaded", "将下载"),
    "fetched-downloaded": Phrase("downloaded", "已下载"),
    "fetched-here": Phrase("on this disk", "本地已有"),
    "fetched-against": Phrase("verified against {what}", "校验依据：{what}"),
    "fetched-no-revision": Phrase("no revision", "无版本号"),
    "fetched-sum": Phrase("{size} in {number} files, {part} {done}", "共 {number} 个文件，{size}；{done} {part}"),
}

PHRASES: dict[str, Phrase] = {
    **{f"column-{key}": phrase for key, phrase in COLUMNS.items()},
    **WORDS,
    **SENTENCES,
}
