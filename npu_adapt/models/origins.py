"""Where inputs are from, in words that the record keeps and that can be said in another language."""

from __future__ import annotations

import hashlib
from pathlib import Path

from npu_adapt.errors import Sentence


def file_origin(path: Path, data: bytes) -> Sentence:
    """The file's name and the hash of its content: its folder is nobody's business."""
    return Sentence("file {name} sha256:{sha256}", name=path.name, sha256=hashlib.sha256(data).hexdigest())
