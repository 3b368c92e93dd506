"""What an audit is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AuditRequest:
    """What to audit, and whether a hub may be asked."""

    path: Path
    offline: bool = False
