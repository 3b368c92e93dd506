"""Commands: options, logs, summaries, baselines, saved outputs and processes."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "the process ended in this stage": "进程在该阶段结束",
    "a bundle needs a model that ran to its end": "生成提交包需要一次完整运行的模型",
    "run npu-adapt compare MODEL first, then report --bundle": "请先运行 npu-adapt compare MODEL，"
    "再运行 report --bundle",
    "a bundle needs a checkpoint, and this model was made in Python": "生成提交包需要权重文件，"
    "而该模型是在 Python 中构建的",
    "compare the checkpoint by its name or folder": "请按名称或目录对比该模型",
    "a bundle needs weights, and the adapter ran without --weights": (
        "生成提交包需要权重，而该适配文件运行时没有 --weights"
    ),
    "run it again with --weights FILE_OR_DIR, then report --bundle": (
        "请加上 --weights FILE_OR_DIR 重新运行，再运行 report --bundle"
    ),
    "no script is known for weights quantised as {method}: npu-adapt dequantises them itself": (
        "没有适用于 {method} 量化权重的脚本：由 npu-adapt 自行反量化"
    ),
    "no script is known for the inputs {names}, which were made from the model's documentation": (
        "没有适用于输入 {names} 的脚本：这些输入是根据模型文档生成的"
    ),
    "no script is known for {task} with the outputs {names}": "没有适用于任务 {task}、输出为 {names} 的脚本",
    "npu-adapt report --out report.md writes the report alone": "npu-adapt report --out report.md 只写报告",
    "{folder} is there already, and is no empty folder": "{folder} 已存在，且不是空目录",
    "--soak watches the operators of a device, which --fast and --rehearse do not": (
        "--soak 监视设备的算子，而 --fast 与 --rehearse 不监视"
    ),
    "{name} {text}: not a time": "{name} {text}：不是时长",
    "for example {name} 10m": "例如 {name} 10m",
    "--repro writes down operators that fail on a device, which --fast and --rehearse do not look for": (
        "--repro 写下在设备上出错的算子，而 --fast 与 --rehearse 不检查算子"
    ),
    "name a new folder with {option}, or remove that one": "请用 {option} 指定新目录，或删除该目录",
    "name another folder with {option}": "请用 {option} 指定其他目录",
    "a model by name takes paths and texts as inputs": "按名称指定的模型以路径和文本作为输入",
    "give the module itself for tensors": "要使用张量，请给出模块本身",
    "a model by name is compared with itself": "按名称指定的模型与自身比较",
    "leave reference out, or name a device": "去掉 reference，或指定一个设备",
    "a module or function takes inputs": "模块或函数需要 inputs",
    'for example inputs={"x": torch.ones(2, 4)}': '例如 inputs={"x": torch.ones(2, 4)}',
    "inputs are {type}": "inputs 的类型是 {type}",
    "give a tensor, a tuple of arguments, or a dict of named arguments": "请给出张量、参数元组或命名参数字典",
    "{type} is no module and no function": "{type} 既不是模块，也不是函数",
    "give a torch.nn.Module or a function": "请给出 torch.nn.Module 或函数",
    "the inputs hold no tensor": "inputs 中没有张量",
    "the module is in {dtype}, which no accelerator is examined in": "模块的类型是 {dtype}，加速器不以该类型检验",
    "{type} cannot be copied: {said}": "无法复制 {type}：{said}",
    "copy.deepcopy(module) must work: it is examined as a copy on each device": (
        "copy.deepcopy(module) 必须可用：每个设备检验的是一个副本"
    ),
    "{name} is a class": "{name} 是一个类",
    "give an instance of it": "请给出它的实例",
    "{part} is compiled already, by {how}: its operators cannot be watched": (
        "{part} 已由 {how} 编译：无法逐个观察其算子"
    ),
    "give the module that it was made from, in Python": "请给出生成它的 Python 模块",
    "give it as it was before: the mode compile judges it compiled": (
        "请给出编译之前的模块：compile 模式会判定编译后的结果"
    ),
    "the types of the options say what each takes": "各选项的类型说明了可接受的值",
    "perhaps {names}": "也许是 {names}",
    "npu-adapt explain knows no {asked!r}": "npu-adapt explain 没有 {asked!r} 的说明",
    "npu-adapt explain lists all that it knows": "npu-adapt explain 会列出全部条目",
    "npu-adapt COMMAND --help lists the options": "npu-adapt COMMAND --help 列出所有选项",
    "nobody answered whether to remove it": "没有人回答是否移除",
    "give --yes to remove without asking": "加 --yes 可不经询问直接移除",
    "interrupted": "已中断",
    "wrote {path}": "已写入 {path}",
    "error: ": "错误：",
    "next:  ": "建议：",
    "{text!r} is not a whole number above zero": "{text!r} 不是大于零的整数",
    "{text!r} is none of {choices}": "{text!r} 不在可选值中：{choices}",
    "{name} {text}: must be above 0 and below 100 %": "{name} {text}：必须大于 0 且小于 100 %",
    "for example {name} 1%": "例如 {name} 1%",
    "not a number": "不是数字",
    "must be above {gt:g}": "必须大于 {gt:g}",
    "must be {ge:g} or more": "必须不小于 {ge:g}",
    "must be at most {le:,}": "必须不大于 {le:,}",
    "give {name} another value; --help says what it means": "请为 {name} 换一个值；--help 说明其含义",
    "{name} {text}: not a number": "{name} {text}：不是数字",
    "separate several with commas, without spaces": "多个值用英文逗号分隔，不加空格",
    "{out} has no ending that names a form of report": "{out} 的扩展名不对应任何报告格式",
    "end it in one of {endings}": "请以下列扩展名之一结尾：{endings}",
    "{out} cannot be written: {reason}": "无法写入 {out}：{reason}",
    "name another file with --out": "用 --out 指定另一个文件",
    "the figures of {names} are of another {changed}; they are now in {place}": (
        "{names} 的数据对应的是另一个 {changed}；它们现在位于 {place}"
    ),
    "{name} ({before}, now {now})": "{name}（原为 {before}，现为 {now}）",
    " and ": " 和 ",
    "{path} is a link, and a file of that name is to be written": "{path} 是链接，而要写入同名文件",
    "{path} is a folder, and a file of that name is to be written": "{path} 是目录，而要写入同名文件",
    "{path} is no regular file, and a file of that name is to be written": "{path} 不是普通文件，而要写入同名文件",
    "name another with --logs DIR, or set NPU_ADAPT_LOGS": "用 --logs DIR 指定另一个目录，或设置 NPU_ADAPT_LOGS",
    "the logs folder {folder} cannot be written: {reason}": "无法写入日志目录 {folder}：{reason}",
    "the evidence cannot be written to {folder}: {filename} {reason}": "无法将证据写入 {folder}：{filename} {reason}",
    "make room on the disk or name another folder with --logs DIR, and run it again; the evidence of before is "
    "as it was": ("腾出磁盘空间，或用 --logs DIR 指定另一个目录，然后重新运行；之前的证据保持不变"),
    "make room on the disk, or name another folder with --logs DIR": "腾出磁盘空间，或用 --logs DIR 指定另一个目录",
    "{folder} cannot be written: {reason}": "无法写入 {folder}：{reason}",
    "{path} cannot be read: {reason}": "无法读取 {path}：{reason}",
    "run a command that writes it: npu-adapt compare MODEL": "运行会写入它的命令：npu-adapt compare MODEL",
    "{origin} was not written by npu-adapt": "{origin} 不是 npu-adapt 写入的",
    "name a summary.json of npu-adapt": "请指定 npu-adapt 的 summary.json",
    "{origin} has schema version {version}; this npu-adapt reads up to {schema_version}": (
        "{origin} 的结构版本是 {version}；当前 npu-adapt 最高支持 {schema_version}"
    ),
    "upgrade npu-adapt: pip install --upgrade npu-adapt": "升级 npu-adapt：pip install --upgrade npu-adapt",
    "{origin} is not complete JSON: {error}": "{origin} 不是完整的 JSON：{error}",
    "it was cut or edited; an intact copy of every run is in the history folder beside it": (
        "它被截断或修改过；旁边的 history 目录中有每次运行的完整副本"
    ),
    "{origin} does not follow schema {version}: {error}": "{origin} 不符合结构版本 {version}：{error}",
    "run the command again": "重新运行该命令",
    "--plot needs matplotlib": "--plot 需要 matplotlib",
    "--plot {path}: no file can be written there": "--plot {path}：无法在该处写入文件",
    "name a file in a folder that exists": "请指定已有目录中的文件",
    "there is no benchmark to draw": "没有可绘制的基准测试",
    "{path} cannot be written: {reason}": "无法写入 {path}：{reason}",
    "name another file with --plot": "用 --plot 指定另一个文件",
    "there is no error over depth to draw: no operator was judged": "没有可绘制的逐层误差：没有判定过算子",
    "run npu-adapt compare without --fast": "运行 npu-adapt compare 时不加 --fast",
    "start from a setting that runs: npu-adapt bench with --mode eager and --batch-size 1": (
        "从可以运行的设置开始：npu-adapt bench 加 --mode eager 和 --batch-size 1"
    ),
    "{count} inputs: a benchmark measures one": "给出了 {count} 个输入：基准测试只测一个",
    "give one --input; --batch-size makes a batch of it": "请只给一个 --input；--batch-size 会把它组成一批",
    "{path} holds the medians of {count} fresh processes; a gate takes {fewest_processes}": (
        "{path} 中有 {count} 个独立进程的中位数；门限判定需要 {fewest_processes} 个"
    ),
    "make a baseline with npu-adapt bench --processes {fewest_processes}, and keep its summary.json": (
        "用 npu-adapt bench --processes {fewest_processes} 生成基线，并保留其 summary.json"
    ),
    "{path} is damaged: its {count} fresh processes do not each have a time above zero": (
        "{path} 已损坏：其中 {count} 个独立进程并非都有大于零的时间"
    ),
    "make the baseline again": "重新生成基线",
    "{path} is about another {what}: {there} there, {here} here": (
        "{path} 的 {what} 不同：其中为 {there}，此处为 {here}"
    ),
    "compare with a summary of the same model, weights, device and setting": "请与相同模型、权重、设备和设置的结果比较",
    "--processes {processes}: a gate takes {fewest_processes} or more": (
        "--processes {processes}：门限判定至少需要 {fewest_processes} 个"
    ),
    "leave --processes out": "去掉 --processes",
    "--processes and --baseline measure one setting, and the options make a sweep": (
        "--processes 和 --baseline 只测一种设置，而所给选项会测多种"
    ),
    "sweep first, with --isolate if need be, then give the best row's options with --processes": (
        "先测多种设置（需要时加 --isolate），再用最佳一行的选项加 --processes"
    ),
    "{name} has shape {shape} for a batch of {batch_size}, and {shape_of_one} for a batch of 1": (
        "批大小为 {batch_size} 时 {name} 的形状是 {shape}，为 1 时是 {shape_of_one}"
    ),
    "this task takes one input at a time; leave --batch-size out": "该任务每次只接受一个输入；请去掉 --batch-size",
    "{architecture} has no attention {attention!r}: {error}": "{architecture} 没有 {attention!r} 注意力实现：{error}",
    "leave --attention out: the model then takes its own": "去掉 --attention：模型会使用自己的实现",
    "{path} holds no comparison": "{path} 中没有比较结果",
    "make one with npu-adapt compare, and keep its summary.json": "用 npu-adapt compare 生成，并保留其 summary.json",
    "{path} is about other {what}: {there} there, {here} here": "{path} 的 {what} 不同：其中为 {there}，此处为 {here}",
    "compare with a summary of the same model, weights, inputs and type": "请与相同模型、权重、输入和类型的结果比较",
    "--rtol and --atol belong together": "--rtol 和 --atol 必须同时给出",
    "give both, for example --rtol 1e-3 --atol 1e-5": "请同时给出，例如 --rtol 1e-3 --atol 1e-5",
    "--rule tolerance needs --rtol and --atol": "--rule tolerance 需要 --rtol 和 --atol",
    "for example --rtol 1e-3 --atol 1e-5": "例如 --rtol 1e-3 --atol 1e-5",
    "--fast does not probe the device's arithmetic": "--fast 不探测设备的运算方式",
    "leave --fast or --arithmetic out": "去掉 --fast 或 --arithmetic",
    "--rehearse emulates on the CPU, so --device {device} means nothing": (
        "--rehearse 在 CPU 上模拟，--device {device} 没有意义"
    ),
    "leave one of them out": "去掉其中一个",
    "there is nothing to compare: {what}": "没有可比较的内容：{what}",
    "{empty} has no element": "{empty} 没有元素",
    "the model gave no output": "模型没有给出输出",
    "try another --task or another --input": "换一个 --task 或 --input",
    "the two sides' outputs differ in shape: {shapes} against {shapes2}": "两端输出的形状不同：{shapes} 与 {shapes2}",
    "the model takes another path on the device; compare with --attention eager": (
        "模型在该设备上走了另一条路径；请用 --attention eager 比较"
    ),
    "--rejudge runs nothing: model and device are those of the folder": (
        "--rejudge 不运行任何内容：模型和设备以该目录中的为准"
    ),
    "leave them out": "请去掉它们",
    "make the folder again: npu-adapt compare MODEL --save-outputs DIR": (
        "重新生成该目录：npu-adapt compare MODEL --save-outputs DIR"
    ),
    "{folder} holds no comparison": "{folder} 中没有比较结果",
    "the files in {folder} are not of one run": "{folder} 中的文件不属于同一次运行",
    "{path} does not hold every output of every sample": "{path} 没有包含每个样本的全部输出",
    "{path} has {size} bytes; at most {largest_side} are read": "{path} 有 {size} 字节；最多读取 {largest_side} 字节",
    "{folder} holds no output": "{folder} 中没有输出",
    "the files in {folder} hold {counts} samples": "{folder} 中各文件的样本数为 {counts}",
    "the noise floors in {folder} are not of its outputs": "{folder} 中的噪声底不属于其输出",
    "{folder} holds no class scores {scores!r}": "{folder} 中没有类别得分 {scores!r}",
    "the outputs in {folder} are not those of its {summary}": "{folder} 中的输出与其 {summary} 不对应",
    "{summary} names a type or an arithmetic that is not known": "{summary} 中的类型或运算方式未知",
    "name another --save-outputs": "请换一个 --save-outputs",
    "{path} cannot be read as saved outputs: {reason}": "无法将 {path} 作为保存的输出读取：{reason}",
    "{name} of sample {number} in {folder} has other shapes or types": (
        "{folder} 中样本 {number} 的 {name} 形状或类型不同"
    ),
    "{path} cannot be written: {why}": "无法写入 {path}：{why}",
    "it is a folder": "它是目录",
    "it is a device or a pipe, which the record would take the place of": "它是设备或管道，会被记录文件取代",
    "{parent} is not a folder that you may write to": "{parent} 不是当前用户可写的目录",
    "name another file with --save": "用 --save 指定另一个文件",
    "{path} holds no environment": "{path} 中没有环境信息",
    "make one with npu-adapt env --save FILE": "用 npu-adapt env --save FILE 生成",
    "{model} is not in the registry {path}": "{model} 不在登记表 {path} 中",
    "npu-adapt models list shows what is; npu-adapt fetch MODEL brings one": (
        "npu-adapt models list 列出已登记的模型；npu-adapt fetch MODEL 可下载"
    ),
    "the run was not over after {seconds:g} s": "运行在 {seconds:g} 秒后仍未结束",
    "allow more with --timeout; the log says which stage it was in": (
        "用 --timeout 给更多时间；日志记录了当时所处的阶段"
    ),
    "the fresh process ended by {signal}": "独立进程因 {signal} 结束",
    "the fresh process ended with exit code {code}": "独立进程以退出码 {code} 结束",
    "run it without --isolate to see all that it prints; a process ended by SIGKILL was mostly out of memory": (
        "去掉 --isolate 运行以查看其全部输出；被 SIGKILL 结束的进程多半是内存不足"
    ),
    "{field} is {recorded}, and {derived} by {source}": "{field} 记录为 {recorded}，而按 {source} 应为 {derived}",
    "run the command again, or take the copy of the run: {copy}": "重新运行该命令，或使用该次运行的副本：{copy}",
    "{path} contradicts itself: {found}": "{path} 自相矛盾：{found}",
    "and {count} more": "另有 {count} 处",
    "the model's own code raised this; the run's log holds the traceback. Try --device cpu, --attention eager. "
    "Where it needs other inputs, write an adapter that prepares them: npu-adapt compare FILE.py --weights DIR": (
        "这是模型自身代码抛出的；运行日志中有完整的调用栈。可试用 --device cpu、--attention eager。"
        "若它需要别的输入，请编写准备输入的适配文件：npu-adapt compare FILE.py --weights DIR"
    ),
    "out of memory in the forward of {place}: {said}": "{place} 的前向内存不足：{said}",
    "{count} of {numel} elements of {name} are NaN (sample {number})": (
        "{name} 的 {numel} 个元素中有 {count} 个是 NaN（样本 {number}）"
    ),
    "npu-adapt compare names the first operator that gives NaN": "npu-adapt compare 会指出第一个产生 NaN 的算子",
    "an --input is empty": "有一个 --input 是空的",
    "give a path or a text that is not empty": "请给出非空的路径或文本",
    "there is no option {option}": "没有选项 {option}",
    "{parameter} is missing": "缺少 {parameter}",
    "{parameter} cannot have the value that was given": "{parameter} 不能取所给的值",
    "{option} lacks its value, or was given one that it does not take": "{option} 缺少值，或给了它不接受的值",
    "there is no such command, or it does not take all of this: {line}": "没有该命令，或它不接受所给的全部参数：{line}",
    "{step}: {done}, {rate}/s": "{step}：{done}，{rate}/s",
    "{far}, {share:.0%} of {total}, {left:.0f} s left": "{far}，已完成 {total} 的 {share:.0%}，还需 {left:.0f} 秒",
    "out of memory": "内存不足",
    "close other programs, or take a machine with more memory": "请关闭其他程序，或换用内存更大的机器",
    "{path} holds no text that could be read": "{path} 中没有可读取的文本",
    "name a summary.json, a logs folder, a bundle, or a report as Markdown, text or HTML": (
        "请指定 summary.json、日志目录、提交包，或 Markdown、文本、HTML 格式的报告"
    ),
    "{path} is a PDF; audit reads text": "{path} 是 PDF；audit 只读取文本",
    "make text of it: pdftotext -layout FILE": "请先转换为文本：pdftotext -layout FILE",
    "{path} is no text: neither UTF-8, UTF-16 nor GBK": "{path} 不是文本：既不是 UTF-8、UTF-16，也不是 GBK",
    "{path} is an address; audit reads files": "{path} 是网址；audit 只读取文件",
    "download it first, then name the file": "请先下载，再指定该文件",
    "{path} does not exist": "{path} 不存在",
    "{folder} holds neither a summary of npu-adapt nor a report": "{folder} 中既没有 npu-adapt 的 summary，也没有报告",
    "{path} cannot be read: {error}": "无法读取 {path}：{error}",
    "--fast measures no noise floor, and without one a token that differs cannot be judged": (
        "--fast 不测量噪声底，没有噪声底就无法判定不同的 token"
    ),
    "leave --fast or --generate out": "去掉 --fast 或 --generate",
    "{model} cannot generate: {architecture} writes no tokens": "{model} 不能生成：{architecture} 不输出 token",
    "leave --generate out, or name a model that writes: a language model, a translator, a transcriber": (
        "去掉 --generate，或指定会生成文本的模型：语言模型、翻译模型、语音转写模型"
    ),
    "the prompt gives no tokens": "提示没有产生任何 token",
    "the prompt has {read} tokens and --generate asks for {count} more; the model has {limit} positions": (
        "提示有 {read} 个 token，--generate 还要求 {count} 个；模型只有 {limit} 个位置"
    ),
    "give a shorter --input": "请给出更短的 --input",
    "the logits of what was written have the shape {found} and not {expected}": (
        "所生成内容的 logits 形状是 {found}，而不是 {expected}"
    ),
    "the model's generate does not write token by token; compare without --generate": (
        "该模型的 generate 不是逐个 token 生成；比较时请去掉 --generate"
    ),
    "the model wrote no token": "模型没有生成任何 token",
    "what was found cannot be written to stdout: {reason}": "无法将结果写入标准输出：{reason}",
    "make room on the disk, or send it elsewhere": "请在磁盘上腾出空间，或输出到别处",
    "a fresh process cannot be started: {reason}": "无法启动新进程：{reason}",
    "a thread cannot be started: {reason}": "无法启动线程：{reason}",
    "look at the limits of processes and memory: ulimit -a": "请查看进程数和内存的限制：ulimit -a",
}
