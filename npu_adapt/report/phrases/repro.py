"""What is said of failing operators that were written down to be handed on, and the texts of their issues."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

STATUSES: dict[str, Phrase] = {
    "reproduced": Phrase("fails alone in a fresh process", "在新进程中单独运行仍然出错"),
    "passes": Phrase("right in a fresh process", "在新进程中运行正确"),
    "not-run": Phrase("the script did not run", "脚本未能运行"),
    "no-script": Phrase("no script", "没有脚本"),
}
REASONS: dict[str, Phrase] = {
    "right-alone": Phrase("the operator is not wrong by itself", "该算子单独运行并不出错"),
    "not-written-in-torch": Phrase("it cannot be written with torch alone ({what})", "无法仅用 torch 写出（{what}）"),
    "captured-graph": Phrase(
        "scripts compile and do not capture graphs: capture {module} alone, on the inputs that it has in the model",
        "脚本只编译，不捕获图：请单独捕获 {module}，输入取它在模型中的输入",
    ),
    "another-path": Phrase(
        "the model took another path when the call was to be captured", "捕获该调用时模型走了另一条路径"
    ),
    "script-failed": Phrase("the script ended with {message}", "脚本以 {message} 结束"),
    "script-too-slow": Phrase("the script ran longer than {seconds:g} s", "脚本运行超过 {seconds:g} 秒"),
}
ISSUE: dict[str, Phrase] = {
    "issue-title": Phrase(
        "{operator} gives a wrong result on {device} ({dtype})", "{operator} 在 {device} 上结果错误（{dtype}）"
    ),
    "issue-title-repeat": Phrase(
        "{operator} gives other bits each time on {device} ({dtype})",
        "{operator} 在 {device} 上每次结果的比特不同（{dtype}）",
    ),
    "caption-issue-environment": Phrase("Environment", "环境"),
    "issue-happens": Phrase("What happens", "现象"),
    "issue-reproduce": Phrase("How to reproduce", "复现方法"),
    "issue-expected": Phrase("What is expected", "期望结果"),
    "issue-operator": Phrase(
        "{operator} in module {module} of {model}: the result has shape {shape} and fails the test {test}.",
        "{model} 的模块 {module} 中的 {operator}：结果形状为 {shape}，未通过检验 {test}。",
    ),
    "issue-over": Phrase(
        "Its error is {over} times what a correct device may show.", "误差是正确设备允许误差的 {over} 倍。"
    ),
    "issue-value": Phrase(
        "At index {index} the CPU gives {reference} and the device {candidate}.",
        "在下标 {index} 处，CPU 得到 {reference}，设备得到 {candidate}。",
    ),
    "issue-again": Phrase(
        "{number} calls of the model fail alike; this one is the first.",
        "模型中有 {number} 次调用同样出错；这是第一个。",
    ),
    "issue-title-mode": Phrase(
        "{compiler} compiles {operator} wrongly on {device} ({dtype})",
        "{compiler} 在 {device} 上编译 {operator} 的结果错误（{dtype}）",
    ),
    "issue-mode": Phrase(
        "{module} ({operator}) of {model} fails the check {test} when torch.compile compiles it alone with {compiler}. "
        "In eager mode it is right.",
        "{model} 的 {module}（{operator}）由 torch.compile 以 {compiler} 单独编译后，未通过检查 {test}；"
        "eager 模式下正确。",
    ),
    "issue-mode-run": Phrase(
        "Run this in the folder of this text. It needs torch and the device's own package only. module.pt is the "
        "module as one graph of torch's own functions, with its weights; torch.load reads it with weights_only=False, "
        "so take it from people you trust. The script compiles it, and exits with 1 where the result is wrong.",
        "在本文所在目录运行以下命令。只需要 torch 与设备自身的软件包。"
        "module.pt 是由 torch 自身函数组成的一张图及其权重；"
        "torch.load 以 weights_only=False 读取，请只使用可信来源的文件。脚本会编译它；结果错误时退出码为 1。",
    ),
    "issue-mode-expected": Phrase(
        "The noise floor is the largest error of correct arithmetic against float64. Up to 3 of them, the result is "
        "right.",
        "噪声底是正确运算相对 float64 的最大误差。不超过 3 倍即为正确。",
    ),
    "issue-file-module": Phrase("the module: its graph and weights", "模块：图与权重"),
    "issue-run": Phrase(
        "Run this in the folder of this text. It needs torch and the device's own package only. It computes the "
        "operator on the device and in float64 on the CPU, and exits with 1 where the device is wrong.",
        "在本文所在目录运行以下命令。只需要 torch 与设备自身的软件包。脚本在设备上以及在 CPU 上以 float64 "
        "计算该算子；设备结果错误时退出码为 1。",
    ),
    "issue-said": Phrase("On this machine: {status}. It printed:", "在本机上：{status}。输出："),
    "issue-not-run": Phrase("On this machine: {reason}.", "在本机上：{reason}。"),
    "issue-floors": Phrase(
        "The floor of each element is what rounding and the order of sums may do to it in the arithmetic that the "
        "device was found to compute in. Within the limits that the script prints, the result is right.",
        "每个元素的噪声底是在探测到的设备运算方式下，舍入与求和次序可能造成的误差。在脚本打印的上限之内，结果即为正确。",
    ),
    "issue-equal": Phrase(
        "The result must equal the CPU's: this operator only moves or compares values.",
        "结果必须与 CPU 相等：该算子只移动或比较数值。",
    ),
    "issue-whole-numbers": Phrase(
        "The operands are small whole numbers, so that every partial sum is exact in any order: the result must equal "
        "the CPU's.",
        "操作数是小整数，任何次序的部分和都是精确的：结果必须与 CPU 相等。",
    ),
    "issue-repeat": Phrase(
        "The same operator on the same operands must give the same bits each time.",
        "相同算子对相同操作数每次都应得到相同的比特。",
    ),
    "issue-file-tensors": Phrase(
        "the operands by number, what is expected, what was found, and the floor",
        "按编号排列的操作数、期望值、实测值与噪声底",
    ),
    "issue-file-environment": Phrase("versions, device and switches of precision", "版本、设备与精度开关"),
}
SENTENCES: dict[str, Phrase] = {
    "absent-submodule": Phrase("a submodule has no step", "子模块没有序号"),
    "absent-operator-case": Phrase("an operator in eager mode", "eager 模式下的算子"),
    "absent-no-script": Phrase("there is no script", "没有脚本"),
    "absent-script-ran": Phrase("the script ran", "脚本已运行"),
    "absent-repro-not-asked": Phrase("--repro was not given", "未使用 --repro"),
    "label-repro": Phrase("repro", "复现"),
    "repro-nothing": Phrase(
        "nothing failed by itself, so nothing was written", "没有单独出错的部分，因此没有写入任何内容"
    ),
    "repro-written": Phrase("{number} written to {folder}", "已写入 {folder}：{number} 个"),
    "repro-of-them": Phrase("{number} fail alone in a fresh process", "其中 {number} 个在新进程中单独运行仍然出错"),
    "repro-left-out": Phrase("{number} further kinds of failures were not written", "另有 {number} 类错误未写入"),
    "caption-repro": Phrase("Written down to be handed on", "可转交的案例"),
    "column-folder": Phrase("Folder", "目录"),
    "column-calls": Phrase("calls", "调用次数"),
    "column-alone": Phrase("alone", "单独运行"),
}
# Why a field is None, by its path below `compare.repro`: the key of the default words.
ABSENT: dict[str, str] = {
    "cases.index": "absent-submodule",
    "cases.mode": "absent-operator-case",
    "cases.folder": "absent-no-script",
    "cases.reason": "absent-script-ran",
}

PHRASES: dict[str, Phrase] = {
    **{f"repro-status-{key}": phrase for key, phrase in STATUSES.items()},
    **{f"repro-reason-{key}": phrase for key, phrase in REASONS.items()},
    **ISSUE,
    **SENTENCES,
}
