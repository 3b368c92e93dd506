"""Where inputs are from."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "file {name} sha256:{sha256}": "文件 {name} sha256:{sha256}",
    "file {name}, the last {points} points": "文件 {name} 的最后 {points} 个点",
    "{count} of {files} frames in {folder}, first {origin}": "{folder} 中 {files} 帧里的 {count} 帧，首帧：{origin}",
    "text given with --input": "--input 给出的文本",
    "prompt given with --input": "--input 给出的提示词",
    "default prompt": "默认提示词",
    "candidate texts {texts}": "候选文本 {texts}",
    "candidate texts {texts} (default)": "候选文本 {texts}（默认）",
    "default sentence {number}": "第 {number} 条默认句子",
    "default question {number}": "第 {number} 个默认问题",
    "default query {number}": "第 {number} 个默认查询",
    "generated picture, 1/f spectrum, seed {seed}": "生成的图片，1/f 频谱，种子 {seed}",
    "generated sound, {seconds:g} s at {rate} Hz, seed {seed}": "生成的声音，{seconds:g} 秒，{rate} Hz，种子 {seed}",
    "generated series of {points} points, seed {seed}": "生成的 {points} 点序列，种子 {seed}",
    "made to complete the input": "为补全输入而构造",
    "seed of the noise that the forward draws on the CPU": "前向在 CPU 上抽取的噪声的种子",
    "the token that the text starts with": "文本的起始词元",
    "{origin}, {range} scaled to 8 bits": "{origin}，由 {range}缩放到 8 位",
    "16 bits": "16 位",
    "0 to 1": "0 到 1 ",
    "{low:g} to {high:g}": "{low:g} 到 {high:g} ",
    "{origin}, resampled from {found} to {rate} Hz": "{origin}，从 {found} Hz 重采样到 {rate} Hz",
    "{origin}, moved {shift} pixels a frame, {count} frames": "{origin}，每帧移动 {shift} 像素，共 {count} 帧",
    "{origin}, and itself {moved} pixels further right": "{origin}，以及它右移 {moved} 像素后的图片",
    "{origin}, its middle pointed at": "{origin}，指向其中心",
    "{origin}, set on a page": "{origin}，排在一页上",
    "{origin}, by the chat template": "{origin}，经对话模板",
    "the processor's own prompt": "处理器自带的提示词",
    "{origin}, token {number} ({label}) masked": "{origin}，遮住第 {number} 个词元（{label}）",
    "{origin}, cut to the {limit} tokens that the model reads, of {whole}": (
        "{origin}，从 {whole} 个词元截到模型可读的 {limit} 个"
    ),
}
