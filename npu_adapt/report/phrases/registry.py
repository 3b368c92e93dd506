"""What is said of models on this disk: where they were looked for, what was fetched, verified, removed and why not."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

# What came of a place that was tried for a model: a folder, or a hub.
ATTEMPTS: dict[str, Phrase] = {
    "found": Phrase("found", "已找到"),
    "failed": Phrase("the download failed", "下载失败"),
    "not-there": Phrase("not there", "不存在"),
    "other-revision": Phrase("not there; these revisions are: {revisions}", "不存在；存在的版本：{revisions}"),
    "unreadable": Phrase("{file} cannot be read: {error}", "无法读取 {file}：{error}"),
    "no-config": Phrase("no config.json", "没有 config.json"),
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
    "gguf": Phrase("only GGUF weights: {file}", "只有 GGUF 权重：{file}"),
    "tensorflow": Phrase("only TensorFlow or Flax weights: {file}", "只有 TensorFlow 或 Flax 权重：{file}"),
    "no-weights": Phrase("no weights", "没有权重"),
    "cut-short": Phrase("{file} is cut short, or no safetensors file", "{file} 不完整，或不是 safetensors 文件"),
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
STATES: dict[str, Phrase] = {
    "state-ready": Phrase("ready", "就绪"),
    "state-changed": Phrase("changed", "已更改"),
    "state-unfinished": Phrase("unfinished", "未完成"),
    "state-gone": Phrase("gone", "已不存在"),
    "state-unreadable": Phrase("unreadable", "无法读取"),
    "against-hub": Phrase("hub", "Hub"),
    "against-mirror": Phrase("mirror", "镜像站"),
    "against-listing": Phrase("cache", "缓存"),
    "against-package": Phrase("package", "软件包"),
    "against-nothing": Phrase("hashed only", "仅计算哈希"),
    "check-same": Phrase("same", "一致"),
    "check-differs": Phrase("differs", "不一致"),
    "check-missing": Phrase("missing", "缺失"),
    "check-unreadable": Phrase("unreadable", "无法读取"),
    "check-pointer": Phrase("Git LFS pointer", "Git LFS 指针文件"),
}
LINES: dict[str, Phrase] = {
    "empty": Phrase(
        "No model is registered. npu-adapt fetch MODEL brings one.", "没有已登记的模型。用 npu-adapt fetch MODEL 获取。"
    ),
    "column-model": Phrase("Model", "模型"),
    "column-source": Phrase("Source", "来源"),
    "column-revision": Phrase("Revision", "版本"),
    "column-size": Phrase("Size", "大小"),
    "column-verified": Phrase("Verified", "校验"),
    "column-used": Phrase("Last used", "最近使用"),
    "column-file": Phrase("File", "文件"),
    "column-outcome": Phrase("Outcome", "结果"),
    "column-expected": Phrase("Expected sha256", "预期 sha256"),
    "column-found": Phrase("Found", "实际"),
    "none": Phrase("none", "无"),
    "source-directory": Phrase("directory", "目录"),
    "source-builtin": Phrase("builtin", "内置"),
    "unfinished": Phrase("unfinished, {missing:count} files missing", "未完成，缺少 {missing:count} 个文件"),
    "not-same": Phrase(
        "{wrong:count} of {files:count} files are not what they were",
        "{files:count} 个文件中有 {wrong:count} 个与登记时不同",
    ),
    "same": Phrase(
        "{files:count} files the same, {hub:count} of them as the hub lists them",
        "{files:count} 个文件一致，其中 {hub:count} 个与 Hub 列出的一致",
    ),
    "same-mirror": Phrase(
        "{files:count} files the same, {hub:count} of them as the hub lists them, {mirror:count} as a mirror does",
        "{files:count} 个文件一致，其中 {hub:count} 个与 Hub 列出的一致，{mirror:count} 个与镜像站列出的一致",
    ),
    "hashed": Phrase("{bytes:size} hashed in {seconds:number} s", "在 {seconds:number} 秒内校验了 {bytes:size}"),
    "forgotten": Phrase("forgotten, files kept ({why})", "已从登记中移除，文件保留（{why}）"),
    "freed": Phrase("freed {bytes:size}", "释放 {bytes:size}"),
    "will-free": Phrase("{bytes:size} go with:", "将删除以下内容，共 {bytes:size}："),
    "will-keep": Phrase("is forgotten, its files stay ({why})", "将从登记中移除，文件保留（{why}）"),
    "remove": Phrase("Remove {model}?", "移除 {model}？"),
    "downloaded": Phrase("downloaded", "已下载"),
    "would-download": Phrase("would be downloaded", "将下载"),
    "on-disk": Phrase("on this disk", "已在本地"),
    "verified": Phrase("verified against {what}", "依据{what}校验"),
    "what-hub": Phrase("hub", " Hub "),
    "what-mirror": Phrase("mirror", "镜像站"),
    "what-listing": Phrase("cache", "缓存"),
    "what-package": Phrase("package", "软件包"),
    "hashed-only": Phrase("hashed only", "仅计算哈希"),
    "no-revision": Phrase("no revision", "无版本"),
    "sum": Phrase(
        "{bytes:size} in {files:count} files, {downloaded:size} {done}",
        "{files:count} 个文件，共 {bytes:size}，{done} {downloaded:size}",
    ),
}
PHRASES: dict[str, Phrase] = {
    **{f"attempt-{key}": phrase for key, phrase in ATTEMPTS.items()},
    **{f"kept-{key}": phrase for key, phrase in KEPT.items()},
    **{f"registry-{key}": phrase for key, phrase in (STATES | LINES).items()},
    **VERIFIED,
}
