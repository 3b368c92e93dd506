"""The Python API: the commands as functions. They print nothing, and write nothing unless `logs=` names a folder.

Each takes a model by name, as on the command line, or a `torch.nn.Module` or function with its inputs, and returns the
record that the command writes. What goes wrong is raised as an error of `npu_adapt.errors`.
"""

from npu_adapt.api.assertion import assert_correct
from npu_adapt.api.calls import bench, compare, environment, fetch, infer, report

__all__ = ["assert_correct", "bench", "compare", "environment", "fetch", "infer", "report"]
