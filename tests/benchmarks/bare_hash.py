"""sha256 of the files named, by hashlib and nothing else, one process a core: `models verify` is held against it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(1 << 20))
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


if __name__ == "__main__":
    paths = sys.argv[1:]
    with multiprocessing.Pool(min(len(paths), os.cpu_count() or 1)) as pool:
        for path, digest in zip(paths, pool.imap(sha256_of, paths), strict=True):
            print(digest, path)
