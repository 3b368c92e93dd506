"""What the system says of a file, by the C library's English: Python does not ask it for another language."""

from __future__ import annotations

import errno
import os

CHINESE: dict[str, str] = {
    os.strerror(number): words
    for number, words in {
        errno.ENOENT: "文件或目录不存在",
        errno.EACCES: "权限不足",
        errno.EPERM: "操作不被允许",
        errno.EISDIR: "是目录",
        errno.ENOTDIR: "不是目录",
        errno.EEXIST: "已存在",
        errno.EROFS: "文件系统只读",
        errno.ENOSPC: "磁盘空间不足",
        errno.EDQUOT: "超出磁盘配额",
        errno.ENAMETOOLONG: "文件名过长",
        errno.ELOOP: "符号链接层数过多",
        errno.EIO: "输入输出错误",
        errno.EBUSY: "资源正忙",
        errno.EMFILE: "打开的文件过多",
        errno.ENOLCK: "没有可用的锁",
    }.items()
}
