"""What an error of a backend means: tables of error codes and texts, from torch_npu, CUDA and the CPU.

Backends raise `RuntimeError` for nearly everything, so the text is all there is to go by. The tables are read from top
to bottom and the first match counts: memory before lost devices before operators, since a device that is out of memory
or lost makes whatever operator came next look guilty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from npu_adapt.errors import RunFailed, Sentence, text_of

_DOCTOR = "look at npu-adapt env, then at npu-smi info and the newest file in ~/ascend/log (dmesg for a GPU)"


@dataclass(frozen=True)
class Kind:
    """A class of failure: what it is called in `run.failure`, in words, and what to do."""

    name: str
    words: str
    hint: str


OUT_OF_MEMORY = Kind(
    "out-of-memory",
    "out of memory",
    "use a smaller --batch-size, fewer --samples or --dtype float16; npu-adapt env says who else uses the device",
)
DEVICE_LOST = Kind(
    "device-lost",
    "the device was lost or faulted",
    Sentence("{doctor}; a reset or a reboot may be needed", doctor=_DOCTOR),
)
FAULTING_KERNEL = Kind(  # for this process the device is as lost as above, but not for the next one
    DEVICE_LOST.name,
    "a kernel on the device failed",
    "nothing works on the device any more in this process, a new one can use it; run it again with "
    "CUDA_LAUNCH_BLOCKING=1 to see which operator it was, and look for an index that is out of range",
)
TIMEOUT = Kind(
    "timeout",
    "the device did not finish in time",
    Sentence("run it again alone on the device; {doctor}", doctor=_DOCTOR),
)
INITIALISATION = Kind("initialisation", "the device could not be initialised", _DOCTOR)
NOT_SUPPORTED = Kind(
    "operator-not-supported",
    "an operator is not supported",
    "try --attention eager or another --dtype; a newer CANN and torch_npu pair may have the operator",
)
MISSING_KERNEL = Kind(
    NOT_SUPPORTED.name,
    "CANN has no kernel of an operator for this chip",
    "install the operator package (ops or kernels) of this CANN for this chip and source its set_env.sh; npu-adapt env",
)
WRONG_OPERATORS = Kind(
    INITIALISATION.name,
    "the device refused CANN's operator package (OPP)",
    "install the operator package that belongs to this CANN and driver, and source its set_env.sh: ASCEND_OPP_PATH has "
    "to point to it; npu-adapt env",
)
OTHER = Kind("other", "the device reported an error", _DOCTOR)

# acl/error_codes/rt_error_codes.h and acl/acl_base_rt.h, as torch_npu 2.13 carries them.
_ACL_CODES: dict[Kind, frozenset[int]] = {
    OUT_OF_MEMORY: frozenset({200000, 207001, 207018, 300000}),
    DEVICE_LOST: frozenset(
        {507010, 507013, 507015, 507016, 507018, 507035, 507036, 507042, 507043, 507044, 507045}
        | {507049, 507050, 507051, 507052, 507053, 507054, 507055, 507056, 507057, 507899, 507900, 507901, 507914}
    ),
    TIMEOUT: frozenset(
        {107019, 107020, 207020, 507012, 507014, 507017, 507034, 507046, 507047, 507048, 507915},
    ),
    INITIALISATION: frozenset({100001, 107001, 200002, 207004, 207006, 507008, 507033}),
    NOT_SUPPORTED: frozenset(
        {100020, 100024, 100025, 100026, 100029, 148050, 200001, 200006, 207000, 500000, 500001, 500002, 507009, 561103}
    ),
}
_KIND_OF_CODE = {code: kind for kind, codes in _ACL_CODES.items() for code in codes}
_ACL_CODE = re.compile(r"error code is (\d{6})")

# What CANN itself says is closer to the cause than the code of the call that failed: read before those.
_CANN_CAUSES: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (OUT_OF_MEMORY, r"\bEL0004\b"),
        (WRONG_OPERATORS, r"\bE30006\b|Failed to verify the OPP"),
        (NOT_SUPPORTED, r"\b(?:EZ1001|EZ3002|EZ3003|EZ9010|E40021|E10014)\b"),
        (NOT_SUPPORTED, r"not implemented for DT_\w+|should be in dtype support list"),
        (
            MISSING_KERNEL,
            r"Parse dynamic kernel config fail|[Cc]annot find (?:the )?bin of op|OPP_KERNEL_PKG_NOT_FOUND",
        ),
    )
)

_TEXTS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for kind, pattern in (
        (
            OUT_OF_MEMORY,
            r"\bout of memory\b|can(?:'t|not) allocate memory|unable to allocate|bad_alloc|_ALLOC_FAILED",
        ),
        (DEVICE_LOST, r"UCE ERROR|HBM MULTI BIT ECC|SUSPECT (?:DEVICE )?MEM|SUSPECT REMOTE|LINK ERROR|FORCE STOP"),
        (DEVICE_LOST, r"uncorrectable ECC|fallen off the bus"),
        (FAULTING_KERNEL, r"illegal memory access|unspecified launch failure|misaligned address|device-side assert"),
        (FAULTING_KERNEL, r"illegal instruction was encountered|invalid program counter|hardware stack error"),
        (DEVICE_LOST, r"lost heartbeat|device(?: was)? (?:lost|removed)"),
        (TIMEOUT, r"launch timed out|(?:stream|event) sync(?:hronize)? time ?out|(?:aicore|aicpu|vector core) timeout"),
        (INITIALISATION, r"aclInit|aclrtSetDevice|aclrtGetDeviceCount|npu_sys_ctrl"),
        (INITIALISATION, r"no CUDA-capable device|driver version is insufficient|Found no NVIDIA driver"),
        (INITIALISATION, r"busy or unavailable|forward compatibility was attempted|CUDA initialization"),
        (NOT_SUPPORTED, r"Could not run '[\w:.]+' with arguments from the|DispatchStub: missing kernel"),
        (NOT_SUPPORTED, r"GetWorkspaceSize not (?:in|found)"),
        (NOT_SUPPORTED, r"\" not implemented for '|is not currently (?:implemented|supported) (?:for|on) the"),
        (NOT_SUPPORTED, r"CU(?:BLAS|DNN)_STATUS_(?:NOT_SUPPORTED|ARCH_MISMATCH)"),
        (NOT_SUPPORTED, r"no kernel image is available|not supported on (?:the )?(?:NPU|CUDA|MPS|XPU)"),
        (OTHER, r"NPU function error|OPS function error|HCCL function error|ERR\d{5} (?:PTA|OPS|GRAPH)"),
        (OTHER, r"(?:CUDA|HIP|XPU|CUBLAS|CUDNN|cuBLAS|cuDNN|MPS)[ _]?(?:backend )?error|CUBLAS_STATUS_|CUDNN_STATUS_"),
    )
)

# The first that matches names the operator.
_OPERATORS = tuple(
    re.compile(pattern)
    for pattern in (
        r"OPS function error: (?P<operator>\w+)",
        r"(?P<operator>aclnn\w+?) or aclnn\w+GetWorkspaceSize not",
        r"current working operator name is (?P<operator>\w+)",
        r"call (?P<operator>aclnn\w+) failed",
        r"Could not run '(?P<operator>[\w:.]+)'",
        r"operator '(?P<operator>[\w:.]+)' is not currently",
        r'"(?P<operator>\w+)" not implemented for',
        r"[Oo]p ?[Tt]ype \[(?P<operator>\w+)\]",
        r"EZ3003.*?found for \[(?P<operator>\w+)\]",
    )
)

_CANN_LINE = re.compile(r"(?P<code>E[A-Z0-9]\d{4})(?:: ?|  )")  # "EZ3002: …"; older ones "EH9999  …"
_HEADING = re.compile(r"Inner Error!|TraceBack \(most recent call last\)|^\[?Error\]?:?$")  # says nothing itself

_SIZE = r"(?P<size>[\d.]+ ?(?:[KMGT]i?B|[Bb]ytes|B))"
_ASKED = re.compile(rf"(?:tried|unable) to allocate {_SIZE}", re.IGNORECASE)
_FREE = re.compile(rf"{_SIZE} (?:is )?free", re.IGNORECASE)
_TOTAL = re.compile(rf"total capacity of {_SIZE}|{_SIZE.replace('size', 'other')} total capacity", re.IGNORECASE)


def classify_failure(
    error: BaseException, *, stage: str, device: str, memory: tuple[int, int] | None, operator: str | None = None
) -> RunFailed | None:
    """The failure that `error` stands for; None if nothing in it is about the device.

    `memory` is what is free and what there is in all, in bytes, and `operator` the one that raised it, for messages
    that do not say so themselves.
    """
    text = _whole_text(error)
    kind = _kind(error, text)
    if kind is None:
        return None
    operator = _operator(text) or operator
    parts: list[str] = [
        Sentence("{failure} on {device} during {stage}", failure=kind.words, device=device, stage=stage)
    ]
    if kind is OUT_OF_MEMORY:
        parts.append(_memory_words(text, memory))
    elif operator:
        parts.append(Sentence("operator {operator}", operator=operator))
    parts.append(what_was_said(error))
    return RunFailed(
        Sentence.joined(": ", (part for part in parts if part)),
        hint=kind.hint,
        stage=stage,
        kind=kind.name,
        operator=operator,
    )


def _whole_text(error: BaseException) -> str:
    """The error's text and those of its causes: libraries wrap what the backend said."""
    texts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(texts) < 8:
        texts.append(text_of(seen))
        seen = seen.__cause__
    return "\n".join(texts)


def _kind(error: BaseException, text: str) -> Kind | None:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OUT_OF_MEMORY
    if not isinstance(error, RuntimeError | OSError):  # NotImplementedError is a RuntimeError
        return None
    cause = next((kind for kind, pattern in _CANN_CAUSES if pattern.search(text)), None)
    if cause is not None:
        return cause
    for code in _ACL_CODE.findall(text):
        if int(code) in _KIND_OF_CODE:
            return _KIND_OF_CODE[int(code)]
    return next((kind for kind, pattern in _TEXTS if pattern.search(text)), None)


def _operator(text: str) -> str | None:
    matches = (pattern.search(text) for pattern in _OPERATORS)
    return next((match["operator"] for match in matches if match), None)


def _memory_words(text: str, memory: tuple[int, int] | None) -> str:
    """ "40.00 GiB asked for, 31.50 GiB free of 32.00 GiB", as far as it is known."""
    asked, free, total = _ASKED.search(text), _FREE.search(text), _TOTAL.search(text)
    words = [Sentence("{size} asked for", size=_readable(asked["size"]))] if asked else []
    if free and total:
        words.append(Sentence("{free} free of {total}", free=free["size"], total=total["size"] or total["other"]))
    elif free:
        words.append(Sentence("{free} free", free=free["size"]))
    elif memory is not None:
        words.append(Sentence("{free} free of {total}", free=_gibibytes(memory[0]), total=_gibibytes(memory[1])))
    return Sentence.joined(", ", words)


def _readable(size: str) -> str:
    match = re.fullmatch(r"(\d+) ?bytes", size, re.IGNORECASE)
    return _gibibytes(int(match[1])) if match and int(match[1]) >= 1 << 20 else size


def _gibibytes(count: int) -> str:
    return f"{count / (1 << 30):.2f} GiB"


def what_was_said(error: BaseException) -> str:
    """The first line of what the backend said, without the place in its source, and what CANN says about it."""
    lines = text_of(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    said = re.sub(r"^\w+(?:\(\))?:\S+\.(?:cpp|h|cc|ts):\d+ ", "", lines[0])
    cause = _cann_cause(lines[1:])
    return f"{said} ({cause})" if cause else said


def _cann_cause(lines: list[str]) -> str | None:
    """The first line of CANN's report that says something, with its code; None: there is no report."""
    code = None
    for line in map(str.strip, lines):
        match = _CANN_LINE.match(line)
        code = match["code"] if match else code
        if code and line and not _HEADING.search(line):
            return line if match else f"{code}: {line}"
    return code
