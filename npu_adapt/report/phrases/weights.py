"""What is said of weights: what was undone to prove them, what was left out, and what keeps one from trusting them."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

_TEXT = Phrase("{text}", "{text}")  # a sentence of schema 1

CONVERSIONS: dict[str, Phrase] = {
    "text": _TEXT,
    "cast": Phrase("cast {from} to {to} ({tensors:count} tensors)", "{from} 转换为 {to}（{tensors:count} 个张量）"),
    "renamed": Phrase(
        "renamed by transformers' table ({tensors:count} tensors)",
        "按 transformers 的对照表改名（{tensors:count} 个张量）",
    ),
    "fused": Phrase(
        "fused or split by transformers' table: {sources:count} to {targets:count} ({tensors:count} tensors)",
        "按 transformers 的对照表合并或拆分：{sources:count} 变 {targets:count}（{tensors:count} 个张量）",
    ),
    "unwrapped": Phrase(
        "names without their wrapper's {prefixes} ({tensors:count} tensors)",
        "去掉包装器的名称前缀 {prefixes}（{tensors:count} 个张量）",
    ),
    "prefix-removed": Phrase(
        "names in the file without their {prefix} ({tensors:count} tensors)",
        "去掉文件中名称的前缀 {prefix}（{tensors:count} 个张量）",
    ),
    "prefix-added": Phrase(
        "the model's names without their {prefix} ({tensors:count} tensors)",
        "去掉模型中名称的前缀 {prefix}（{tensors:count} 个张量）",
    ),
    "nested": Phrase("taken from {key} in the file", "取自文件中的 {key}"),
    "computed": Phrase("{name} computed by the model's own code", "{name} 由模型代码计算得出"),
    "tied": Phrase("{name} tied to {other}", "{name} 与 {other} 共享"),
}
LEFT_OUT: dict[str, Phrase] = {
    "text": _TEXT,
    "part": Phrase("{name} (not in the checkpoint)", "{name}（权重文件中没有）"),
}
DOUBTS: dict[str, Phrase] = {
    "text": _TEXT,
    "untrained": Phrase(
        "looks untrained: all {norms:count} norms are as initialised",
        "疑似未经训练：全部 {norms:count} 个归一化层仍为初始值",
    ),
    "layers-unused": Phrase(
        "the checkpoint has layers that the configuration does not build: {layers} ({tensors:count} tensors)",
        "权重文件中有配置未构建的层：{layers}（{tensors:count} 个张量）",
    ),
    "attached-unused": Phrase(
        "tensors beside used weights are not read: {names}", "与所用权重并列的张量未被读取：{names}"
    ),
    "adapter-unused": Phrase(
        "the folder holds an adapter that is not applied: {files}", "目录中有未应用的适配器（adapter）：{files}"
    ),
    "float8": Phrase(
        "{tensors:count} weights are stored in 8 bits; without a scale beside them they are taken as they are",
        "{tensors:count} 个权重以 8 位存储；旁边没有缩放因子，按原值使用",
    ),
    "field-dropped": Phrase(
        "config.json says {field} = {file}; this transformers loaded {loaded}",
        "config.json 中 {field} = {file}，而当前 transformers 读取为 {loaded}",
    ),
    "field-unread": Phrase(
        "config.json says {field} = {file}, which nothing reads; the model reads {near}, left at {loaded}",
        "config.json 中 {field} = {file} 未被读取；模型读取的是 {near}，保持默认值 {loaded}",
    ),
    "overruled": Phrase(
        "the checkpoint's own {name} is not used: the configuration ties it to {other}, and their values differ",
        "未使用权重文件中的 {name}：配置要求它与 {other} 共享，而两者的值不同",
    ),
}
PHRASES: dict[str, Phrase] = {
    "verified-package": Phrase("the checksum that npu-adapt ships", "npu-adapt 自带的校验值"),
    **{f"conversion-{key}": phrase for key, phrase in CONVERSIONS.items()},
    **{f"left-out-{key}": phrase for key, phrase in LEFT_OUT.items()},
    **{f"doubt-{key}": phrase for key, phrase in DOUBTS.items()},
}
