"""What `fetch` and `models` say: where models were looked for, what was fetched, verified, removed and why not."""

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
    "word-mirror": Phrase("mirror", "镜像站"),
    "word-listing": Phrase("cache", "缓存"),
    "word-package": Phrase("package", "软件包"),
    "word-directory": Phrase("directory", "目录"),
    "word-builtin": Phrase("builtin", "内置"),
    "word-pointer": Phrase("Git LFS pointer", "Git LFS 指针文件"),
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
    "check-same-mirror": Phrase(
        "{number} files the same, {hub} of them as the hub lists them, {mirror} as a mirror does",
        "{number} 个文件相同，其中 {hub} 个与 Hub 公布的一致，{mirror} 个与镜像站列出的一致",
    ),
    "check-hashed": Phrase("{size} hashed in {seconds} s", "已计算 {size} 的哈希，用时 {seconds} s"),
    "removed-kept": Phrase("forgotten, files kept ({why})", "已取消登记，文件保留（{why}）"),
    "removed-freed": Phrase("freed {size}", "释放 {size}"),
    "will-keep": Phrase("is forgotten, its files stay ({why})", "将取消登记，文件保留（{why}）"),
    "will-free": Phrase("{size} go with:", "将删除以下内容，共 {size}："),
    "remove-question": Phrase("Remove {model}?", "移除 {model}？"),
    "nothing-removed": Phrase("nothing was removed", "没有移除任何内容"),
    "fetched-would": Phrase("would be downloaded", "将下载"),
    "fetched-downloaded": Phrase("downloaded", "已下载"),
    "fetched-here": Phrase("on this disk", "本地已有"),
    "fetched-against": Phrase("verified against {what}", "校验依据：{what}"),
    "fetched-no-revision": Phrase("no revision", "无版本号"),
    "fetched-sum": Phrase("{size} in {number} files, {part} {done}", "共 {number} 个文件，{size}；{done} {part}"),
}

# What came of a place that was tried for a model: a folder, or a hub.
ATTEMPTS: dict[str, Phrase] = {
    "found": Phrase("found", "已找到"),
    "failed": Phrase("the download failed", "下载失败"),
    "not-there": Phrase("not there", "不存在"),
    "other-revision": Phrase("not there; these revisions are: {revisions}", "不存在；存在的版本：{revisions}"),
    "unreadable": Phrase("{file} cannot be read: {error}", "无法读取 {file}：{error}"),
    "no-config": Phrase("no config.json", "没有 config.json"),
    "adapter": Phrase(
        "an adapter (LoRA), which is no model by itself: {file}", "适配器（LoRA），本身不是完整模型：{file}"
    ),
    "pipeline": Phrase("a pipeline of several models: {file}", "由多个模型组成的流水线：{file}"),
    "modelscope": Phrase("the pipeline of a ModelScope library: {file}", "ModelScope 库的流水线：{file}"),
    "sentence-transformers": Phrase(
        "a pipeline of sentence-transformers: {file}", "sentence-transformers 的流水线：{file}"
    ),
    "config-damaged": Phrase("config.json is damaged: {error}", "config.json 已损坏：{error}"),
    "index-damaged": Phrase("{file} is damaged: {error}", "{file} 已损坏：{error}"),
    "lfs-pointer": Phrase(
        "{file} is a Git LFS pointer, not the file itself", "{file} 是 Git LFS 指针文件，而不是文件本身"
    ),
    "pickled": Phrase("only pickled weights, which --allow-pickle would read", "只有 pickle 权重，需要 --allow-pickle"),
    "own-format": Phrase("only weights in the publisher's own format: {file}", "只有发布者自有格式的权重：{file}"),
    "checkpoint": Phrase(
        "only weights that transformers does not read: {file}", "只有 transformers 不能读取的权重：{file}"
    ),
    "gguf": Phrase("one of several GGUF files: {file}", "若干 GGUF 文件之一：{file}"),
    "tensorflow": Phrase("only TensorFlow or Flax weights: {file}", "只有 TensorFlow 或 Flax 权重：{file}"),
    "no-weights": Phrase("no weights", "没有权重"),
    "cut-short": Phrase("{file} is cut short, or no safetensors file", "{file} 不完整，或不是 safetensors 文件"),
    "unwritten": Phrase("more than half of {file} was never written", "{file} 有一半以上从未写入"),
    "shards-missing": Phrase(
        "{missing:count} of {shards:count} shards are missing, {file} first",
        "{shards:count} 个分片缺少 {missing:count} 个，第一个是 {file}",
    ),
    "unfinished": Phrase(
        "the download is unfinished: {missing:count} files are missing, {file} first",
        "下载未完成：缺少 {missing:count} 个文件，第一个是 {file}",
    ),
    "no-model": Phrase("the model is not there, or is private", "没有该模型，或模型未公开"),
    "no-revision": Phrase("there is no revision {revision}", "没有版本 {revision}"),
    "gated": Phrase("this user has no access to the model", "当前用户无权访问该模型"),
    "status": Phrase("the server answers {status}", "服务器返回 {status}"),
    "no-listing": Phrase("the server answers with no listing", "服务器返回的不是文件列表"),
    "no-answer": Phrase("the server {host} does not answer", "服务器 {host} 没有响应"),
    "unreachable": Phrase("the server {host} cannot be reached ({error})", "无法连接服务器 {host}（{error}）"),
    "timeout": Phrase(
        "the server did not answer within {seconds:number} s", "服务器在 {seconds:number} 秒内没有完成响应"
    ),
    "cut": Phrase("the connection to {host} was cut", "与 {host} 的连接中断"),
    "encoding": Phrase("{host} names an encoding of its answer that is another", "{host} 声明的内容编码与实际不符"),
    "too-long": Phrase("{host} sends a listing without end", "{host} 返回的列表没有尽头"),
    "redirections": Phrase("{host} redirects in a circle, or to no address", "{host} 的重定向循环或指向无效地址"),
    "address": Phrase("{variable} is not the address of a server", "{variable} 不是服务器地址"),
    "proxy": Phrase("the proxy {proxy} cannot be used", "代理 {proxy} 无法使用"),
    "no-commit": Phrase("the listing names no commit", "列表中没有提交号"),
    "no-hash": Phrase("{file} is listed without a valid hash", "列表中 {file} 没有有效的校验值"),
    "absurd-size": Phrase("{file} is listed with a size that no file has", "列表中 {file} 的大小不可能存在"),
    "unsafe-name": Phrase(
        "a file is listed under a name that leaves the cache: {file}", "列表中的文件名会越出缓存目录：{file}"
    ),
}
KEPT: dict[str, Phrase] = {
    "directory": Phrase(
        "the folder is not in a hub's cache: it is its owner's to delete", "该目录不在 Hub 缓存中，由其所有者删除"
    ),
    "builtin": Phrase("it is a part of npu-adapt", "它是 npu-adapt 的一部分"),
    "outside-cache": Phrase(
        "the path is not this model's in the hub's cache, or a link leads there; delete it by hand if it should go",
        "该路径不是 Hub 缓存中此模型的目录，或经由链接到达；如需删除请手动处理",
    ),
}
VERIFIED: dict[str, Phrase] = {
    "verified-mirror": Phrase("the checksum that a mirror lists", "镜像站列出的校验值"),
    "verified-listing": Phrase(
        "the checksum in the hub's cache; who gave it is not recorded", "Hub 缓存中的校验值（来源未记录）"
    ),
    "mirror-only": Phrase(
        "From a mirror: {files}. Their bytes were compared with the checksums of {endpoint}, not of the hub itself.",
        "来自镜像站：{files}。其内容只与 {endpoint} 列出的校验值比对过，该地址不是 Hub 官方地址。",
    ),
    "item-endpoint": Phrase("Asked at", "下载站点"),
}
PHRASES: dict[str, Phrase] = {
    **{f"column-{key}": phrase for key, phrase in COLUMNS.items()},
    **{f"attempt-{key}": phrase for key, phrase in ATTEMPTS.items()},
    **{f"kept-{key}": phrase for key, phrase in KEPT.items()},
    **VERIFIED,
    **WORDS,
    **SENTENCES,
}
