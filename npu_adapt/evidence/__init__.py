"""The evidence on disk: three logs, `summary.json`, and a copy of every run under `history/`.

A run writes its logs line by line into its own history folder and publishes them to the logs folder when it ends, each
by an atomic rename, so that neither a second process nor a power cut leaves a torn file. Sections of the summary stay
together only while its key is the same; otherwise a new summary starts, and the old one is in the history.
"""

from npu_adapt.evidence.atomic import utc_now, write_atomically
from npu_adapt.evidence.failures import failure_of
from npu_adapt.evidence.logfmt import parse_log_line
from npu_adapt.evidence.logs import HISTORY_FOLDER, LOG_FILES, SUMMARY_FILE, Journal, Log, Logs
from npu_adapt.evidence.summaries import merged, new_summary, read_summary, summary_key

__all__ = [
    "HISTORY_FOLDER",
    "LOG_FILES",
    "SUMMARY_FILE",
    "Journal",
    "Log",
    "Logs",
    "failure_of",
    "merged",
    "new_summary",
    "parse_log_line",
    "read_summary",
    "summary_key",
    "utc_now",
    "write_atomically",
]
