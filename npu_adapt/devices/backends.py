"""The table of backends: everything that differs between accelerators, one row each.

Imports no torch: names are checked and packages looked up before torch is paid for. What a row says about torch is
written as attribute paths and distribution names, read by `Device` once torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extension:
    """A package that must be imported before torch knows the backend."""

    module: str  # what is imported
    distribution: str  # what is installed, as pip names it
    install: str  # the command that brings it
    libraries: tuple[str, ...] = ()  # shared libraries of the vendor without which the import fails
    chatter: tuple[str, ...] = ()  # warnings about its own defaults (regexes), which `run.numerics` tells of


@dataclass(frozen=True)
class Flag:
    """A switch of the backend that changes the numbers or how they are computed."""

    name: str  # the name in `run.numerics`
    path: str  # from an imported module on: "torch.npu.matmul.allow_hf32"; "()" at the end means that it is called
    negated: bool = False  # the attribute says the opposite of the name
    option: str | None = None  # the one argument of the call, where it takes one


@dataclass(frozen=True)
class Backend:
    """One kind of torch device. `kind` is what `torch.device` calls it."""

    kind: str
    label: str
    extension: Extension | None = None  # None: part of torch itself
    indexed: bool = True  # False: there is one, and its functions take no device argument
    flags: tuple[Flag, ...] = ()
    hf32_flags: tuple[str, ...] = ()  # attribute paths that `--hf32/--no-hf32` set (TF32 on CUDA); empty: it has none
    variables: tuple[str, ...] = ()  # environment variables that its stack reads and that change numbers or timing
    event: str | None = "Event"  # class of timed events in its module; None: it has none
    current_memory: str | None = "memory_allocated"  # None: it keeps no statistics
    peak_memory: str | None = "max_memory_allocated"
    reset_peak: str | None = "reset_peak_memory_stats"
    memory_info: str | None = "mem_get_info"  # (free, total); None: it does not tell
    bfloat16: str | None = None  # function of its module that tells; None: found out by a computation
    finer_hint: str = ""  # the id of what makes it multiply in float32 where it does not ("hint-…" in report/phrases)
    tells_fallbacks: bool | None = None  # True: it warns; False: it never falls back; None: nobody knows
    reserved_memory: str | None = "memory_reserved"  # what this process took, cached blocks included
    utilization: str | None = "utilization"  # how busy the device is with anybody's work, in percent
    clock_rate: str | None = "clock_rate"  # of its processors, in MHz
    temperature: str | None = "temperature"  # in degrees Celsius
    management: str | None = None  # a tool that tells the last two where its module does not. None: there is none
    compiler: str = "inductor"  # what torch.compile takes
    graph: str | None = None  # class of captured graphs in its module; None: it captures none


_TORCH_FLAGS = (
    Flag("float32_matmul_precision", "torch.get_float32_matmul_precision()"),
    Flag("deterministic_algorithms", "torch.are_deterministic_algorithms_enabled()"),
)

CPU = Backend(
    kind="cpu",
    label="CPU",
    indexed=False,
    flags=(*_TORCH_FLAGS, Flag("mkldnn", "torch.backends.mkldnn.enabled")),
    variables=("ATEN_CPU_CAPABILITY", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA"),
    event=None,
    current_memory=None,
    peak_memory=None,
    reset_peak=None,
    memory_info=None,
    finer_hint="onednn-fpmath-mode",
    tells_fallbacks=False,
    reserved_memory=None,
    utilization=None,
    clock_rate=None,
    temperature=None,
)

NPU = Backend(
    kind="npu",
    label="Ascend NPU",
    extension=Extension(
        module="torch_npu",
        distribution="torch_npu",
        install="pip install 'torch_npu=={torch}'",
        # In the order in which the loader asks for them (`readelf -d libtorch_npu.so`).
        libraries=("libhccl.so", "libascendcl.so", "libacl_op_compiler.so", "libge_runner.so", "libgraph.so"),
        chatter=("Cannot create tensor with internal format while allow_internal_format=False",),
    ),
    flags=(
        *_TORCH_FLAGS,
        Flag("matmul_hf32", "torch.npu.matmul.allow_hf32"),
        Flag("conv_hf32", "torch.npu.conv.allow_hf32"),
        Flag("matmul_nd_format", "torch.npu.get_mm_bmm_format_nd()"),
        Flag("jit_compile", "torch.npu.is_jit_compile_false()", negated=True),
        # torch_npu offers no reader for this one: "" is its default, which changed between its versions.
        Flag("internal_format", "torch_npu._C._npu_getOption()", option="ALLOW_INTERNAL_FORMAT"),
        Flag("task_queue", "torch.npu.get_task_queue_enable()"),
    ),
    hf32_flags=("torch.npu.matmul.allow_hf32", "torch.npu.conv.allow_hf32"),
    variables=(
        "ASCEND_LAUNCH_BLOCKING",
        "TASK_QUEUE_ENABLE",
        "CLOSE_MATMUL_K_SHIFT",
        "ACLNN_CACHE_LIMIT",
        "INF_NAN_MODE_ENABLE",
        "HCCL_DETERMINISTIC",
        "PYTORCH_NPU_ALLOC_CONF",
        "TORCH_NPU_FALLBACK_CPU_DISABLE",
    ),
    bfloat16="is_bf16_supported",
    finer_hint="no-hf32",
    tells_fallbacks=True,
    management="npu-smi",
    compiler="npugraph_ex",
    graph="NPUGraph",
)

CUDA = Backend(
    kind="cuda",
    label="CUDA",
    flags=(
        *_TORCH_FLAGS,
        Flag("matmul_tf32", "torch.backends.cuda.matmul.allow_tf32"),
        Flag("conv_tf32", "torch.backends.cudnn.allow_tf32"),
        Flag("cudnn_deterministic", "torch.backends.cudnn.deterministic"),
        Flag("cudnn_benchmark", "torch.backends.cudnn.benchmark"),
        Flag("fp16_reduced_precision", "torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction"),
        Flag("bf16_reduced_precision", "torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction"),
    ),
    hf32_flags=("torch.backends.cuda.matmul.allow_tf32", "torch.backends.cudnn.allow_tf32"),
    variables=("CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG", "PYTORCH_CUDA_ALLOC_CONF"),
    finer_hint="no-hf32",
    tells_fallbacks=False,
    graph="CUDAGraph",
)

MPS = Backend(
    kind="mps",
    label="Apple GPU",
    indexed=False,
    flags=_TORCH_FLAGS,
    variables=("PYTORCH_ENABLE_MPS_FALLBACK", "PYTORCH_MPS_FAST_MATH", "PYTORCH_MPS_PREFER_METAL"),
    event="event.Event",
    current_memory="current_allocated_memory",
    peak_memory=None,
    reset_peak=None,
    memory_info=None,
    tells_fallbacks=True,
)


def _extension(kind: str, label: str, module: str, distribution: str, install: str) -> Backend:
    return Backend(kind=kind, label=label, extension=Extension(module, distribution, install), flags=_TORCH_FLAGS)


# In the order in which `--device auto` tries them.
ACCELERATORS: tuple[Backend, ...] = (
    NPU,
    CUDA,
    Backend(kind="xpu", label="Intel GPU", flags=_TORCH_FLAGS),
    MPS,
    Backend(kind="mtia", label="Meta MTIA", flags=_TORCH_FLAGS, memory_info=None),
    _extension("mlu", "Cambricon MLU", "torch_mlu", "torch_mlu", "install Cambricon's torch_mlu for this torch"),
    _extension("musa", "Moore Threads GPU", "torch_musa", "torch_musa", "install Moore Threads' torch_musa"),
    _extension("gcu", "Enflame GCU", "torch_gcu", "torch_gcu", "install Enflame's torch_gcu for this torch"),
    _extension("sdaa", "Tecorigin SDAA", "torch_sdaa", "torch_sdaa", "install Tecorigin's torch_sdaa"),
    _extension("hpu", "Intel Gaudi", "habana_frameworks.torch", "habana-torch-plugin", "install Intel's Gaudi stack"),
)

BACKENDS: dict[str, Backend] = {backend.kind: backend for backend in (CPU, *ACCELERATORS)}
