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
    "{name} does not tell how many tokens a sound takes": "{name} 没有说明一段声音占多少个 token",
    "write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR": (
        "请编写准备其输入的适配文件：npu-adapt compare FILE.py --weights DIR"
    ),
    "{name} takes no text, picture or sound": "{name} 不接受文本、图片或声音",
    "leave --input out, or write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR": (
        "请去掉 --input，或编写准备其输入的适配文件：npu-adapt compare FILE.py --weights DIR"
    ),
    "{folder} is not a folder of frames": "{folder} 不是存放视频帧的文件夹",
    "give a folder that holds the video's frames as pictures, in order of name": (
        "请给出一个文件夹，其中按文件名顺序存放视频的各帧图片"
    ),
    "{path} cannot be read as numbers: {said}": "{path} 无法按数字读取：{said}",
    "give a file with {channels} numbers a line, separated by commas or blanks": (
        "请给出每行 {channels} 个数字的文件，用逗号或空格分隔"
    ),
    "{path} has {rows} lines of {columns} numbers; the model reads {points} of {channels}": (
        "{path} 有 {rows} 行，每行 {columns} 个数字；模型读取 {points} 行，每行 {channels} 个"
    ),
    "give as many points and columns as the model reads": "请给出与模型读取的行数和列数相同的数据",
    "the forward of {name} needs {missing}, which the task {task} does not prepare": (
        "{name} 的前向需要 {missing}，任务 {task} 不会准备它"
    ),
    "one text alone has nothing to be compared with": "只有一段文本，没有可以比较的对象",
    "give --input more than once: first the query, then its passages": "请多次给出 --input：先是查询，然后是各段文本",
    "write an adapter for the whole pipeline: npu-adapt compare FILE.py --weights DIR; "
    "--task feature-extraction compares its transformer alone": (
        "请为整个流水线编写适配文件：npu-adapt compare FILE.py --weights DIR；"
        "--task feature-extraction 只比较其中的 transformer"
    ),
    "{file} is not a list of modules": "{file} 不是模块列表",
    "{file} chains modules that are not applied here: {kinds}": "{file} 串联了此处不会执行的模块：{kinds}",
    "the pooling {mode!r} of {path} is not applied here": "{path} 的池化方式 {mode!r} 在此处不会执行",
    "the pipeline of a ModelScope library": "ModelScope 库的流水线",
    "write an adapter that builds its model: npu-adapt compare FILE.py --weights DIR": (
        "请编写构建其模型的适配文件：npu-adapt compare FILE.py --weights DIR"
    ),
}
