"""Messages and hints of adapters and their weights."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "{file} leaves {count} weights sparse: {names}": "{file} 留下了 {count} 个稀疏权重：{names}",
    "make them dense in model(weights), with to_dense()": "请在 model(weights) 中用 to_dense() 转成稠密张量",
    "return a module that can be run without gradients": "请返回可以不带梯度运行的模块",
    "an argument's name is {name!r}, no text": "参数名是 {name!r}，不是文本",
    "inputs(values) returns the arguments of one forward: a tensor, a tuple, or a dict of named arguments": (
        "inputs(values) 返回一次前向的参数：张量、元组，或按名称的参数字典"
    ),
    "the adapter {file} is {what}": "适配文件 {file} {what}",
    "no regular file": "不是普通文件",
    "not there": "不存在",
    "an adapter is a Python file on this disk: FILE.py[:NAME]": "适配文件是本机磁盘上的 Python 文件：FILE.py[:NAME]",
    "{model!r}: {name!r} is no name of Python": "{model!r}：{name!r} 不是合法的 Python 名称",
    "{file}:NAME means the function model_NAME of the file": "{file}:NAME 表示文件中的函数 model_NAME",
    "the adapter {file} cannot be read: {reason}": "无法读取适配文件 {file}：{reason}",
    "an adapter is short; keep the model's own code in modules that it imports": (
        "适配文件应当简短；请把模型自身的代码放在它所导入的模块中"
    ),
    "{file} cannot be imported": "无法导入 {file}",
    "this is the file's own error, in its own words": "这是该文件自身的错误，以上为原文",
    "{file} fails in model(weights)": "{file} 的 model(weights) 出错",
    "{file} fails in inputs(values)": "{file} 的 inputs(values) 出错",
    "it calls sys.exit({code})": "它调用了 sys.exit({code})",
    " (line {number}: {line})": "（第 {number} 行：{line}）",
    "model(weights) builds the module on the CPU; npu-adapt moves it to --device": (
        "model(weights) 应在 CPU 上构建模块；由 npu-adapt 移到 --device 指定的设备"
    ),
    "without --weights FILE_OR_DIR, model(weights) gets None": (
        "没有 --weights FILE_OR_DIR 时，model(weights) 得到的是 None"
    ),
    "values are the texts behind --input, in a list; an empty one without": (
        "values 是各个 --input 之后的文本组成的列表；没有 --input 时为空列表"
    ),
    "{file}: model(weights) returns {type}, not a torch.nn.Module": (
        "{file}：model(weights) 返回的是 {type}，而不是 torch.nn.Module"
    ),
    "return the module itself, built and with its weights loaded": "请返回已构建并加载好权重的模块本身",
    "{file} has no inputs(values), and there is no --input": "{file} 没有 inputs(values)，也没有给出 --input",
    "give a safetensors file of tensors by the names of the forward's arguments, or write inputs(values)": (
        "请给出以前向参数名命名张量的 safetensors 文件，或编写 inputs(values)"
    ),
    "--input {value} is no safetensors file: {error}": "--input {value} 不是 safetensors 文件：{error}",
    "{file} has no function {function}(weights)": "{file} 中没有函数 {function}(weights)",
    "write def {function}(weights), which returns the module": "请编写返回模块的 def {function}(weights)",
    "it has {names}: name one, as {example}": "文件中有 {names}：请指明一个，例如 {example}",
    "{file} is no file of weights that is read: {known} are": "{file} 不是可读取的权重文件；可读取的有 {known}",
    "save the state_dict() with safetensors.torch.save_file": "请用 safetensors.torch.save_file 保存 state_dict()",
    "{folder} holds no weights": "{folder} 中没有权重文件",
    "its folders do: {names}; name one of them": "它的子目录中有：{names}；请指明其中一个",
    "name the file of weights itself": "请直接指明权重文件",
    "{folder} holds several weights: {names}": "{folder} 中有多个权重文件：{names}",
    "name the file that is meant with --weights": "请用 --weights 指明所用的文件",
    "{file} holds no state of a model that could be told; its keys are: {keys}": (
        "无法判断 {file} 中哪一项是模型的权重；它的键为：{keys}"
    ),
    "save the model's own state: torch.save(model.state_dict(), FILE)": (
        "请保存模型自身的权重：torch.save(model.state_dict(), FILE)"
    ),
    "{origin} does not fit {module}: {misfits}": "{origin} 与 {module} 不匹配：{misfits}",
    "the state dict": "权重字典",
    "take the file that was made for this model": "请使用为该模型制作的文件",
    "{count} names are missing: {names}": "缺少 {count} 个名称：{names}",
    "{count} are not the model's: {names}": "{count} 个名称不属于该模型：{names}",
    "{count} have other shapes, in the file and in the model: {names}": (
        "{count} 个张量在文件和模型中的形状不同：{names}"
    ),
    "the file's names begin with {prefix!r}; load them without it, by name.removeprefix({prefix!r})": (
        "文件中的名称以 {prefix!r} 开头；请用 name.removeprefix({prefix!r}) 去掉后再加载"
    ),
    "the adapter": "适配文件",
    "model(weights) has to load what {path} holds, all of it and as it is: strict, nothing fused or changed, "
    "and no part that the file lacks": (
        "model(weights) 必须原样加载 {path} 中的全部内容：使用严格模式，不融合、不修改，也不含文件中没有的部分"
    ),
    "{file} leaves {count} weights on the meta device, without values: {names}": (
        "{file} 把 {count} 个权重留在 meta 设备上，没有数值：{names}"
    ),
    "load them with load_state_dict(weights, assign=True), or build the module on the CPU": (
        "请用 load_state_dict(weights, assign=True) 加载，或在 CPU 上构建模块"
    ),
    "the last model is the adapter {file}, and an adapter runs only where it is named": (
        "上次的模型是适配文件 {file}；适配文件只有被指明时才会运行"
    ),
    "name it again as MODEL, with its --weights": "请再次指明它作为 MODEL，并给出 --weights",
    "--weights belongs to an adapter": "--weights 只用于适配文件",
    "name an adapter, FILE.py, as MODEL": "请以适配文件 FILE.py 作为 MODEL",
    "--weights {path} is not there": "--weights {path} 不存在",
    "name a file of weights, or a folder that holds them": "请指明权重文件，或存放权重的目录",
    "{option} means nothing for an adapter": "{option} 对适配文件没有意义",
    "{file} decides it; leave the option out": "由 {file} 决定；请去掉该选项",
    "the inputs of two samples differ in more than their tensors": "两个样本的输入除张量之外还有不同",
    "give each sample the same arguments, by the same names": "请让每个样本使用相同名称的相同参数",
    "name a type: float32, float16 or bfloat16": "请指明类型：float32、float16 或 bfloat16",
    "the outputs are {names}, and those of the reference {expected}": "输出为 {names}，而参考端的输出为 {expected}",
    "the model takes another path on the device, or keeps something from one forward to the next": (
        "模型在设备上走了另一条路径，或在两次前向之间保留了状态"
    ),
    "the forward of {place} raised {type}: {said}{line}": "{place} 的前向抛出 {type}：{said}{line}",
    "the operator {operator} in the forward of {place} raised {type}: {said}{line}": (
        "{place} 的前向中的算子 {operator} 抛出 {type}：{said}{line}"
    ),
    "there is nothing to compare; the model's forward has to return its outputs as tensors, or an adapter's "
    "outputs(result) to pick them": (
        "没有可比较的内容；模型的前向必须以张量返回输出，或由适配文件的 outputs(result) 选出"
    ),
}
