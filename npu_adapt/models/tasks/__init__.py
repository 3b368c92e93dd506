"""The tasks: a table with one row each, by modality."""

from npu_adapt.models.tasks.results import Outputs
from npu_adapt.models.tasks.table import TASKS, choose_task, require_task_name
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, require_all_inputs

__all__ = [
    "TASKS",
    "LoadedModel",
    "Outputs",
    "Sample",
    "Task",
    "choose_task",
    "require_all_inputs",
    "require_task_name",
]
