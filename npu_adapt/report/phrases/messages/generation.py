"""Messages on what both sides write, in Chinese."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "--fast measures no noise floor, and without one a token that differs cannot be judged": (
        "--fast 不测量噪声底，没有噪声底就无法判定不同的 token"
    ),
    "leave --fast or --generate out": "请去掉 --fast 或 --generate",
    "the model wrote no token": "模型没有写出任何 token",
    "the logits of what was written have the shape {found} and not {expected}": (
        "生成内容的 logits 形状为 {found}，而不是 {expected}"
    ),
    "the model's generate does not write token by token; compare without --generate": (
        "该模型的 generate 不是逐个 token 生成；请不带 --generate 对比"
    ),
    "{model} cannot generate: {architecture} writes no tokens": "{model} 不能生成：{architecture} 不写出 token",
    "leave --generate out, or name a model that writes: a language model, a translator, a transcriber": (
        "请去掉 --generate，或指定能生成的模型：语言模型、翻译模型、语音转写模型"
    ),
    "the prompt gives no tokens": "提示词没有产生任何 token",
    "the prompt has {read} tokens and --generate asks for {count} more; the model has {limit} positions": (
        "提示词有 {read} 个 token，--generate 还要求 {count} 个；模型只有 {limit} 个位置"
    ),
    "give a shorter --input": "请提供更短的 --input",
    "the chat template of {file} cannot write a prompt": "{file} 的对话模板无法写出提示词",
    "fetch the model again, or leave --generate out": "请重新获取模型，或去掉 --generate",
}
