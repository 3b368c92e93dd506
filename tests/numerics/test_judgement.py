"""One operator against the exact result: correct forms pass whatever their order, faults of each kind are named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, round_mantissa, truncate_mantissa
from npu_adapt.numerics.attention import AttentionCall
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.exact import half_ulp
from npu_adapt.numerics.judgement import OperatorReading, differing, judge, judge_by, left_over, measures
from tests.numerics.calls import captured, failed_test, only_call, random, reading

X, W, B = random(24, 768), random(64, 768, seed=1) * 0.05, random(64, seed=2)
HF32 = ARITHMETICS["hf32"]


def linear() -> Tensor:
    return F.linear(X, W, B)


def term_after_term(left: Tensor, right: Tensor) -> Tensor:
    """left @ right.T in float32, one term at a time: the order of most GPU kernels."""
    total = torch.zeros(left.size(0), right.size(0))
    for k in range(left.size(1)):
        total.add_(left[:, k : k + 1] * right[:, k])
    return total


def with_element(value: float, *index: int):
    def change(output: Tensor) -> Tensor:
        output[index] = value
        return output

    return change


# --- what is right, in any order -----------------------------------------------------------------


def test_a_sum_taken_term_after_term_is_right():
    assert failed_test(linear, term_after_term(X, W) + B) is None


def test_a_long_sum_of_one_sign_taken_term_after_term_is_right():
    x, w = random(8, 3072).abs(), random(16, 3072).abs()
    assert failed_test(lambda: F.linear(x, w), term_after_term(x, w)) is None


def test_a_variance_in_one_pass_is_right_even_far_from_zero():
    x = random(16, 384) + 30.0
    mean = x.mean(-1, keepdim=True)
    variance = (x * x).mean(-1, keepdim=True) - mean * mean
    assert failed_test(lambda: F.layer_norm(x, (384,)), (x - mean) / (variance + 1e-5).sqrt()) is None


def test_a_softmax_that_multiplies_by_a_reciprocal_is_right():
    x = random(8, 4, 64) * 5
    weights = (x - x.amax(-1, keepdim=True)).exp()
    assert failed_test(lambda: x.softmax(-1), weights * weights.sum(-1, keepdim=True).reciprocal()) is None


def test_flash_attention_with_tiles_is_right():
    q, k, v = (random(2, 4, 96, 32, seed=seed) for seed in (1, 2, 3))
    total, weighed, largest = torch.zeros(2, 4, 96, 1), torch.zeros(2, 4, 96, 32), torch.full((2, 4, 96, 1), -math.inf)
    for tile in range(0, 96, 16):
        scores = q @ k[:, :, tile : tile + 16].mT * 32**-0.5
        new = torch.maximum(largest, scores.amax(-1, keepdim=True))
        weights, shrink = (scores - new).exp(), (largest - new).exp()
        total, weighed = total * shrink + weights.sum(-1, keepdim=True), weighed * shrink
        weighed, largest = weighed + weights @ v[:, :, tile : tile + 16], new
    assert failed_test(lambda: F.scaled_dot_product_attention(q, k, v), weighed / total) is None


@pytest.mark.parametrize("function", [torch.exp, torch.tanh, torch.sigmoid, F.gelu, F.silu, torch.rsqrt, torch.sin])
def test_the_last_bit_is_free_in_transcendental_functions(function):
    x = random(64, 64).abs() + 0.1
    up = function(x).nextafter(torch.tensor(math.inf))
    assert failed_test(lambda: function(x), up) is None


@pytest.mark.parametrize(
    ("function", "by_tanh"),
    [
        (torch.sigmoid, lambda x: 0.5 * (1.0 + torch.tanh(0.5 * x))),
        (F.silu, lambda x: 0.5 * x * (1.0 + torch.tanh(0.5 * x))),
    ],
)
def test_a_sigmoid_by_tanh_is_right_where_it_cancels(function, by_tanh):
    x = torch.linspace(-20, 20, 4096)
    assert failed_test(lambda: function(x), by_tanh(x)) is None
    assert failed_test(lambda: function(x), by_tanh(x) * (1 + 2e-5)) is not None


def test_a_gelu_whose_error_function_cancels_is_right():
    x = -random(64, 64).abs() * 2
    assert failed_test(lambda: F.gelu(x), 0.5 * x * (1 + torch.erf(x * 0.5**0.5))) is None


def test_denormals_may_be_flushed():
    x = torch.full((4, 32), 1e-20)
    assert failed_test(lambda: x * 1e-20, torch.zeros(4, 32)) is None


@pytest.mark.parametrize("name", ["hf32", "tf32", "float16", "bfloat16", "bf16x3"])
def test_operands_may_be_rounded_where_the_arithmetic_says_so(name):
    with emulate(ARITHMETICS[name]):
        rounded = F.linear(X, W, B)
    assert failed_test(linear, rounded, ARITHMETICS[name]) is None
    assert failed_test(linear, rounded) == "rms"


def test_operands_may_be_cut_off_where_the_device_cuts_them_off():
    """Cut off, all terms of one large sum lose alike, and nothing beside it in its row says so."""
    rounded = replace(ARITHMETICS["tf32"], split=lambda tensor: (truncate_mantissa(tensor, 10),))
    longest = 1 + 2.0**-10 - 2.0**-23  # loses nearly a whole unit in the last place
    values, weights = torch.full((4, 16), longest), random(512, 16) * 2.0**-8
    weights[0] = longest

    def product():
        return F.linear(values, weights)

    with emulate(rounded):
        cut = product()
    assert failed_test(product, cut, rounded) == "element"
    assert failed_test(product, cut, replace(rounded, truncates=True)) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_typed_result_may_be_rounded_to_its_type(dtype):
    x, w = X.to(dtype), W.to(dtype)
    assert failed_test(lambda: F.linear(x, w), (x.float() @ w.float().T).to(dtype)) is None


def test_equal_values_may_be_found_at_any_of_their_places():
    x = torch.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 1.0]])
    assert failed_test(lambda: x.argmax(-1), torch.tensor([2, 1])) is None
    assert failed_test(lambda: x.argmax(-1), torch.tensor([0, 1])) == "exact"
    assert failed_test(lambda: x.max(-1), (torch.tensor([3.0, 2.0]), torch.tensor([2, 1]))) is None
    assert failed_test(x.argmax, torch.tensor(2)) is None
    assert (
        failed_test(lambda: x.topk(2), (torch.tensor([[3.0, 3.0], [2.0, 2.0]]), torch.tensor([[2, 1], [1, 0]]))) is None
    )


def test_a_zero_of_either_sign_is_right_where_values_are_chosen_and_wrong_where_they_are_moved():
    zeros = torch.zeros(2, 2)
    assert failed_test(lambda: F.relu(zeros), -zeros) is None
    assert failed_test(lambda: zeros.transpose(0, 1), -zeros) == "exact"


def test_nan_and_infinity_must_be_where_the_reference_has_them():
    x = torch.tensor([[0.0, 1.0, -1.0], [4.0, 9.0, 16.0]])
    expected = x.log()  # -inf, 0, NaN
    assert failed_test(x.log, expected) is None
    for wrong in (math.inf, math.nan, 0.0):
        assert failed_test(x.log, with_element(wrong, 0, 0)) == "element"
    found = reading(x.log, with_element(math.nan, 1, 1))
    assert found.broken is not None
    assert found.broken.over_floor == math.inf
    assert found.broken.worst.index == (1, 1)


# --- what is wrong --------------------------------------------------------------------------------


def test_one_bad_element_is_named_with_both_values():
    found = reading(linear, with_element(1.5, 3, 7)).broken
    assert found is not None
    assert (found.test, found.worst.index, found.worst.candidate) == ("element", (3, 7), 1.5)
    assert found.worst.reference == pytest.approx(float(linear()[3, 7]), abs=1e-5)


def test_one_element_off_by_little_among_large_ones():
    x = torch.cat([random(16, 63), torch.full((16, 1), 1e4)], -1)
    off = torch.zeros(16, 64)
    off[4, 5] = 4e-6 * float(x[4, 5])
    assert failed_test(lambda: x * 1.1, lambda y: y + off) == "element"


def test_a_row_swapped_with_its_neighbour():
    assert failed_test(linear, lambda y: y[[1, 0, *range(2, 24)]]) is not None


def test_a_stale_tile():
    def stale(y: Tensor) -> Tensor:
        y[:16, :16] = y[8:24, 16:32].clone()
        return y

    assert failed_test(linear, stale) is not None


@pytest.mark.parametrize(
    ("run", "wrong"),
    [
        (lambda: F.gelu(X), lambda y: F.gelu(X, approximate="tanh")),
        (lambda: F.layer_norm(X, (768,), eps=1e-5), lambda y: F.layer_norm(X, (768,), eps=1e-6)),
        (linear, lambda y: y - B),
        (lambda: X.softmax(-1), lambda y: X.softmax(0)),
        (lambda: X.mean(-1), lambda y: X.sum(-1) / 767),
        (lambda: F.silu(X), lambda y: X * F.hardsigmoid(X)),
        (lambda: X * 2, lambda y: y.half().float()),
    ],
    ids=["tanh-gelu", "eps", "bias", "axis", "count", "hard", "half"],
)
def test_a_wrong_formula(run, wrong):
    assert failed_test(run, wrong) is not None


def test_a_coarser_operator_than_the_arithmetic_allows():
    with emulate(ARITHMETICS["bfloat16"]):
        coarser = F.linear(X, W, B)
    assert failed_test(linear, coarser, HF32) == "rms"


def test_a_cast_that_cuts_instead_of_rounding():
    x = torch.tensor([1.0 + 2.0**-8 + 2.0**-12])
    cut = (x.view(torch.int32) & ~0xFFFF).view(torch.float32).bfloat16()
    assert failed_test(x.bfloat16, cut) == "exact"


def test_a_moved_element_that_lost_its_last_bit():
    found = reading(lambda: X.T, lambda y: y.where(torch.arange(24) != 3, y.nextafter(y + 1))).broken
    assert found is not None
    assert found.test == "exact"
    assert found.worst.index[1] == 3
    assert 1.0 <= found.over_floor <= 2.0  # a unit in the last place is two halves of one


def test_a_result_of_another_shape_or_type_is_no_result():
    for wrong in (linear().double(), linear()[:, :32], linear().reshape(64, 24)):
        found = reading(linear, wrong).broken
        assert found is not None
        assert (found.test, found.over_floor) == ("exact", math.inf)


def test_masks_of_minus_3e38_do_not_hide_what_stands_beside_them():
    mask = torch.zeros(4, 64)
    mask[:, 32:] = torch.finfo(torch.float32).min
    scores = random(4, 64)
    assert failed_test(lambda: scores + mask, lambda y: y) is None
    assert failed_test(lambda: scores + mask, with_element(float(scores[2, 5]) + 1e-4, 2, 5)) == "element"


# --- how it is computed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        linear,
        lambda: F.linear(random(3, 200, 16), random(8, 16)),
        lambda: torch.matmul(random(6, 20, 16), random(6, 16, 20)),
        lambda: F.conv2d(random(1, 3, 16, 16), random(32, 3, 4, 4), random(32), stride=2),
        lambda: F.scaled_dot_product_attention(random(1, 6, 20, 8), random(1, 6, 20, 8, seed=1), random(1, 6, 20, 8)),
        lambda: random(40, 64).softmax(-1),
        lambda: F.layer_norm(random(4, 40, 64), (64,), random(64), random(64, seed=1)),
        lambda: random(40, 1) * random(64),
    ],
    ids=["linear", "rows", "batches", "channels", "heads", "softmax", "norm", "broadcast"],
)
def test_pieces_come_to_what_the_whole_does(run):
    result: Tensor = run()
    wrong = result.clone()
    wrong.view(-1)[-7] += 0.01
    for candidate in (result, wrong):
        call = captured(run)[-1]
        whole, cut = (judge_call(call, candidate, largest) for largest in (1 << 30, 64))
        assert (whole.broken is None) == (cut.broken is None)
        assert cut.relative_l2 == pytest.approx(whole.relative_l2, rel=1e-6)
        if whole.broken is not None:
            assert cut.broken is not None
            assert cut.broken.worst.index == whole.broken.worst.index


def judge_call(call: Call, candidate: Tensor, largest: int) -> OperatorReading:
    return judge_by(measures(call, ARITHMETICS["float32"], largest), call, (candidate,))


def test_without_a_float64_kernel_the_next_best_says_so():
    def only_float32(x: Tensor) -> Tensor:
        if x.dtype == torch.float64:
            raise NotImplementedError("no kernel for Double")
        return x * 2

    x = random(4, 32)
    call = replace(only_call(lambda: torch.mul(x, 2)), function=lambda x, other: only_float32(x))
    found = judge(call, (x * 2,), ARITHMETICS["float32"])
    assert (found.broken, found.precision) == (None, "float32")
    assert judge(call, (x * 2.001,), ARITHMETICS["float32"]).broken is not None


def test_two_calls_that_differ_in_one_bit():
    one = random(4, 4)
    other = one.clone()
    other[2, 1] = other[2, 1].nextafter(torch.tensor(9.0))
    assert differing((one,), (one.clone(),)) is None
    found = differing((one,), (other,))
    assert found is not None
    assert (found.test, found.worst.index) == ("repeat", (2, 1))


def test_attention_by_its_formula_is_torchs():
    q, k, v, mask = random(1, 2, 5, 8), random(1, 2, 5, 8, seed=1), random(1, 2, 5, 8, seed=2), random(5, 5)
    taken = AttentionCall(q.double(), k.double(), v.double(), mask.double(), 8**-0.5)
    expected = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), mask.double())
    for late in (False, True):
        torch.testing.assert_close(taken.result(late_division=late), expected)


# --- what the arithmetic predicts -----------------------------------------------------------------


def predicted_readings(count: int, broken: dict[int, Tensor | None], arithmetic=HF32) -> list[OperatorReading]:
    """Readings of `count` linear layers on an hf32 device; `broken` gives the noise that some add."""
    found = []
    for seed in range(count):
        x, w = random(16, 256, seed=seed), random(32, 256, seed=seed + 99)
        with emulate(HF32):
            result = F.linear(x, w)
        noise = broken.get(seed)
        found.append(reading(lambda x=x, w=w: F.linear(x, w), result if noise is None else result + noise, arithmetic))
    return found


def test_what_the_arithmetic_predicts_is_taken_off_before_an_element_is_judged():
    element = torch.zeros(16, 32)
    element[3, 4] = 0.02  # a tenth of what the element test allows at the floor of hf32
    readings = predicted_readings(10, {6: element})
    assert [found.broken for found in readings] == [None] * 10
    left = left_over(readings)
    assert list(left) == [6]
    assert (left[6].test, left[6].worst.index) == ("residual", (3, 4))


def test_a_class_that_does_not_follow_its_prediction_is_not_judged_by_it():
    readings = predicted_readings(10, {seed: random(16, 32, seed=seed) * 1e-3 for seed in range(3)})
    assert left_over(readings) == {}


def test_two_calls_are_too_few_to_believe_a_prediction():
    element = torch.zeros(16, 32)
    element[3, 4] = 0.02
    assert left_over(predicted_readings(2, {1: element})) == {}


def test_another_shape_is_another_kernel_and_may_be_computed_more_exactly():
    one_row, weight = random(1, 256), random(32, 256)
    in_float32 = reading(lambda: F.linear(one_row, weight), F.linear(one_row, weight), HF32)  # a matrix-vector kernel
    assert in_float32.left["rounded operands"] is not None and in_float32.left["exact operands"] is None
    assert left_over([*predicted_readings(9, {}), in_float32]) == {}


def test_another_layout_is_another_kernel_too():
    x, w = random(256, 16).T, random(32, 256)
    transposed = reading(lambda: F.linear(x, w), F.linear(x, w) * (1 + 2e-5), HF32)
    assert transposed.broken is None and None not in transposed.left.values()
    assert left_over([*predicted_readings(9, {}), transposed]) == {}


def test_one_call_of_a_kernel_may_be_computed_more_exactly_than_the_others():
    x, w = random(16, 256, seed=9), random(32, 256, seed=108)
    in_float32 = reading(lambda: F.linear(x, w), F.linear(x, w), HF32)
    assert left_over([*predicted_readings(9, {}), in_float32]) == {}


def test_sums_that_are_cut_off_lose_with_their_length_and_are_no_fault():
    from tests.numerics.test_probe import summed_towards_zero

    x, w = random(8, 3072).abs(), random(16, 3072).abs()  # sums of one sign: all that is cut off adds up
    result = summed_towards_zero(round_mantissa(x, 10), round_mantissa(w, 10).T)
    rounding, cutting = (
        reading(lambda: F.linear(x, w), result, replace(ARITHMETICS["tf32"], truncating_sums=cut))
        for cut in (False, True)
    )
    assert rounding.left["rounded operands"] is not None and cutting.left["rounded operands"] is None
    off = reading(lambda: F.linear(x, w), result * (1 + 1e-4), replace(ARITHMETICS["tf32"], truncating_sums=True))
    assert off.left["rounded operands"] is not None


def test_an_operator_that_multiplies_matrices_inside_may_round_their_operands():
    x = random(2, 6, 16)
    layer = torch.nn.MultiheadAttention(16, 4, batch_first=True).eval().requires_grad_(False)
    call = next(each for each in captured(lambda: layer(x, x, x)) if each.operator == "multi_head_attention_forward")
    weights = {name: round_mantissa(value, 11) for name, value in layer.state_dict().items()}
    rounded = torch.func.functional_call(layer, weights, (round_mantissa(x, 11),) * 3)
    results = [rounded[0].transpose(0, 1), rounded[1]]
    assert judge(call, results, HF32).broken is None
    assert judge(call, results, ARITHMETICS["float32"]).broken is not None


# --- what rounding to a half type hides -----------------------------------------------------------

HALF_TYPES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


def half_typed_readings(
    function: Callable[..., Tensor], dtype: torch.dtype, wrong: dict[int, Callable[..., Tensor]]
) -> list[OperatorReading]:
    """Readings of ten calls on a device that computes in float32 and rounds once; `wrong` gives some calls' results."""
    found = []
    for seed in range(10):
        x, w = random(16, 256, seed=seed).to(dtype), random(32, 256, seed=seed + 99).to(dtype)
        result = wrong.get(seed, function)(x.float(), w.float())
        found.append(reading(lambda x=x, w=w: function(x, w), result.to(dtype), ARITHMETICS[str(dtype)[6:]]))
    return found


@HALF_TYPES
@pytest.mark.parametrize(
    "function",
    [
        F.linear,
        lambda x, w: torch.add(x, x, alpha=0.3),
        lambda x, w: F.gelu(x),
        lambda x, w: F.softmax(x, -1),
        lambda x, w: F.layer_norm(x, (256,)),
        lambda x, w: x.mean(-1),
    ],
    ids=["linear", "add", "gelu", "softmax", "layer_norm", "mean"],
)
def test_a_result_that_is_rounded_once_follows_its_prediction(function, dtype):
    readings = half_typed_readings(function, dtype, {})
    assert all(found.left == {"rounded last": None} for found in readings[-10:])
    assert left_over(readings) == {}


@HALF_TYPES
@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (lambda x, w: F.gelu(x), lambda x, w: F.gelu(x, approximate="tanh")),
        (F.linear, lambda x, w: F.linear(x[:, :128], w[:, :128]).bfloat16() + F.linear(x[:, 128:], w[:, 128:])),
        (lambda x, w: F.silu(x), lambda x, w: F.silu(x) * 1.0002),
    ],
    ids=["another formula", "half of the sum kept in bfloat16", "a little larger"],
)
def test_an_error_that_the_type_nearly_hides_is_found_beside_calls_without_it(function, wrong, dtype):
    readings = half_typed_readings(function, dtype, {6: wrong})
    assert [found.broken for found in readings] == [None] * 10
    left = left_over(readings)
    assert list(left) == [6]
    assert left[6].test == "residual"


@HALF_TYPES
def test_a_device_that_rounds_inside_the_operator_is_not_judged_by_one_rounding(dtype):
    def rounding_twice(x: Tensor, _: Tensor) -> Tensor:
        return (x * torch.sigmoid(x).to(dtype)).to(dtype)

    readings = half_typed_readings(lambda x, w: F.silu(x), dtype, dict.fromkeys(range(4), rounding_twice))
    assert {found.broken for found in readings} == {None}
    assert sum(found.left["rounded last"] is not None for found in readings) == 4
    assert left_over(readings) == {}


@HALF_TYPES
def test_a_device_may_round_a_number_before_it_multiplies_by_it(dtype):
    number = 0.0883883476  # one over the root of 128, in no half type

    def by_rounded_number(x: Tensor, _: Tensor) -> Tensor:
        return x * torch.tensor(number, dtype=dtype).float()

    by_tensor = half_typed_readings(lambda x, w: x.mul(x), dtype, {})
    by_number = half_typed_readings(lambda x, w: x.mul(number), dtype, dict.fromkeys(range(10), by_rounded_number))[:2]
    assert {found.broken for found in by_number} == {None}
    assert all(found.left["rounded last"] is not None for found in by_number)
    assert left_over([*by_tensor, *by_number]) == {}


@HALF_TYPES
def test_the_numbers_that_round_to_a_half_typed_one_lie_within_half_an_ulp(dtype):
    values = torch.cat([random(1000).double() * scale for scale in (1e-6, 1e-3, 1.0, 1e3)])
    rounded = values.to(dtype).double()
    reach = half_ulp(rounded, dtype)
    assert ((values - rounded).abs() <= reach).all()
    further = (rounded + 2.001 * reach).to(dtype).double()
    assert ((further > rounded) | (rounded.abs() < 2e-5)).all()  # float16 is evenly spaced there, and may be flushed
