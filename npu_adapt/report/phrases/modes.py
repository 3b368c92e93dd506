"""What is said of a compiled or captured subject: its checks, the submodule that is wrong, what did not run."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase

TERMS: dict[str, Phrase] = {
    "mode": Phrase("in mode {place} every check is within its noise floors", "{place} 模式下各项检查均在噪声底之内"),
    "mode-not": Phrase(
        "in mode {place} {value:count} checks are beyond their noise floors",
        "{place} 模式下有 {value:count} 项检查超出噪声底",
    ),
    "mode-part": Phrase(
        "{place} is wrong in mode {mode} (check {check}, {value:ratio} noise floors, at most {limit:g})",
        "{place} 在 {mode} 模式下出错（检查 {check}，{value:ratio} 倍噪声底，上限 {limit:g} 倍）",
    ),
    "mode-differs": Phrase(
        "{operator} in {place} gives other bits in another replay of the same input in mode {mode} (check {check})",
        "{place} 的 {operator} 在 {mode} 模式下对同一输入重放时结果的位不同（检查 {check}）",
    ),
    "mode-failed-to-run": Phrase("the model does not run in mode {place}", "模型无法以 {place} 模式运行"),
}
REASONS: dict[str, Phrase] = {
    "no-graphs": Phrase("{device} captures no graphs", "{device} 不支持图捕获"),
    "mode-failed-to-run": Phrase("{message}", "{message}"),
    "nothing-compiled": Phrase(
        "torch.compile made no graph of this model: it ran as in eager mode",
        "torch.compile 没有为该模型生成任何图：实际以 eager 模式运行",
    ),
    "random-model": Phrase("the model draws random numbers", "模型使用随机数"),
}
LEFT_OUT: dict[str, Phrase] = {
    "input-not-taken": Phrase(
        "check {check}: the model does not take this input: {message}", "检查 {check}：模型不接受该输入：{message}"
    ),
    "no-other-values": Phrase(
        "no check with other values: the input is the same in reverse", "没有更换数值的检查：输入反转后不变"
    ),
    "truth-not-finite": Phrase(
        "check {check}: the result is not finite in float64", "检查 {check}：float64 下结果不是有限数"
    ),
    "replays-not-watched": Phrase(
        "operators are not watched in the graph's replays: {message}", "图重放时未监视各算子：{message}"
    ),
    "parts-not-judged": Phrase("submodules that cannot be judged alone: {modules}", "无法单独判定的子模块：{modules}"),
}
STATUSES: dict[str, Phrase] = {
    "passed": Phrase("passed", "通过"),
    "failed": Phrase("FAILED", "未通过"),
    "failed-to-run": Phrase("DOES NOT RUN", "无法运行"),
    "absent": Phrase("not judged", "未判定"),
}
SENTENCES: dict[str, Phrase] = {
    "absent-not-compiled": Phrase("a captured graph is not compiled", "捕获的图没有经过编译"),
    "absent-mode-ran": Phrase("the mode ran", "该模式已运行"),
    "absent-mode-suspect": Phrase("no check failed", "没有检查不通过"),
    "absent-mode-did-not-run": Phrase("the mode did not run", "该模式没有运行"),
    "label-mode": Phrase("mode", "模式"),
    "caption-modes": Phrase("Compiled and captured, beside eager mode", "编译与图捕获（与 eager 模式对照）"),
    "column-check": Phrase("check", "检查"),
    "mode-checks": Phrase("{number} checks", "{number} 项检查"),
    "mode-worst": Phrase("worst {over} noise floors", "最大 {over} 倍噪声底"),
    "mode-compiler": Phrase("by {compiler}", "编译器 {compiler}"),
    "mode-graphs": Phrase("{number} graphs", "{number} 个图"),
    "mode-breaks": Phrase("{number} graph breaks", "{number} 处图中断"),
    "mode-break": Phrase("graph break: {why}", "图中断：{why}"),
    "mode-suspect": Phrase(
        "{module} ({type}) is wrong by itself in mode {mode}: check {check}, output {output}, {over} noise floors; "
        "{tried} submodules tried",
        "{module}（{type}）单独以 {mode} 模式运行即出错：检查 {check}，输出 {output}，{over} 倍噪声底；"
        "已尝试 {tried} 个子模块",
    ),
    "mode-divergence": Phrase(
        "{operator} in {module} (step {step}, {shape}) gives other bits when mode {mode} replays the same input "
        "(check {check})",
        "{module} 的 {operator}（第 {step} 步，{shape}）在 {mode} 重放同一输入时结果的位不同（检查 {check}）",
    ),
    "first-mode-divergence": Phrase(
        ": {operator} in {module} gives other bits in another replay, check ",
        "：{module} 的 {operator} 在另一次重放中结果的位不同，检查 ",
    ),
    "absent-mode-divergence": Phrase("replays agree, or none were watched", "各次重放一致，或没有监视重放"),
    "first-mode-suspect": Phrase(": {module} ({type}), check ", "：{module}（{type}），检查 "),
}

# Why a field is None, by its path below `compare.modes`: the key of the default words.
ABSENT: dict[str, str] = {
    "compiler": "absent-not-compiled",
    "reason": "absent-mode-ran",
    "suspect": "absent-mode-suspect",
    "divergence": "absent-mode-divergence",
    "suspect.error_over_floor": "absent-not-finite",
    "graphs": "absent-not-compiled",
    "seconds": "absent-mode-did-not-run",
    **{
        f"checks.outputs.{name}": "absent-not-finite"
        for name in (
            "max_abs_diff",
            "mean_abs_diff",
            "cosine_similarity",
            "relative_l2",
            "reference_value",
            "candidate_value",
            "float64_relative_l2",
            "noise_floor",
            "error_over_floor",
        )
    },
    "checks.outputs.unequal": "absent-unequal",
}

PHRASES: dict[str, Phrase] = {
    **{f"term-{key}": phrase for key, phrase in TERMS.items()},
    **{f"mode-reason-{key}": phrase for key, phrase in REASONS.items()},
    **{f"mode-left-out-{key}": phrase for key, phrase in LEFT_OUT.items()},
    **{f"mode-status-{key}": phrase for key, phrase in STATUSES.items()},
    **SENTENCES,
}
