"""Messages on quantised checkpoints, in Chinese."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "this transformers and compressed-tensors do not read {path} as it was written; try other versions of them": (
        "当前 transformers 与 compressed-tensors 不能按原样读取 {path}；请换用其他版本"
    ),
    "{path} is quantised ({method}), and its configuration describes no weight of the files: {names}": (
        "{path} 是量化模型（{method}），但配置没有描述文件中的任何权重：{names}"
    ),
    "take a checkpoint that was saved compressed, or the one in float16 or bfloat16 it was made from": (
        "请使用以压缩形式保存的检查点，或量化之前的 float16、bfloat16 检查点"
    ),
    "transformers runs {method} with {needed}, which npu-adapt does not judge; take the checkpoint in float32, "
    "float16 or bfloat16 that it was made from": (
        "transformers 运行 {method} 需要 {needed}，npu-adapt 不判定这种格式；"
        "请使用量化之前的 float32、float16 或 bfloat16 检查点"
    ),
    "{path}: the scales of {name} are not one for each block of {block} of its {shape}": (
        "{path}：{name}（{shape}）的缩放因子不是每个 {block} 块一个"
    ),
    "{path} holds quantised weights without their scales: {names}": "{path} 中的量化权重缺少缩放因子：{names}",
    "{path} is quantised ({method}), and {package} is not installed": (
        "{path} 是量化模型（{method}），但未安装 {package}"
    ),
    "pip install 'npu-adapt[quantised]'": "请运行 pip install 'npu-adapt[quantised]'",
    "{path} is quantised ({method}), which needs transformers {oldest}, not {version}": (
        "{path} 是量化模型（{method}），需要 transformers {oldest}，而不是 {version}"
    ),
    "--original belongs to a quantised model, and this one is not quantised": (
        "--original 只用于量化模型，而该模型没有量化"
    ),
    "leave --original out": "请去掉 --original",
    "{original} is not what {model} was made from": "{model} 不是由 {original} 量化得到的",
    "name the checkpoint before quantisation: the same architecture, sizes and task": (
        "请指定量化之前的检查点：架构、尺寸与任务都相同"
    ),
    "upgrade transformers": "请升级 transformers",
}
