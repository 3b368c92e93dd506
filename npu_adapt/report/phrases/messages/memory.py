"""Messages on the memory that a run may take, in Chinese."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "--max-memory reads weights from their files as eager forwards come to them, which --mode compile and --mode graph "
    "do not allow": "--max-memory 在 eager 前向用到权重时从文件读取，--mode compile 和 --mode graph 做不到",
    "--max-memory means nothing for a module that is in memory already": "--max-memory 对已在内存中的模块没有意义",
    "leave it out, or name a checkpoint": "请去掉它，或指定一个权重目录",
    "{option} {size} is less than any model takes": "{option} {size} 少于任何模型所需",
    "give at least {option} {least}MiB": "请至少给出 {option} {least}MiB",
    "the loaded model takes more memory than {option} allows": "加载后的模型占用的内存超过 {option} 允许的大小",
    "give {option} more, and leave --dtype out: weights in their own type can stay in their files": (
        "请增大 {option}，并去掉 --dtype：保持原有类型的权重可以留在文件中"
    ),
}
