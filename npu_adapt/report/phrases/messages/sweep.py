"""Sweeps: the list of models, the places, the folder of results."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "--only needs a sweep to go on with": "--only 需要一个要继续的批量适配",
    "--resume NAME --only failed": "--resume NAME --only failed",
    "--resume names the sweep already": "--resume 已经指定了批量适配",
    "leave --name out": "去掉 --name",
    "--set is for a new list of models": "--set 只用于新的模型列表",
    "with --resume, name the models too: --from FILE": "使用 --resume 时也要指定模型：--from FILE",
    "there is no model to run": "没有要运行的模型",
    "name models, or a file with one a line: --from FILE": "请列出模型，或给出每行一个模型的文件：--from FILE",
    "{explained}; npu-adapt {commands} --help lists its options": "{explained}；npu-adapt {commands} --help 列出其选项",
    "{origin}: {job} is also at {before}, with other options": "{origin}：{job} 也出现在 {before}，选项不同",
    "give one of them a name of its own: {{model: {model}, name: …}}": (
        "请给其中一个单独命名：{{model: {model}, name: …}}"
    ),
    "{origin} was written by another program or a newer npu-adapt": "{origin} 由其他程序或更新的 npu-adapt 写入",
    "name the folder of a sweep; pip install --upgrade npu-adapt": (
        "请指定批量适配的目录；pip install --upgrade npu-adapt"
    ),
    "{origin} is no record of a sweep: {error}": "{origin} 不是批量适配的记录：{error}",
    "name the folder of a sweep, or its sweep.json": "请指定批量适配的目录，或其中的 sweep.json",
    "there is a sweep {folder} already": "已有批量适配 {folder}",
    "go on with --resume {folder}, or give another --name": "用 --resume {folder} 继续，或换一个 --name",
    "the evidence cannot be written: {error}": "无法写入证据：{error}",
    "make room, then go on with npu-adapt sweep --resume {folder}": (
        "腾出空间，然后用 npu-adapt sweep --resume {folder} 继续"
    ),
    "{filename} cannot be written: {reason}": "无法写入 {filename}：{reason}",
    "make room, then go on with npu-adapt sweep --resume {name}": (
        "腾出空间，然后用 npu-adapt sweep --resume {name} 继续"
    ),
    "{name!r} cannot name a sweep": "{name!r} 不能作为批量适配的名称",
    "letters, digits, dots, dashes and underscores, at most 100": (
        "只能用字母、数字、点、连字符和下划线，最多 100 个字符"
    ),
    "{file} cannot be read: {reason}": "无法读取 {file}：{reason}",
    "the sweep {name} is running in another process": "批量适配 {name} 正在另一个进程中进行",
    "wait for it, or give another --name": "请等待其结束，或换一个 --name",
    "there is no sweep {name} in {parent}": "{parent} 中没有批量适配 {name}",
    "there are: {others}": "已有：{others}",
    "start the sweep anew": "重新开始批量适配",
    "--set {text}: no NAME=VALUE": "--set {text}：不是 NAME=VALUE 形式",
    "--set dtype=float16 or --set bench.iters=100": "例如 --set dtype=float16 或 --set bench.iters=100",
    "name a file with one model a line": "请指定每行一个模型的文件",
    "{file} is not UTF-8: {reason}": "{file} 不是 UTF-8：{reason}",
    "save it as UTF-8": "请以 UTF-8 保存",
    "mend the YAML": "请修正 YAML",
    "{name} is no YAML: {said}": "{name} 不是 YAML：{said}",
    "{names} cannot be used here; usable: {seen}": "此处不能使用 {names}；可用：{seen}",
    "npu-adapt env says what does not fit; without an accelerator: --devices cpu": (
        "npu-adapt env 会指出不匹配之处；没有加速器时用 --devices cpu"
    ),
    "--devices {devices}: {name!r} is no accelerator": "--devices {devices}：{name!r} 不是加速器",
    "--devices all, --devices npu:0,npu:3 or cpu": "例如 --devices all、--devices npu:0,npu:3 或 cpu",
    "no accelerator works here": "本机没有可用的加速器",
    "{origin} has schema version {schema_version}; this npu-adapt reads up to {sweep_schema_version}": (
        "{origin} 的结构版本是 {schema_version}；当前 npu-adapt 最高支持 {sweep_schema_version}"
    ),
    "--diff compares two sweeps, and {number} are named": "--diff 比较两个批次，而给出了 {number} 个",
    "{path} contradicts itself: {field} does not follow from {source}": "{path} 自相矛盾：{field} 不能由 {source} 得出",
    "it was edited; npu-adapt sweep --resume {name} writes it again": (
        "它被改动过；npu-adapt sweep --resume {name} 会重新写入"
    ),
    "{file} is not the one that the row of {name} was taken from": "{file} 不是 {name} 那一行所依据的文件",
    "it was edited, or the model was run alone there; npu-adapt sweep {model} runs it again": (
        "它被改动过，或该模型在那里单独运行过；npu-adapt sweep {model} 可重新运行"
    ),
    "there is no sweep {name}": "没有批量适配 {name}",
    "name one of {folder}, its folder or its sweep.json": "请指定 {folder} 中的名称、其目录或其 sweep.json",
    "{option} {text}: no size": "{option} {text}：不是大小",
    "for example {option} 200GB": "例如 {option} 200GB",
    "--disk is for one machine": "--disk 用于单台机器",
    "with --ray, weights stay where they are: leave --disk out": "使用 --ray 时权重留在原处：请去掉 --disk",
    "the {kind} that Ray gave does not compute": "Ray 分配的 {kind} 不能计算",
    "npu-adapt env on that machine": "请在那台机器上运行 npu-adapt env",
    "--devices {devices} names devices of one machine": "--devices {devices} 指定的是单台机器的设备",
    "Ray gives the devices of its machines out: --devices all, or --devices cpu": (
        "Ray 自行分配各机器的设备：--devices all 或 --devices cpu"
    ),
    "the Ray cluster has no NPU and no GPU": "Ray 集群没有 NPU 也没有 GPU",
    "ray status lists what it has; or use --devices cpu": "Ray 的 status 命令会列出其资源；或使用 --devices cpu",
    "no device of the Ray cluster could be used": "Ray 集群中没有可用的设备",
    "ray status says who has them; npu-adapt env on each machine": (
        "Ray 的 status 命令会显示谁在占用；请在每台机器上运行 npu-adapt env"
    ),
    "Ray is not installed": "没有安装 Ray",
    "pip install 'npu-adapt[ray]'": "pip install 'npu-adapt[ray]'",
    "no Ray cluster answers at {address}": "{address} 没有应答的 Ray 集群",
    "give the address that ray start printed, or --ray local": "请给出 Ray 的 start 命令打印的地址，或 --ray local",
    "--keep-weights needs --disk": "--keep-weights 需要 --disk",
    "without --disk, no weights are removed": "没有 --disk 时不会删除任何权重",
    "{origin} is no plan of a sweep: {error}": "{origin} 不是批量适配的计划：{error}",
}
