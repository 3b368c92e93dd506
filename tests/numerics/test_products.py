"""The one table of products: each row takes its call apart so that the parts make the whole again."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics import products
from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.operators import KINDS, Kind, kind_of, operator_class, operator_name
from npu_adapt.numerics.products import PRODUCTS, product_of_parts, read_product
from tests.numerics.calls import last_call, random

A, B, C = random(5, 7), random(7, 6), random(5, 6)
BATCH_A, BATCH_B = random(3, 5, 7), random(3, 7, 6)

# operator -> (the call, terms of each sum)
CALLS = {
    "linear": (lambda: F.linear(A, random(6, 7), random(6)), 7),
    "matmul": (lambda: A @ B, 7),
    "mm": (lambda: torch.mm(A, mat2=B), 7),
    "bmm": (lambda: torch.bmm(BATCH_A, BATCH_B), 7),
    "linalg_matmul": (lambda: torch.linalg.matmul(A, B), 7),
    "mv": (lambda: torch.mv(A, vec=random(7)), 7),
    "rmatmul": (lambda: B.__rmatmul__(A), 7),
    "inner": (lambda: torch.inner(A, other=random(4, 7)), 7),
    "dot": (lambda: torch.dot(random(7), random(8)[1:]), 7),
    "vdot": (lambda: torch.vdot(random(7), random(8)[1:]), 7),
    "linalg_vecdot": (lambda: torch.linalg.vecdot(A, random(5, 7)), 7),
    "addmm": (lambda: torch.addmm(C, A, B, beta=2, alpha=3), 7),
    "baddbmm": (lambda: torch.baddbmm(random(3, 5, 6), BATCH_A, BATCH_B, alpha=0.5), 7),
    "addmv": (lambda: torch.addmv(random(5), A, random(7), beta=0.5), 7),
    "addbmm": (lambda: torch.addbmm(C, BATCH_A, BATCH_B), 21),
    "einsum": (lambda: torch.einsum("ij,jk->ik", A, B), 7),
    "tensordot": (lambda: torch.tensordot(A, B, 1), 7),
    "conv1d": (lambda: F.conv1d(random(2, 3, 9), random(4, 3, 2), random(4), stride=2), 6),
    "conv2d": (lambda: F.conv2d(random(2, 4, 8, 8), random(6, 2, 3, 3), None, 1, 1, 1, 2), 18),
    "conv3d": (lambda: F.conv3d(random(1, 2, 4, 4, 4), random(3, 2, 2, 2, 2), bias=random(3)), 16),
    "conv_transpose1d": (lambda: F.conv_transpose1d(random(2, 3, 9), random(3, 4, 2), random(4)), 6),
    "conv_transpose2d": (lambda: F.conv_transpose2d(random(2, 3, 5, 5), random(3, 4, 3, 3), stride=2), 27),
    "conv_transpose3d": (lambda: F.conv_transpose3d(random(1, 2, 3, 3, 3), random(2, 3, 2, 2, 2)), 16),
}


def test_every_row_of_the_table_has_a_case_here() -> None:
    assert CALLS.keys() == PRODUCTS.keys()


@pytest.mark.parametrize("operator", CALLS)
def test_the_parts_of_a_call_make_its_result(operator: str) -> None:
    run, terms = CALLS[operator]
    call = last_call(run)
    taken = read_product(call.operator, call.function, call.args, call.kwargs)
    assert call.operator == operator and taken is not None and taken.terms == terms
    product = taken.multiply(taken.left.double(), taken.right.double())
    torch.testing.assert_close(taken.completed(product, taken.added), call.output.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("operator", CALLS)
def test_a_product_is_judged_emulated_and_counted_as_one_everywhere(operator: str) -> None:
    assert kind_of(operator) is Kind.PRODUCT
    assert operator_class(operator) == ("conv" if operator.startswith("conv") else "matmul")


def test_only_the_table_makes_products() -> None:
    assert {name for name, kind in KINDS.items() if kind is Kind.PRODUCT} == PRODUCTS.keys()


@pytest.mark.parametrize(
    "run",
    [
        lambda: torch.einsum("i,j,k->ijk", random(2), random(3), random(4)),
        lambda: torch.matmul(torch.ones(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.int64)),
        lambda: torch.matmul(A.to(torch.complex64), B.to(torch.complex64)),
        lambda: torch.matmul(A, B, out=torch.empty(5, 6)),
        lambda: torch.linalg.vecdot(A, random(5, 7), dim=0),
    ],
    ids=["three operands", "whole numbers", "complex", "into a given tensor", "along another axis"],
)
def test_what_is_no_such_product_is_left_alone(run) -> None:
    call = last_call(run)
    assert read_product(call.operator, call.function, call.args, call.kwargs) is None


def test_times_zero_what_is_added_does_not_count() -> None:
    call = last_call(lambda: torch.addmm(torch.full((5, 6), torch.nan), A, B, beta=0))
    taken = read_product(call.operator, call.function, call.args, call.kwargs)
    assert taken is not None and torch.equal(taken.completed(A @ B, taken.added), A @ B)


def test_squares_are_of_the_terms() -> None:
    call = last_call(
        lambda: torch.addmm(torch.zeros(1, 1), torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0], [2.0]]), alpha=2)
    )
    taken = read_product(call.operator, call.function, call.args, call.kwargs)
    assert taken is not None and taken.squares().item() == 4 * (3.0**2 + 8.0**2)


def test_parts_are_multiplied_where_their_positions_add_up_to_less_than_their_number() -> None:
    left, right = torch.tensor([[1 + 2.0**-9]]), torch.tensor([[1 + 2.0**-9]])
    three = product_of_parts(torch.matmul, ARITHMETICS["bf16x3"].split, left, right)
    assert three.item() == 1 + 2 * 2.0**-9  # the product of both small parts, 2^-18, is left out
    one = product_of_parts(torch.matmul, ARITHMETICS["bfloat16"].split, left, right)
    assert one.item() == 1.0


def test_names_of_one_operator_are_one() -> None:
    for function in (torch.mm, Tensor.mm, Tensor.addmm_, torch.addmm):
        assert operator_name(function) in PRODUCTS


@pytest.mark.parametrize("fast", [False, True], ids=["in float32", "in bfloat16"])
def test_squares_of_terms_are_their_sum_to_half_a_percent(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "multiplies_fast", lambda dtype: fast)
    left, right = random(5, 300) * 1e-8, random(7, 300) * 100
    taken = read_product("linear", F.linear, (left, right), {})
    assert taken is not None
    exact = left.double().square() @ right.double().square().T
    torch.testing.assert_close(taken.squares(), exact, rtol=6e-3 if fast else 1e-6, atol=0)
