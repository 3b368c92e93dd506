"""The operator that fails is known where the exception does not name it."""

from __future__ import annotations

import pytest
import torch

from npu_adapt.workflows.run.naming import FailingOperator


def test_the_operator_that_raises_is_named():
    operators = FailingOperator()
    with operators, pytest.raises(RuntimeError):
        torch.relu(torch.ones(2, 3)).mm(torch.ones(2, 3))
    assert operators.name == "aten::mm"


def test_python_code_that_raises_is_no_operator():
    operators = FailingOperator()
    with operators, pytest.raises(ValueError, match="no width"):
        torch.relu(torch.ones(2))
        raise ValueError("no width")
    assert operators.name is None
