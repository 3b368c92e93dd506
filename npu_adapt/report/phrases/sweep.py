"""What is said of a sweep: its matrix, why models failed, what changed since another sweep."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

# Why a model failed; `subject` is the operator, signal or term.
CAUSES: dict[str, Phrase] = {
    "operator-not-supported": Phrase("{subject} is missing", "缺少算子 {subject}"),
    "operator-not-supported-plain": Phrase("an operator is missing", "缺少算子"),
    "wrong-operator": Phrase("{subject} computes wrong numbers", "{subject} 计算错误"),
    "wrong-output": Phrase("the outputs are not the reference's ({subject})", "输出与参考端不一致（{subject}）"),
    "nan-output": Phrase("{subject} gives NaN", "{subject} 输出 NaN"),
    "nan-output-plain": Phrase("an output holds NaN", "输出含 NaN"),
    "out-of-memory": Phrase("out of device memory", "设备内存不足"),
    "device-lost": Phrase("the device was lost", "设备丢失"),
    "node-lost": Phrase("the machine was lost", "机器失联"),
    "timeout": Phrase("not over in time", "超时"),
    "initialisation": Phrase("the device could not be opened", "设备无法初始化"),
    "mode-not-supported": Phrase("the mode is not supported", "不支持该模式"),
    "attention-not-supported": Phrase("the attention is not supported", "不支持该注意力实现"),
    "no-output": Phrase("the forward gave no tensor", "前向没有输出张量"),
    "other-outputs": Phrase("the two sides' outputs have other names or shapes", "两端输出的名称或形状不同"),
    "ended-early": Phrase("the process ended early", "进程提前结束"),
    "process-crashed": Phrase("the process crashed ({subject})", "进程崩溃（{subject}）"),
    "process-killed": Phrase("the process was killed ({subject})", "进程被杀死（{subject}）"),
    "model-not-found": Phrase("no place holds the model", "找不到模型"),
    "hubs-unreachable": Phrase("no hub could be reached", "无法连接模型库"),
    "model-corrupt": Phrase("files are cut short or damaged", "文件不完整或已损坏"),
    "no-weights": Phrase("no weights", "没有权重"),
    "no-config": Phrase("no config.json", "没有 config.json"),
    "pickled": Phrase("only pickled weights", "只有 pickle 权重"),
    "quantised": Phrase("quantised weights", "量化权重"),
    "not-pretrained": Phrase("weights of a part that is used are not in the files", "权重文件缺少所用部分的权重"),
    "unknown-architecture": Phrase("transformers does not know the architecture", "transformers 不支持该架构"),
    "own-code": Phrase("the model brings its own code", "模型自带代码"),
    "model-unusable": Phrase("the model cannot be used", "模型不可用"),
    "disk-budget": Phrase("larger than the disk budget", "超出磁盘预算"),
    "no-space": Phrase("no space on the disk", "磁盘空间不足"),
    "evidence-not-written": Phrase("the evidence could not be written", "证据无法写入"),
    "no-device": Phrase("no device", "没有可用设备"),
    "not-run": Phrase("not run yet", "尚未运行"),
    "usage": Phrase("the command refused its options or inputs", "命令拒绝了选项或输入"),
    "failed-failure": Phrase("the run failed", "运行失败"),
    "failed-verdict": Phrase("the verdict is fail", "判定为未通过"),
    "failed-baseline": Phrase("worse than the baseline", "不如基线"),
    "wrong-output-plain": Phrase("the outputs are not the reference's", "输出与参考端不一致"),
    "failed-no-row": Phrase("the benchmark measured nothing", "基准测试没有结果"),
    "failed-gate": Phrase("slower than the baseline", "比基线慢"),
    "bug": Phrase("a bug in npu-adapt", "npu-adapt 的缺陷"),
    "other": Phrase("another error", "其他错误"),
}

COLUMNS: dict[str, Phrase] = {
    "model": Phrase("model", "模型"),
    "task": Phrase("task", "任务"),
    "parameters": Phrase("parameters", "参数量"),
    "status": Phrase("status", "状态"),
    "runs": Phrase("runs", "可运行"),
    "right": Phrase("right", "正确"),
    "floors": Phrase("floors", "噪声底倍数"),
    "latency": Phrase("latency ms", "时延 ms"),
    "of-limit": Phrase("of limit", "占上限"),
    "memory": Phrase("memory", "内存"),
    "device": Phrase("device", "设备"),
    "seconds": Phrase("seconds", "耗时 s"),
    "why": Phrase("why not", "原因"),
    "cause": Phrase("cause", "原因"),
    "models": Phrase("models", "模型数"),
    "names": Phrase("which", "哪些模型"),
    "change": Phrase("change", "变化"),
    "before": Phrase("before", "之前"),
    "now": Phrase("now", "现在"),
}

STATUSES: dict[str, Phrase] = {
    "passed": Phrase("passed", "通过"),
    "failed": Phrase("FAILED", "未通过"),
    "not-run": Phrase("not run", "未运行"),
}

# What changed for a model since another sweep.
CHANGES: dict[str, Phrase] = {
    "newly-failing": Phrase("newly failing", "新增失败"),
    "newly-passing": Phrase("newly passing", "新增通过"),
    "slower": Phrase("slower", "变慢"),
    "faster": Phrase("faster", "变快"),
    "coarser": Phrase("arithmetic is coarser", "运算精度降低"),
    "another-cause": Phrase("fails for another cause", "失败原因改变"),
    "gone": Phrase("no longer in the sweep", "不再运行"),
    "added": Phrase("new in the sweep", "新增模型"),
}

# What the person who waits is told.
SAID: dict[str, Phrase] = {
    "begins": Phrase(
        "sweep {name}: {finished} of {models} models finished, on {places}",
        "批量适配 {name}：{models} 个模型，其中 {finished} 个已完成，使用 {places}",
    ),
    "repeated": Phrase("{model} is run again: {what} changed", "{model} 重新运行：{what} 已改变"),
    "twice": Phrase("named twice, run once: {models}", "重复列出，只运行一次：{models}"),
    "stdin-waits": Phrase(
        "waiting for the list of models on stdin, one a line; Ctrl-D ends it",
        "正在等待标准输入中的模型列表，每行一个；按 Ctrl-D 结束",
    ),
    "started": Phrase("{model}: {command} on {device}", "{model}：在 {device} 上执行 {command}"),
    "ended": Phrase(
        "[{done}/{models}] {status:say:row-status} {model} on {device}, {seconds:number} s{why:if:sweep-why}",
        "[{done}/{models}] {status:say:row-status} {model}，{device}，{seconds:number} s{why:if:sweep-why}",
    ),
    "lost": Phrase("{device} is taken out: {cause} with {model}", "{device} 已停用：运行 {model} 时{cause}"),
}

SENTENCES: dict[str, Phrase] = {
    "sweep-why": Phrase(": {why}", "：{why}"),
    "sweep-title": Phrase("Sweep {name}", "批量适配 {name}"),
    "sweep-all-passed": Phrase("PASSED: {passed} of {all} models", "通过：{all} 个模型中的 {passed} 个"),
    "sweep-some-failed": Phrase("FAILED: {failed} of {all} models", "未通过：{all} 个模型中的 {failed} 个"),
    "sweep-counts": Phrase(
        "{passed} passed, {failed} failed, {not_run} not run", "{passed} 个通过，{failed} 个未通过，{not_run} 个未运行"
    ),
    "sweep-group": Phrase("{cause}: {models} models", "{cause}：{models} 个模型"),
    "sweep-group-one": Phrase("{cause}: 1 model", "{cause}：1 个模型"),
    "sweep-more-rows": Phrase("and {number} more models in the page", "另有 {number} 个模型，见页面"),
    "sweep-more-groups": Phrase("and {number} more causes in the page", "另有 {number} 种原因，见页面"),
    "sweep-go-on": Phrase("go on with", "继续运行"),
    "sweep-lost-devices": Phrase("{device} ({cause})", "{device}（{cause}）"),
    "sweep-rehearsed": Phrase("rehearsed", "预演"),
    "sweep-worse": Phrase("WORSE", "变差"),
    "sweep-better": Phrase("NOT WORSE", "没有变差"),
    "sweep-same": Phrase("NO CHANGE", "没有变化"),
    "sweep-compared": Phrase("{number} in both sweeps", "两次都有的 {number} 个"),
    "sweep-more-changes": Phrase("and {number} more: --details", "另有 {number} 项：--details"),
    "sweep-yes": Phrase("yes", "是"),
    "sweep-no": Phrase("no", "否"),
    "sweep-groups-title": Phrase("Failures by cause", "按原因分组的失败"),
    "sweep-models-title": Phrase("Models", "模型"),
    "sweep-filter": Phrase("filter", "筛选"),
    "sweep-shown": Phrase("shown", "已显示"),
    "label-page": Phrase("page", "页面"),
    "label-causes": Phrase("causes", "原因"),
    "label-lost": Phrase("taken out", "已停用"),
    "label-counts": Phrase("models", "模型"),
}

PHRASES: dict[str, Phrase] = {
    **{f"cause-{key}": phrase for key, phrase in CAUSES.items()},
    **{f"matrix-{key}": phrase for key, phrase in COLUMNS.items()},
    **{f"change-{key}": phrase for key, phrase in CHANGES.items()},
    **{f"row-status-{key}": phrase for key, phrase in STATUSES.items()},
    **{f"sweep-{key}": phrase for key, phrase in SAID.items()},
    **SENTENCES,
}
