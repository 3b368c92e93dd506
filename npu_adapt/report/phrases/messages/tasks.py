"""Tasks: their inputs, and what a checkpoint lacks for them."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "{path} names no token that its decoder starts with": "{path} 没有说明解码器的起始 token",
    "set decoder_start_token_id in config.json, as the checkpoint's authors have it": (
        "请按检查点作者的设置，在 config.json 中写明 decoder_start_token_id"
    ),
    "the input {text!r} is not a question and a passage": "输入 {text!r} 不是一个问题加一段文字",
    'give both in one text, the question first: --input "Who came? Ann came at noon."': (
        '请在同一文本中先写问题再写文字：--input "Who came? Ann came at noon."'
    ),
    "{name} does not tell how many tokens a picture takes": "{name} 没有说明一张图片占多少个 token",
    "write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR": (
        "请编写准备其输入的适配文件：npu-adapt compare FILE.py --weights DIR"
    ),
}
