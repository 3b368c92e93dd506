"""`python -m npu_adapt` is `npu-adapt`, and how the command starts itself again in a process of its own."""

from npu_adapt.cli.app import main
from npu_adapt.workflows.processes.children import end_with_parent

end_with_parent()
main()
