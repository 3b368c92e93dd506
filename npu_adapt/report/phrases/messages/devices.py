"""Devices: what cannot be used, and how an operator, a graph or a kernel fails."""

from __future__ import annotations

CHINESE: dict[str, str] = {
    "install Cambricon's torch_mlu for this torch": "安装与当前 torch 匹配的 Cambricon torch_mlu",
    "install Moore Threads' torch_musa": "安装 Moore Threads 的 torch_musa",
    "install Enflame's torch_gcu for this torch": "安装与当前 torch 匹配的 Enflame torch_gcu",
    "install Tecorigin's torch_sdaa": "安装 Tecorigin 的 torch_sdaa",
    "install Intel's Gaudi stack": "安装 Intel Gaudi 软件栈",
    "run with --dtype {other}, or choose another --device": "改用 --dtype {other}，或用 --device 选择其他设备",
    "{name} has neither HF32 nor TF32, so --hf32 and --no-hf32 mean nothing there": (
        "{name} 既没有 HF32 也没有 TF32，--hf32 和 --no-hf32 在该设备上没有意义"
    ),
    "leave the option out, or choose an Ascend NPU or a CUDA device": "去掉该选项，或选择昇腾 NPU 或 CUDA 设备",
    "{name} ({display_name}) does not compute in {dtype}": "{name}（{display_name}）不支持 {dtype} 运算",
    "{name} captures no graphs": "{name} 不支持图捕获",
    "leave --mode graph out, or use --mode compile": "去掉 --mode graph，或改用 --mode compile",
    "{name} ({display_name}) failed a small computation in {dtype}: {said}": (
        "{name}（{display_name}）未能完成一次 {dtype} 小计算：{said}"
    ),
    "out of memory": "内存不足",
    "the limit of CPU time is reached": "已达到 CPU 时间限制",
    "look at the variables and files that it reads when it is loaded": "请检查该库在加载时读取的环境变量和文件",
    "make room there, or name other folders: --logs, --cache-dir, TMPDIR": (
        "请在该处腾出空间，或指定其他目录：--logs、--cache-dir、TMPDIR"
    ),
    "no folder takes temporary files": "没有可以写入临时文件的目录",
    "set TMPDIR to a folder in which this user can write": "请把 TMPDIR 设为当前用户可写的目录",
    "allow more: ulimit -t": "请放宽限制：ulimit -t",
    "{shell} allows this process {allowed}, and torch takes {needed} before it computes": (
        "{shell} 只允许本进程使用 {allowed}，而 torch 在计算之前就需要 {needed}"
    ),
    "raise the limit: {shell} {kibibytes}; fewer threads take less: OMP_NUM_THREADS=1": (
        "请提高限制：{shell} {kibibytes}；线程少则占用少：OMP_NUM_THREADS=1"
    ),
    "this Python drops docstrings, and transformers reads its own": (
        "当前 Python 去掉了文档字符串，而 transformers 需要读取它们"
    ),
    "run it without -OO, and with PYTHONOPTIMIZE unset or at most 1": (
        "不要使用 -OO，并取消设置 PYTHONOPTIMIZE，或最多设为 1"
    ),
    "look at the limit of open files: ulimit -n": "请查看打开文件数的限制：ulimit -n",
    "a library cannot be loaded: {said}": "无法加载一个库：{said}",
    "install it again, in a version that fits the others; a process needs some gigabytes of address space: ulimit -v": (
        "请重新安装与其他库匹配的版本；进程需要数 GB 的地址空间：ulimit -v"
    ),
    "use a smaller --batch-size, fewer --samples or --dtype float16; npu-adapt env says who else uses the device": (
        "减小 --batch-size、减少 --samples，或用 --dtype float16；npu-adapt env 会列出还有谁在使用该设备"
    ),
    "the device was lost or faulted": "设备丢失或发生故障",
    "{doctor}; a reset or a reboot may be needed": "{doctor}；可能需要复位设备或重启机器",
    "look at npu-adapt env, then at npu-smi info and the newest file in ~/ascend/log (dmesg for a GPU)": (
        "查看 npu-adapt env，再看 npu-smi info 和 ~/ascend/log 中最新的文件（GPU 则看 dmesg）"
    ),
    "a kernel on the device failed": "设备上的一个 kernel 执行失败",
    "nothing works on the device any more in this process, a new one can use it; run it again with "
    "CUDA_LAUNCH_BLOCKING=1 to see which operator it was, and look for an index that is out of range": (
        "本进程已不能再使用该设备，新进程可以；请设置 CUDA_LAUNCH_BLOCKING=1 再运行一次以确定是哪个算子，并检查是"
        "否有越界的索引"
    ),
    "the device did not finish in time": "设备未在规定时间内完成",
    "run it again alone on the device; {doctor}": "独占设备再运行一次；{doctor}",
    "the device could not be initialised": "设备无法初始化",
    "an operator is not supported": "有算子不受支持",
    "try --attention eager or another --dtype; a newer CANN and torch_npu pair may have the operator": (
        "试用 --attention eager 或其他 --dtype；更新的 CANN 与 torch_npu 组合可能已支持该算子"
    ),
    "CANN has no kernel of an operator for this chip": "CANN 没有该芯片上某个算子的 kernel",
    "install the operator package (ops or kernels) of this CANN for this chip and source its set_env.sh; "
    "npu-adapt env": (
        "安装与该 CANN 和该芯片对应的算子包（ops 或 kernels），并 source 其 set_env.sh；然后运行 npu-adapt env"
    ),
    "the device refused CANN's operator package (OPP)": "设备拒绝了 CANN 的算子包（OPP）",
    "install the operator package that belongs to this CANN and driver, and source its set_env.sh: "
    "ASCEND_OPP_PATH has to point to it; npu-adapt env": (
        "安装与该 CANN 和驱动对应的算子包，并 source 其 set_env.sh：ASCEND_OPP_PATH 必须指向它；然后运行 npu-adapt env"
    ),
    "the device reported an error": "设备报告了错误",
    "{failure} on {device} during {stage}": "{device} 在 {stage} 阶段：{failure}",
    "{size} asked for": "申请 {size}",
    "{free} free of {total}": "共 {total}，空闲 {free}",
    "operator {operator}": "算子 {operator}",
    "{free} free": "空闲 {free}",
    "{distribution} is not installed, and without it torch knows no {label}": (
        "没有安装 {distribution}，torch 因此不认识 {label}"
    ),
    "{module} cannot be imported: {said}": "无法导入 {module}：{said}",
    "run npu-adapt env: it names what is broken and the command that fixes it": (
        "运行 npu-adapt env：它会指出哪里有问题，并给出修复命令"
    ),
    "{module} is installed, the software of the {label} is not in order: {error}": (
        "已安装 {module}，但 {label} 的软件环境不正常：{error}"
    ),
    "{doctor} (for CANN usually: source /usr/local/Ascend/ascend-toolkit/set_env.sh)": (
        "{doctor}（CANN 通常是：source /usr/local/Ascend/ascend-toolkit/set_env.sh）"
    ),
    "torch.compile failed with {compiler} on {device}: {said}": (
        "torch.compile 使用 {compiler} 在 {device} 上失败：{said}"
    ),
    "install a C++ compiler (apt install g++, or set CXX), or leave --mode compile out": (
        "安装 C++ 编译器（apt install g++，或设置 CXX），或去掉 --mode compile"
    ),
    "install Python's headers (apt install python3-dev), or leave --mode compile out": (
        "安装 Python 头文件（apt install python3-dev），或去掉 --mode compile"
    ),
    "leave --mode compile out; TORCHDYNAMO_VERBOSE=1 shows the whole message": (
        "去掉 --mode compile；设置 TORCHDYNAMO_VERBOSE=1 可看到完整信息"
    ),
    "the forward could not be captured as a graph of {device}: {said}": "前向无法在 {device} 上捕获为图：{said}",
    "leave --mode graph out: something in this model waits for the host, or its sizes depend on values": (
        "去掉 --mode graph：该模型中有操作需要等待主机，或其尺寸依赖于数值"
    ),
    "there is no device called {name!r}": "没有名为 {name!r} 的设备",
    "say auto, or one of {names}, with a number where there are several: npu:1": (
        "请写 auto 或以下之一：{names}；有多个设备时加编号，例如 npu:1"
    ),
    "there is only one {label}, so {name!r} means nothing": "{label} 只有一个，{name!r} 没有意义",
    "say {kind}": "请写 {kind}",
    "no accelerator works here ({listed})": "本机没有可用的加速器（{listed}）",
    "torch sees none": "torch 没有发现加速器",
    "rehearse what an accelerator would show: npu-adapt compare --rehearse hf32; or compare the CPU with itself: "
    "--device cpu; or find out what is wrong: npu-adapt env": (
        "可以预演加速器上的结果：npu-adapt compare --rehearse hf32；或让 CPU 与自身比较：--device cpu；或查明问题"
        "所在：npu-adapt env"
    ),
    "torch sees no {label} on this machine": "torch 在本机没有发现 {label}",
    "only {kind}:0": "只有 {kind}:0",
    "only {kind}:0 to {kind}:{last}": "只有 {kind}:0 到 {kind}:{last}",
    "{kind}:{index} is not visible to torch, {seen}": "torch 看不到 {kind}:{index}，{seen}",
    "choose another --device, or look at the variables that hide devices; {doctor}": (
        "用 --device 选择其他设备，或检查隐藏设备的环境变量；{doctor}"
    ),
    "this torch has no {label} support": "当前 torch 不支持 {label}",
    "{name} failed its first small computation: {said}": "{name} 未能完成第一次小计算：{said}",
    "{name} is not installed": "没有安装 {name}",
}
