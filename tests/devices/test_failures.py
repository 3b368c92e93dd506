"""Error texts of backends, as they were printed, and what they are taken for."""

import pytest
import torch

from npu_adapt.devices.failures import classify_failure
from npu_adapt.errors import ExitCode, RunFailed

ASCEND_TAIL = "\n[ERROR] 2026-11-24-16:15:57 (PID:6068, Device:0, RankID:-1) ERR00100 PTA call acl api failed\n"

NOT_SUPPORTED = ("operator-not-supported", None)

TEXTS = [
    # torch_npu 2.13
    (
        "NPU out of memory. Tried to allocate 40.00 GiB (NPU 0; 32.00 GiB total capacity; 512 bytes already allocated; "
        "512 bytes current active; 31.50 GiB free; 2.00 MiB reserved in total by PyTorch).",
        "out-of-memory",
        None,
    ),
    (
        "Initialize:../torch_npu/csrc/core/npu/sys_ctrl/npu_sys_ctrl.cpp:217 NPU function error: aclInit, "
        "error code is 507008" + ASCEND_TAIL + "[Error]: Failed to obtain the SOC version.",
        "initialisation",
        None,
    ),
    (
        "exchangeDevice:../torch_npu/csrc/core/npu/impl/NPUGuardImpl.cpp:42 NPU function error: "
        "c10_npu::SetDevice(d.index()), error code is 107001" + ASCEND_TAIL,
        "initialisation",
        None,
    ),
    (
        "operator():../torch_npu/csrc/framework/OpParamMaker.cpp:348 OPS function error: Erfinv, error code is 500000"
        + ASCEND_TAIL,
        "operator-not-supported",
        "Erfinv",
    ),
    (
        "aclnnErfinv or aclnnErfinvGetWorkspaceSize not in libopapi.so, or libopapi.so not found." + ASCEND_TAIL,
        "operator-not-supported",
        "aclnnErfinv",
    ),
    (
        "The Inner error is reported as above. The process exits for this inner error, and the current working "
        "operator name is aclnnMatmul. Since the operator is called asynchronously, the stacktrace may be inaccurate. "
        "NPU function error: aclrtSynchronizeStream, error code is 507015" + ASCEND_TAIL,
        "device-lost",
        "aclnnMatmul",
    ),
    ("NPU function error: aclrtSynchronizeStream, error code is 507046" + ASCEND_TAIL, "timeout", None),
    ("NPU function error: HBM MULTI BIT ECC ERROR, error code is 507054" + ASCEND_TAIL, "device-lost", None),
    ("synchronize:x.cpp:1 NPU function error: aclrtFoo, error code is 107003" + ASCEND_TAIL, "other", None),
    ("call aclnnIndexPut failed, detail:EZ3002: Optype [IndexPut] is unsupported.", "operator-not-supported", None),
    # EZ1001 and its sentence, in each wording of torch_npu and CANN
    (
        "call aclnnCast failed, detail:EZ1001: 2024-06-10-00:01:59.325.061 self not implemented for DT_BFLOAT16, "
        "should be in dtype support list [DT_FLOAT16,DT_FLOAT,DT_DOUBLE,].",
        "operator-not-supported",
        "aclnnCast",
    ),
    (
        "call aclnnCast failed, detail:EZ1001: The param dtype not implemented for DT_BFLOAT16, should be in dtype "
        "support list [DT_FLOAT16,DT_FLOAT,].",
        "operator-not-supported",
        "aclnnCast",
    ),
    (
        "copy_d2d:build/CMakeFiles/torch_npu.dir/compiler_depend.ts:36 NPU function error: call aclnnArange failed, "
        "error code is 161002" + ASCEND_TAIL + "EZ1001: [PID: 5625] 2025-09-19-14:34:08.166.059 "
        "AclNN_Parameter_Error(EZ1001): Tensor self not implemented for DT_DOUBLE, should be in dtype support list "
        "[DT_FLOAT16].",
        "operator-not-supported",
        "aclnnArange",
    ),
    ("Tensor self not implemented for DT_COMPLEX64, should be in dtype support list [DT_FLOAT,]", *NOT_SUPPORTED),
    # what CANN reports is the cause, whatever the code of the call that failed
    (
        "NPU function error: aclrtSynchronizeStream, error code is 507013" + ASCEND_TAIL + "EL0004: "
        "2025-11-19-11:14:58.516.606 Failed to allocate memory.\n        Possible Cause: Insufficient memory.",
        "out-of-memory",
        None,
    ),
    (
        "Initialize:build/CMakeFiles/torch_npu.dir/compiler_depend.ts:152 NPU function error: "
        "c10_npu::SetDevice(device_id_), error code is 507033" + ASCEND_TAIL + "[Error]: Failed to start the device.\n"
        "        Rectify the fault based on the error information in the ascend log.\n"
        "E30006: 2025-11-19-11:14:58.516.606 Failed to verify the OPP\n        Possible Cause: 1. The OPP.\n",
        "initialisation",
        None,
    ),
    ("NPU function error: c10_npu::SetDevice(d), error code is 507033" + ASCEND_TAIL, "initialisation", None),
    ("NPU function error: aclrtSynchronizeStream, error code is 507013" + ASCEND_TAIL, "device-lost", None),
    (
        "NPU function error: call aclnnMul failed, error code is 561103" + ASCEND_TAIL + "EL0004: Failed to allocate "
        "memory.",
        "out-of-memory",
        None,
    ),
    # CUDA
    (
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.15 GiB of which 10.00 MiB "
        "is free.",
        "out-of-memory",
        None,
    ),
    ("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be", "device-lost", None),
    ("CUDA error: the launch timed out and was terminated", "timeout", None),
    ("CUDA error: no kernel image is available for execution on the device", "operator-not-supported", None),
    ("CUDA error: CUDA-capable device(s) is/are busy or unavailable", "initialisation", None),
    ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`", "other", None),
    ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "out-of-memory", None),
    ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if", "operator-not-supported", None),
    ("CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously", "device-lost", None),
    (
        "Could not run 'npu::absent' with arguments from the 'CUDA' backend. This could be because the operator",
        "operator-not-supported",
        "npu::absent",
    ),
    ("\"svd_cuda_gesvd\" not implemented for 'Half'", "operator-not-supported", "svd_cuda_gesvd"),
    # any device
    (
        "Could not run 'aten::_fancy' with arguments from the 'NPU' backend. This could be because",
        "operator-not-supported",
        "aten::_fancy",
    ),
    (
        "The operator 'aten::linalg_eig' is not currently implemented for the MPS device.",
        "operator-not-supported",
        "aten::linalg_eig",
    ),
    ("\"slow_conv2d_cpu\" not implemented for 'Half'", "operator-not-supported", "slow_conv2d_cpu"),
]


def classified(text: str) -> RunFailed | None:
    return classify_failure(RuntimeError(text), stage="forward", device="npu:0", memory=(1 << 30, 2 << 30))


@pytest.mark.parametrize(("text", "kind", "operator"), TEXTS, ids=[text[:40] for text, _, _ in TEXTS])
def test_texts_as_backends_print_them(text: str, kind: str, operator: str | None) -> None:
    failure = classified(text)
    assert failure is not None
    assert (failure.kind, failure.stage, failure.exit_code) == (kind, "forward", ExitCode.RUN_FAILED)
    if operator is not None:
        assert failure.operator == operator
    assert "npu:0" in failure.message
    assert failure.hint
    assert "\n" not in failure.message


def test_a_kernel_that_failed_is_no_reason_to_reset_the_device() -> None:
    failure = classified("CUDA error: device-side assert triggered")
    assert failure is not None
    assert "reset" not in failure.hint
    assert "CUDA_LAUNCH_BLOCKING=1" in failure.hint


def test_what_cann_itself_says_is_part_of_the_message() -> None:
    cann = "EZ3002: Optype [LayerNorm] of Ops kernel is unsupported."
    text = f"NPU function error: call aclnnLayerNorm failed, error code is 561103{ASCEND_TAIL}[Error]: x\n{cann}\n"
    failure = classified(text)
    assert failure is not None
    assert failure.message.endswith(f"call aclnnLayerNorm failed, error code is 561103 ({cann})")


@pytest.mark.parametrize(
    ("report", "cause"),
    [
        (
            "EZ9999: Inner Error!\nEZ9999: [PID: 5625] 2025-09-19-14:34:08.166.059 Parse dynamic kernel config fail.\n"
            "        TraceBack (most recent call last):\n       AclOpKernelInit failed opType\n",
            "EZ9999: [PID: 5625] 2025-09-19-14:34:08.166.059 Parse dynamic kernel config fail.",
        ),
        (
            "[Error]: .\nEH9999: Inner Error!\n        rtDeviceSynchronize execute failed, reason=[task timeout]\n",
            "EH9999: rtDeviceSynchronize execute failed, reason=[task timeout]",
        ),
        (
            "EH9999: Inner Error!\nEH9999  [Init][Env]init env failed![FUNC:ReportInnerError]\n",
            "EH9999  [Init][Env]init env failed![FUNC:ReportInnerError]",
        ),
        ("EZ9999: Inner Error!\n        TraceBack (most recent call last):\n", "EZ9999"),
    ],
    ids=["a second line", "an indented line", "an older form", "headings only"],
)
def test_an_inner_error_keeps_its_cause(report: str, cause: str) -> None:
    text = (
        f"arange:x/compiler_depend.ts:36 NPU function error: call aclnnArange failed, error code is 561103{ASCEND_TAIL}"
    )
    failure = classified(text + report)
    assert failure is not None
    assert failure.message.endswith(f"call aclnnArange failed, error code is 561103 ({cause})")


def test_a_kernel_that_cann_lacks_and_a_wrong_operator_package_are_no_reason_to_reboot() -> None:
    inner = f"NPU function error: call aclnnArange failed, error code is 561103{ASCEND_TAIL}EZ9999: Inner Error!\n"
    for text in (f"{inner}EZ9999: [PID: 1] Parse dynamic kernel config fail.", "error code is 507033\nE30006: the OPP"):
        failure = classified(text)
        assert failure is not None
        assert "reboot" not in failure.hint and "operator package" in failure.hint


def test_out_of_memory_says_what_was_asked_for_and_what_was_free() -> None:
    told = classified(TEXTS[0][0])
    assert told is not None
    assert "40.00 GiB asked for, 31.50 GiB free of 32.00 GiB" in told.message
    cuda = classified(next(text for text, *_ in TEXTS if text.startswith("CUDA out of memory")))
    assert cuda is not None
    assert "20.00 MiB asked for, 10.00 MiB free of 79.15 GiB" in cuda.message


def test_out_of_memory_on_the_cpu_measures_what_the_text_leaves_out() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    failure = classify_failure(raised.value, stage="load", device="cpu", memory=(3 << 30, 4 << 30))
    assert failure is not None
    assert failure.kind == "out-of-memory"
    assert "1073741824.00 GiB asked for, 3.00 GiB free of 4.00 GiB" in failure.message


def test_a_bare_memory_error_has_a_message() -> None:
    failure = classify_failure(MemoryError(), stage="load", device="cpu", memory=None)
    assert failure is not None
    assert failure.message == "out of memory on cpu during load: MemoryError"


def test_the_cause_is_read_where_a_library_wraps_it() -> None:
    outer = RuntimeError("the pipeline failed")
    outer.__cause__ = RuntimeError("CUDA error: an illegal memory access was encountered")
    failure = classify_failure(outer, stage="forward", device="cuda:0", memory=None)
    assert failure is not None
    assert failure.kind == "device-lost"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x2 and 3x4)"),
        ValueError("out of memory, says a ValueError that has nothing to do with it"),
        KeyError("pixel_values"),
        FileNotFoundError(2, "No such file or directory"),
    ],
)
def test_what_is_not_about_the_device_is_left_alone(error: Exception) -> None:
    assert classify_failure(error, stage="forward", device="cpu", memory=None) is None


def test_the_operator_that_is_known_is_named_where_the_error_does_not_say_it():
    said = RuntimeError(
        "Only c10::MemoryFormat::Contiguous is supported for creating a npu tensor\n"
        "[ERROR] 2026-11-27-14:01:28 (PID:1, Device:0, RankID:-1) ERR01007 OPS feature not supported"
    )
    failure = classify_failure(said, stage="forward", device="npu:0", memory=None, operator="aten::gelu")
    assert failure is not None and failure.operator == "aten::gelu"
    assert "operator aten::gelu: Only c10" in failure.message
