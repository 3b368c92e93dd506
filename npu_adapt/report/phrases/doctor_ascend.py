"""What is said of the findings about an Ascend stack. What is a command in a fix is the same in both languages."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase
from npu_adapt.report.phrases.told import Told, same

_IN_A_CONTAINER = (
    "docker run --device /dev/davinci0 --device /dev/davinci_manager --device /dev/devmm_svm --device /dev/hisi_hdc "
    "-v /usr/local/Ascend/driver:/usr/local/Ascend/driver -v /usr/local/bin/npu-smi:/usr/local/bin/npu-smi …"
)
_SOURCE = same("source {set_env}")
_HEALTH = "npu-smi info -t health -i {npu} -c {chip}"

HARDWARE: dict[str, Told] = {
    "driver-missing": Told(
        found=Phrase(
            "no Ascend driver: neither /usr/local/Ascend/driver nor /dev/davinci_manager exists{cards:if:doctor-cards}",
            "没有昇腾驱动：/usr/local/Ascend/driver 与 /dev/davinci_manager 都不存在{cards:if:doctor-cards}",
        ),
        wanted=Phrase(
            "driver and firmware of the card; in a container, the host's", "安装该卡的驱动与固件；容器使用主机的驱动"
        ),
        why=Phrase("CANN reaches the NPU through the driver only", "CANN 只能通过驱动访问 NPU"),
        fix=Phrase(
            "on the host: sudo bash Ascend-hdk-*-npu-driver_*.run --full; in a container: " + _IN_A_CONTAINER,
            "在主机上：sudo bash Ascend-hdk-*-npu-driver_*.run --full；在容器中：" + _IN_A_CONTAINER,
        ),
    ),
    "device-nodes-missing": Told(
        found=Phrase(
            "the driver{driver:if:doctor-version} is here, and no /dev/davinci0 or another number",
            "已有驱动{driver:if:doctor-version}，但没有 /dev/davinci0 等设备文件",
        ),
        wanted=Phrase(
            "one /dev/davinciN for each NPU, and /dev/davinci_manager, /dev/devmm_svm, /dev/hisi_hdc",
            "每个 NPU 一个 /dev/davinciN，以及 /dev/davinci_manager、/dev/devmm_svm、/dev/hisi_hdc",
        ),
        why=Phrase(
            "a process opens the NPU through these files; a container has those it was started with",
            "进程通过这些文件打开 NPU；容器中只有启动时挂载的设备文件",
        ),
        fix=Phrase(
            f"in a container: {_IN_A_CONTAINER}; on the host: lspci -d 19e5: && dmesg | grep -i davinci",
            f"在容器中：{_IN_A_CONTAINER}；在主机上：lspci -d 19e5: && dmesg | grep -i davinci",
        ),
    ),
    "device-nodes-denied": Told(
        found=Phrase("no permission to read and write {nodes}", "没有读写 {nodes} 的权限"),
        wanted=Phrase("membership in the group that owns them, HwHiAiUser", "加入这些文件所属的用户组 HwHiAiUser"),
        why=Phrase("the driver refuses to open the device for this user", "驱动拒绝为该用户打开设备"),
        fix=same("sudo usermod -aG HwHiAiUser {user} && newgrp HwHiAiUser"),
    ),
    "all-devices-hidden": Told(
        found=Phrase(
            "ASCEND_RT_VISIBLE_DEVICES={value} leaves no NPU visible{npus:if:doctor-npus}",
            "ASCEND_RT_VISIBLE_DEVICES={value} 使所有 NPU 不可见{npus:if:doctor-npus}",
        ),
        wanted=Phrase("numbers of NPUs that npu-smi info lists", "npu-smi info 所列 NPU 的编号"),
        why=Phrase(
            "CANN shows a process only the devices that the variable names", "CANN 只向进程提供该变量列出的设备"
        ),
        fix=same("unset ASCEND_RT_VISIBLE_DEVICES"),
    ),
    "visible-devices-invalid": Told(
        found=Phrase(
            "ASCEND_RT_VISIBLE_DEVICES={value}: {reason:say:visible}{npus:if:doctor-npus}",
            "ASCEND_RT_VISIBLE_DEVICES={value}：{reason:say:visible}{npus:if:doctor-npus}",
        ),
        wanted=Phrase(
            "numbers of NPUs that are here, in rising order, separated by commas",
            "现有 NPU 的编号，按升序排列，以逗号分隔",
        ),
        why=Phrase(
            "CANN refuses such a list, or ignores the item and all that follow it",
            "CANN 会拒绝这样的列表，或忽略该项及其后的所有编号",
        ),
        fix=same("export ASCEND_RT_VISIBLE_DEVICES={right}"),
    ),
    "devices-hidden": Told(
        found=Phrase(
            "ASCEND_RT_VISIBLE_DEVICES={value} hides NPU {hidden}",
            "ASCEND_RT_VISIBLE_DEVICES={value} 隐藏了 NPU {hidden}",
        ),
        wanted=Phrase("nothing, where that is meant", "若是有意为之，则无需处理"),
        why=Phrase(
            "torch counts the visible ones from 0: npu:0 is the first that the variable names",
            "torch 从 0 开始为可见设备编号：npu:0 是该变量列出的第一个设备",
        ),
        fix=Phrase(
            "unset ASCEND_RT_VISIBLE_DEVICES, or export ASCEND_RT_VISIBLE_DEVICES={all}",
            "unset ASCEND_RT_VISIBLE_DEVICES，或 export ASCEND_RT_VISIBLE_DEVICES={all}",
        ),
    ),
    "device-unhealthy": Told(
        found=Phrase("npu-smi reports {npus:each:doctor-sick-chip}", "npu-smi 报告：{npus:each:doctor-sick-chip}"),
        wanted=Phrase("health OK, and a memory that can be read", "健康状态为 OK，且内存可以读取"),
        why=Phrase(
            "a device in alarm computes wrongly, slowly or not at all", "处于告警状态的设备可能计算错误、变慢或无法计算"
        ),
        fix=Phrase(
            f"{_HEALTH}; then sudo npu-smi set -t reset -i {{npu}} -c {{chip}} while idle",
            f"{_HEALTH}；然后在空闲时 sudo npu-smi set -t reset -i {{npu}} -c {{chip}}",
        ),
    ),
    "device-warns": Told(
        found=Phrase("npu-smi reports {npus:each:doctor-sick-chip}", "npu-smi 报告：{npus:each:doctor-sick-chip}"),
        wanted=Phrase("health OK", "健康状态为 OK"),
        why=Phrase(
            "the device works and reports a condition that may slow or stop it",
            "设备可以工作，但报告了可能使其变慢或停止的情况",
        ),
        fix=same(_HEALTH),
    ),
    "device-memory-taken": Told(
        found=Phrase("{npus:each:doctor-full-chip}", "{npus:each:doctor-full-chip}"),
        wanted=Phrase("more than half of the memory free", "一半以上的内存空闲"),
        why=Phrase(
            "a model may not fit, and another process on the device makes every latency doubtful",
            "模型可能放不下，而且设备上的其他进程使所有时延都不可信",
        ),
        fix=Phrase(
            "end it if it is yours, or use another device (--device npu:1): ps -o pid,user,etime,cmd -p {pids}",
            "若是自己的进程则结束它，或使用其他设备（--device npu:1）：ps -o pid,user,etime,cmd -p {pids}",
        ),
    ),
    "firmware-incompatible": Told(
        found=Phrase(
            "npu-smi calls driver {driver} with firmware {firmware} {told}",
            "npu-smi 对驱动 {driver} 与固件 {firmware} 的判断为 {told}",
        ),
        wanted=same("Compatibility OK"),
        why=Phrase("driver and firmware are released together and tested as a pair", "驱动与固件成对发布，并成对测试"),
        fix=same("sudo bash Ascend-hdk-*-npu-firmware_*.run --full && sudo reboot"),
    ),
    "npu-smi-missing": Told(
        found=Phrase(
            "npu-smi is neither on PATH nor where the driver puts it", "PATH 与驱动的安装位置中都没有 npu-smi"
        ),
        wanted=same("/usr/local/bin/npu-smi"),
        why=Phrase(
            "health, memory and the processes that use the device are known to it alone",
            "健康状态、内存以及占用设备的进程只有它能提供",
        ),
        fix=Phrase(
            "export PATH=$PATH:/usr/local/bin:/usr/local/sbin; in a container: "
            "docker run -v /usr/local/bin/npu-smi:/usr/local/bin/npu-smi …",
            "export PATH=$PATH:/usr/local/bin:/usr/local/sbin；在容器中："
            "docker run -v /usr/local/bin/npu-smi:/usr/local/bin/npu-smi …",
        ),
    ),
    "npu-smi-fails": Told(
        found=Phrase("{path} {how:say:smi}{said:if:doctor-said}", "{path} {how:say:smi}{said:if:doctor-said}"),
        wanted=Phrase("the table of npu-smi info", "npu-smi info 的表格"),
        why=Phrase("{cause:say:smi-why}", "{cause:say:smi-why}"),
        fix=Phrase("{cause:say:smi-fix}", "{cause:say:smi-fix}"),
    ),
    "npu-smi-unreadable": Told(
        found=Phrase(
            "{path} printed no table that is known{said:if:doctor-said}",
            "{path} 输出的不是已知的表格{said:if:doctor-said}",
        ),
        wanted=Phrase("the table of npu-smi info", "npu-smi info 的表格"),
        why=Phrase(
            "health, memory and the processes that use the device could not be read; its whole text is in the record",
            "无法读取健康状态、内存以及占用设备的进程；其完整输出在记录中",
        ),
        fix=Phrase(
            "read the text; report it to npu-adapt with the driver's version",
            "查看其输出；并连同驱动版本反馈给 npu-adapt",
        ),
    ),
}

SOFTWARE: dict[str, Told] = {
    "torch-npu-missing": Told(
        found=Phrase(
            "parts of an Ascend stack are here, and torch_npu is not installed",
            "本机已有昇腾软件栈的部分组件，但没有安装 torch_npu",
        ),
        wanted=Phrase("the torch_npu of this CANN and torch", "与此 CANN 和 torch 配套的 torch_npu"),
        why=Phrase("without it torch knows no NPU", "没有它，torch 无法识别 NPU"),
        fix=same("pip install {pair}"),
    ),
    "torch-npu-version": Told(
        found=Phrase(
            "torch_npu {torch_npu} beside torch {torch}{said:if:doctor-import-said}",
            "torch_npu {torch_npu} 与 torch {torch} 同时安装{said:if:doctor-import-said}",
        ),
        wanted=Phrase("torch {right_torch} for this torch_npu", "此 torch_npu 需要 torch {right_torch}"),
        why=Phrase(
            "torch_npu is compiled against one torch; with another it misses symbols or aborts the process",
            "torch_npu 针对一个 torch 版本编译；换用其他版本会缺少符号，甚至使进程异常终止",
        ),
        fix=same("pip install torch=={right_torch} torch_npu=={torch_npu}"),
    ),
    "cann-missing": Told(
        found=Phrase(
            "no CANN under /usr/local/Ascend, /opt/Ascend or ~/Ascend{said:if:doctor-import-said}",
            "/usr/local/Ascend、/opt/Ascend 与 ~/Ascend 中都没有 CANN{said:if:doctor-import-said}",
        ),
        wanted=Phrase("{span:say:cann}", "{span:say:cann}"),
        why=Phrase(
            "torch_npu is a bridge: operators, memory and streams are in CANN's libraries (libhccl.so and others)",
            "torch_npu 只是桥梁：算子、内存与流都在 CANN 的库中（libhccl.so 等）",
        ),
        fix=Phrase(
            "bash Ascend-cann-toolkit_*.run --install && bash Ascend-cann-*-ops_*.run --install "
            "(downloads: https://www.hiascend.com/cann/download), then source /usr/local/Ascend/cann/set_env.sh",
            "bash Ascend-cann-toolkit_*.run --install && bash Ascend-cann-*-ops_*.run --install"
            "（下载：https://www.hiascend.com/cann/download），然后 source /usr/local/Ascend/cann/set_env.sh",
        ),
    ),
    "set-env-not-sourced": Told(
        found=Phrase(
            "CANN is in {path}, and neither ASCEND_HOME_PATH nor ASCEND_TOOLKIT_HOME is set"
            "{said:if:doctor-import-said}",
            "CANN 位于 {path}，但没有设置 ASCEND_HOME_PATH 或 ASCEND_TOOLKIT_HOME{said:if:doctor-import-said}",
        ),
        wanted=Phrase("CANN's variables in this shell", "在当前 shell 中设置 CANN 的环境变量"),
        why=Phrase(
            "the loader finds CANN's libraries, and CANN its operators, through them",
            "加载器通过它们找到 CANN 的库，CANN 通过它们找到算子",
        ),
        fix=_SOURCE,
    ),
    "ascend-home-path-unset": Told(
        found=Phrase(
            "torch_npu imports, and ASCEND_HOME_PATH is not set", "torch_npu 可以导入，但没有设置 ASCEND_HOME_PATH"
        ),
        wanted=Phrase("ASCEND_HOME_PATH, as set_env.sh sets it", "由 set_env.sh 设置的 ASCEND_HOME_PATH"),
        why=Phrase(
            "torch_npu then searches the current folder and everything below it at each import, for seconds",
            "否则 torch_npu 每次导入都会遍历当前目录及其全部子目录，耗时数秒",
        ),
        fix=_SOURCE,
    ),
    "ascend-home-path-wrong": Told(
        found=Phrase(
            "{variable}={value} is not a folder{said:if:doctor-import-said}",
            "{variable}={value} 不是目录{said:if:doctor-import-said}",
        ),
        wanted=Phrase("the folder of a CANN", "CANN 所在的目录"),
        why=Phrase("CANN's libraries and operators are looked for there", "CANN 的库与算子在该目录中查找"),
        fix=Phrase("{fix:say:home}", "{fix:say:home}"),
    ),
    "ascend-opp-path-unset": Told(
        found=Phrase(
            "ASCEND_HOME_PATH is set and ASCEND_OPP_PATH is not{said:if:doctor-import-said}",
            "已设置 ASCEND_HOME_PATH，但没有设置 ASCEND_OPP_PATH{said:if:doctor-import-said}",
        ),
        wanted=Phrase("ASCEND_OPP_PATH, as set_env.sh sets it", "由 set_env.sh 设置的 ASCEND_OPP_PATH"),
        why=Phrase(
            "CANN finds its operators through it; torch_npu refuses to start without",
            "CANN 通过它找到算子；没有它 torch_npu 无法启动",
        ),
        fix=_SOURCE,
    ),
    "ascend-opp-path-wrong": Told(
        found=Phrase(
            "ASCEND_OPP_PATH={value} is not a folder{said:if:doctor-import-said}",
            "ASCEND_OPP_PATH={value} 不是目录{said:if:doctor-import-said}",
        ),
        wanted=Phrase("the opp folder of the CANN in use", "当前 CANN 的 opp 目录"),
        why=Phrase("CANN finds its operators through it", "CANN 通过它找到算子"),
        fix=_SOURCE,
    ),
    "driver-library-missing": Told(
        found=Phrase(
            "{library} is not found{said:if:doctor-import-said}", "找不到 {library}{said:if:doctor-import-said}"
        ),
        wanted=Phrase("the driver's libraries on the loader's path", "驱动的库位于加载器的搜索路径中"),
        why=Phrase(
            "CANN is linked against them; containers have them only when the driver's folder is mounted",
            "CANN 依赖这些库；容器只有在挂载驱动目录后才有它们",
        ),
        fix=same("export LD_LIBRARY_PATH={path}/lib64/common:{path}/lib64/driver:$LD_LIBRARY_PATH"),
    ),
    "cann-library-missing": Told(
        found=Phrase(
            "{library} is not found{said:if:doctor-import-said}", "找不到 {library}{said:if:doctor-import-said}"
        ),
        wanted=Phrase("CANN's libraries on the loader's path", "CANN 的库位于加载器的搜索路径中"),
        why=Phrase("torch_npu is linked against them", "torch_npu 依赖这些库"),
        fix=_SOURCE,
    ),
    "torch-npu-import-raises": Told(
        found=Phrase("import torch_npu raised{said:if:doctor-said}", "import torch_npu 抛出异常{said:if:doctor-said}"),
        wanted=Phrase("import torch_npu works", "import torch_npu 成功"),
        why=Phrase("without it torch knows no NPU", "没有它，torch 无法识别 NPU"),
        fix=Phrase(
            "pip install --force-reinstall --no-deps 'torch_npu=={torch_npu}', and source {set_env}",
            "pip install --force-reinstall --no-deps 'torch_npu=={torch_npu}'，并 source {set_env}",
        ),
    ),
    "torch-npu-import-aborts": Told(
        found=Phrase("import torch_npu {how:say:ending}", "import torch_npu {how:say:ending}"),
        wanted=Phrase("import torch_npu works", "import torch_npu 成功"),
        why=Phrase(
            "it takes every process down that imports it; usually torch, torch_npu and CANN are not one set",
            "导入它的进程都会终止；通常是 torch、torch_npu 与 CANN 不配套",
        ),
        fix=same("pip install --force-reinstall 'torch=={torch}' 'torch_npu=={torch}'"),
    ),
    "torch-npu-import-hangs": Told(
        found=Phrase("import torch_npu {how:say:ending}", "import torch_npu {how:say:ending}"),
        wanted=Phrase("an import within seconds", "数秒内完成导入"),
        why=Phrase(
            "every program that imports it waits likewise; a driver that does not answer is the usual cause",
            "导入它的程序都会同样等待；通常原因是驱动没有响应",
        ),
        fix=Phrase(
            "timeout 30 npu-smi info; if that hangs too: sudo reboot; else allow more with npu-adapt env --timeout 300",
            "timeout 30 npu-smi info；若同样没有响应：sudo reboot；否则延长等待：npu-adapt env --timeout 300",
        ),
    ),
    "autoload-kills-torch": Told(
        found=Phrase(
            "import torch loads torch_npu by itself (TORCH_DEVICE_BACKEND_AUTOLOAD is not 0), and that import "
            "{how:say:import}",
            "import torch 会自动加载 torch_npu（TORCH_DEVICE_BACKEND_AUTOLOAD 不为 0），而该导入{how:say:import}",
        ),
        wanted=Phrase(
            "TORCH_DEVICE_BACKEND_AUTOLOAD=0 until torch_npu works",
            "在 torch_npu 可用之前设置 TORCH_DEVICE_BACKEND_AUTOLOAD=0",
        ),
        why=Phrase(
            "every program that only wants torch on the CPU fails with it too; npu-adapt sets the variable for itself",
            "只在 CPU 上使用 torch 的程序也会因此失败；npu-adapt 会为自身设置该变量",
        ),
        fix=same("export TORCH_DEVICE_BACKEND_AUTOLOAD=0"),
    ),
    "cann-too-old": Told(
        found=Phrase("CANN {cann} with torch_npu {torch_npu}", "CANN {cann} 与 torch_npu {torch_npu}"),
        wanted=Phrase(
            "{span:say:cann} for this torch_npu{fitting:if:doctor-fitting}",
            "此 torch_npu 对应 {span:say:cann}{fitting:if:doctor-fitting}",
        ),
        why=Phrase(
            "no source publishes this pair, and an older CANN may lack functions that torch_npu calls; it is not known "
            "to fail",
            "没有公开资料列出该组合，较旧的 CANN 可能缺少 torch_npu 调用的函数；但不确定会失败",
        ),
        fix=Phrase(
            "if it fails, install that CANN (https://www.hiascend.com/cann/download), or the torch_npu of this one",
            "若运行失败，安装上述 CANN（https://www.hiascend.com/cann/download），或与此 CANN 配套的 torch_npu",
        ),
    ),
    "cann-too-new": Told(
        found=Phrase("CANN {cann} with torch_npu {torch_npu}", "CANN {cann} 与 torch_npu {torch_npu}"),
        wanted=Phrase(
            "{span:say:cann} for this torch_npu{fitting:if:doctor-fitting}",
            "此 torch_npu 对应 {span:say:cann}{fitting:if:doctor-fitting}",
        ),
        why=Phrase(
            "it mostly works, and no source publishes that it does: operators may behave differently",
            "多数情况下可用，但没有公开资料确认：算子的行为可能不同",
        ),
        fix=Phrase(
            "install the torch_npu of this CANN, or a CANN of this torch_npu (https://www.hiascend.com/cann/download)",
            "安装与此 CANN 配套的 torch_npu，或与此 torch_npu 配套的 CANN（https://www.hiascend.com/cann/download）",
        ),
    ),
    "cann-pair-unknown": Told(
        found=Phrase(
            "CANN {cann} with torch_npu {torch_npu}, a pair that the tables of this npu-adapt do not have",
            "CANN {cann} 与 torch_npu {torch_npu}，此版本 npu-adapt 的配套表中没有该组合",
        ),
        wanted=Phrase("{span:say:cann}, as far as is known", "目前已知：{span:say:cann}"),
        why=Phrase(
            "the tables may be older than the pair; nothing is known against it",
            "配套表可能早于该组合；没有已知问题",
        ),
        fix=Phrase(
            "compare with the table in https://gitcode.com/Ascend/pytorch, then: npu-adapt compare --device npu:0",
            "对照 https://gitcode.com/Ascend/pytorch 中的配套表，然后：npu-adapt compare --device npu:0",
        ),
    ),
    "two-canns": Told(
        found=Phrase(
            "the CANN that runs is {running}, and ASCEND_HOME_PATH names {version} in {path}",
            "运行中的 CANN 为 {running}，而 ASCEND_HOME_PATH 指向 {path} 中的 {version}",
        ),
        wanted=Phrase(
            "one CANN on LD_LIBRARY_PATH, the one of ASCEND_HOME_PATH",
            "LD_LIBRARY_PATH 中只有一个 CANN，即 ASCEND_HOME_PATH 所指的",
        ),
        why=Phrase("libraries of one CANN load operators of another", "一个 CANN 的库会加载另一个 CANN 的算子"),
        fix=Phrase("open a new shell, and source {set_env} once", "打开新的 shell，并只执行一次 source {set_env}"),
    ),
    "no-device-seen": Told(
        found=Phrase(
            "torch_npu imports and sees no NPU{said:if:doctor-said}",
            "torch_npu 可以导入，但没有发现 NPU{said:if:doctor-said}",
        ),
        wanted=Phrase("at least one NPU", "至少一个 NPU"),
        why=Phrase("torch counts no NPU, so nothing can run on one", "torch 的 NPU 数量为 0，因此无法在 NPU 上运行"),
        fix=Phrase(
            "npu-smi info; read the newest file in ~/ascend/log/debug/plog",
            "npu-smi info；查看 ~/ascend/log/debug/plog 中最新的文件",
        ),
    ),
}

# Parts of the texts above.
PARTS: dict[str, Phrase] = {
    "doctor-cards": Phrase("; {cards:count} NPU(s) on the PCI bus", "；PCI 总线上有 {cards:count} 个 NPU"),
    "doctor-version": Phrase(" {driver}", " {driver}"),
    "doctor-npus": Phrase("; here are NPU {npus}", "；现有 NPU {npus}"),
    "doctor-fitting": Phrase("; for this CANN: torch_npu {fitting}", "；此 CANN 对应 torch_npu {fitting}"),
    "doctor-sick-chip": Phrase(
        "NPU {npus} chip {chips}: {healths}{unread:if:doctor-unread}",
        "NPU {npus} chip {chips}：{healths}{unread:if:doctor-unread}",
    ),
    "doctor-unread": Phrase(", memory cannot be read (NA)", "，内存无法读取（NA）"),
    "doctor-full-chip": Phrase(
        "NPU {npus} chip {chips}: {used:size} of {memory:size} in use{holders:if:doctor-holders}",
        "NPU {npus} chip {chips}：{memory:size} 中已占用 {used:size}{holders:if:doctor-holders}",
    ),
    "doctor-holders": Phrase(" by {holders}", "，占用者 {holders}"),
    "visible-number": Phrase(
        'item {position:count}, "{wrong}", is no number', "第 {position:count} 项“{wrong}”不是数字"
    ),
    "visible-order": Phrase(
        "item {position:count}, {wrong}, does not rise above the one before",
        "第 {position:count} 项 {wrong} 不大于前一项",
    ),
    "visible-absent": Phrase("there is no NPU {wrong}", "不存在 NPU {wrong}"),
    "smi-timeout": Phrase("did not answer in time", "没有在限定时间内应答"),
    "smi-status": Phrase("ended with {code}", "以 {code} 退出"),
    "smi-not-started": Phrase("cannot be started", "无法启动"),
    "smi-why-driver": Phrase(
        "the driver does not answer, the user may not ask it, or its libraries are not found",
        "驱动没有应答、该用户无权访问，或找不到驱动的库",
    ),
    "smi-why-occupied": Phrase(
        "the device is in use by another container or virtual machine, which has it for itself",
        "设备正被另一个容器或虚拟机独占使用",
    ),
    "smi-why-denied": Phrase("this user may not ask the driver", "该用户无权访问驱动"),
    "smi-why-container": Phrase("the driver does not answer this inside a container", "驱动不在容器内回答此查询"),
    "smi-why-upgrading": Phrase("driver or firmware is being upgraded", "驱动或固件正在升级"),
    "smi-fix-driver": Phrase(
        "export LD_LIBRARY_PATH=/usr/local/Ascend/driver/lib64/common:/usr/local/Ascend/driver/lib64/driver"
        ":$LD_LIBRARY_PATH && sudo npu-smi info; after an upgrade of driver or firmware: sudo reboot",
        "export LD_LIBRARY_PATH=/usr/local/Ascend/driver/lib64/common:/usr/local/Ascend/driver/lib64/driver"
        ":$LD_LIBRARY_PATH && sudo npu-smi info；若刚升级过驱动或固件：sudo reboot",
    ),
    "smi-fix-occupied": Phrase(
        "on the host: docker ps && sudo fuser -v /dev/davinci*; end the container that has the device, or start "
        "this one with another --device /dev/davinciN",
        "在主机上：docker ps && sudo fuser -v /dev/davinci*；结束占用设备的容器，"
        "或以其他 --device /dev/davinciN 启动本容器",
    ),
    "smi-fix-denied": same("sudo usermod -aG HwHiAiUser $USER && newgrp HwHiAiUser; sudo npu-smi info"),
    "smi-fix-container": Phrase("on the host: npu-smi info", "在主机上：npu-smi info"),
    "smi-fix-upgrading": Phrase(
        "wait until the upgrade has ended, then: npu-smi info", "等待升级结束，然后：npu-smi info"
    ),
    "home-source": same("source {script}"),
    "home-unset": Phrase(
        "unset {variable}; then source the set_env.sh of the CANN you have",
        "unset {variable}；然后 source 现有 CANN 的 set_env.sh",
    ),
    "cann-one": same("CANN {low}"),
    "cann-range": Phrase("CANN {low} to {high}", "CANN {low} 至 {high}"),
    "cann-from": Phrase("CANN {low} or newer", "CANN {low} 或更新版本"),
    "cann-up-to": Phrase("CANN {high} or older", "CANN {high} 或更旧版本"),
    "cann-unknown": Phrase("a CANN and a torch_npu whose versions can be read", "版本号可以识别的 CANN 与 torch_npu"),
    "cann-any": Phrase("a CANN toolkit and its operators", "CANN toolkit 及其算子包"),
    "import-raised": Phrase("raised", "抛出异常"),
    "import-killed": Phrase("was killed by a signal", "被信号终止"),
    "import-exited": Phrase("ended the process", "使进程退出"),
    "import-silent": Phrase("stopped without a word", "无声停止"),
    "import-hung": Phrase("hung", "没有结束"),
}
