"""What is said of the findings about NPUs, their driver and npu-smi. A command is the same in both languages."""

from __future__ import annotations

from npu_adapt.report.phrases.phrase import Phrase
from npu_adapt.report.phrases.told import Told, same

_IN_A_CONTAINER = (
    "docker run --device /dev/davinci0 --device /dev/davinci_manager --device /dev/devmm_svm --device /dev/hisi_hdc "
    "-v /usr/local/Ascend/driver:/usr/local/Ascend/driver -v /usr/local/bin/npu-smi:/usr/local/bin/npu-smi …"
)
_HEALTH = "npu-smi info -t health -i {npu} -c {chip}"

FINDINGS: dict[str, Told] = {
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

# Parts of the texts above.
PARTS: dict[str, Phrase] = {
    "doctor-cards": Phrase("; {cards:count} NPU(s) on the PCI bus", "；PCI 总线上有 {cards:count} 个 NPU"),
    "doctor-version": Phrase(" {driver}", " {driver}"),
    "doctor-npus": Phrase("; here are NPU {npus}", "；现有 NPU {npus}"),
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
}
