"""What is said of the findings about CANN and torch_npu. What is a command in a fix is the same in both languages."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase
from npu_adapt.report.phrases.told import Told, same

_SOURCE = same("source {set_env}")

FINDINGS: dict[str, Told] = {
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
    "doctor-fitting": Phrase("; for this CANN: torch_npu {fitting}", "；此 CANN 对应 torch_npu {fitting}"),
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
