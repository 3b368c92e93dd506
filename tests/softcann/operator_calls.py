"""Calls of operators, each run on the CPU and on `npu:0`: a script that prints how far apart the two are.

`python -m tests.softcann.operator_calls float16` prints a JSON object: the name of each call, and the largest
difference of any element in units of what the element type resolves, or the error. One process runs them all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field

Call = Callable[..., Any]
SEED = 0


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape)


def _indices(size: int, *shape: int) -> torch.Tensor:
    return torch.randint(size, shape)


def _bools(*shape: int) -> torch.Tensor:
    return torch.rand(shape) < 0.5


def _calls() -> dict[str, tuple[Call, tuple[torch.Tensor, ...]]]:
    """Name -> (function, operands): floating operands are cast to the type under test."""
    x, y, positive = _normal(4, 6, 8), _normal(4, 6, 8), _normal(4, 6, 8).abs() + 0.1
    whole, places = _indices(9, 4, 6, 8), _indices(4, 3, 5)
    picture, mask, other_mask = _normal(2, 6, 12, 10), _bools(4, 6, 8), _bools(4, 6, 8)
    query, key, value = (_normal(2, 3, 7, 16) for _ in range(3))
    grouped = _normal(2, 1, 7, 16)
    visible = torch.ones(7, 7, dtype=torch.bool).tril()
    row, weight = _normal(8), _normal(8)

    unary: dict[str, Call] = {
        name: getattr(torch, name)
        for name in (
            *("abs", "neg", "relu", "ceil", "floor", "round", "trunc", "sign", "exp", "exp2", "expm1", "sin", "cos"),
            *("tan", "atan", "tanh", "sigmoid", "erf", "square", "isfinite", "isnan", "isinf", "reciprocal"),
        )
    }
    unary |= {
        name: getattr(F, name)
        for name in (
            "gelu",
            "silu",
            "mish",
            "hardswish",
            "hardsigmoid",
            "logsigmoid",
            "relu6",
            "leaky_relu",
            "elu",
            "softplus",
        )
    }
    binary: dict[str, Call] = {
        name: getattr(torch, name)
        for name in (
            *("add", "sub", "mul", "div", "maximum", "minimum", "eq", "ne", "gt", "ge", "lt", "le", "atan2"),
            *("remainder", "fmod", "floor_divide"),
        )
    }
    calls: dict[str, tuple[Call, tuple[torch.Tensor, ...]]] = {name: (call, (x,)) for name, call in unary.items()}
    calls |= {name: (getattr(torch, name), (positive,)) for name in ("sqrt", "rsqrt", "log", "log2", "log10", "log1p")}
    calls |= {name: (call, (x, y)) for name, call in binary.items()}
    return calls | {
        # elementwise, other forms
        "add_number": (lambda a: a + 2, (x,)),
        "add_scaled": (lambda a, b: torch.add(a, b, alpha=0.5), (x, y)),
        "add_in_place": (lambda a, b: a.clone().add_(b), (x, y)),
        "add_broadcast": (lambda a, b: a + b, (x, row)),
        "add_transposed": (lambda a, b: a.transpose(0, 1) + b.transpose(0, 1), (x, y)),
        "sub_number": (lambda a: a - 2, (x,)),
        "number_sub": (lambda a: 2 - a, (x,)),
        "mul_number": (lambda a: a * 3, (x,)),
        "mul_in_place": (lambda a, b: a.clone().mul_(b), (x, y)),
        "div_number": (lambda a: a / 3, (x,)),
        "number_div": (lambda a: 1 / a, (positive,)),
        "div_floor": (lambda a, b: torch.div(a, b, rounding_mode="floor"), (x, y)),
        "div_trunc_number": (lambda a: torch.div(a, 2, rounding_mode="trunc"), (x,)),
        "pow_number": (lambda a: a**3, (x,)),
        "pow_tensor": (torch.pow, (positive, y)),
        "number_pow": (lambda a: 2**a, (x,)),
        "clamp": (lambda a: a.clamp(-0.5, 0.5), (x,)),
        "clamp_min": (lambda a: a.clamp(min=0.1), (x,)),
        "clamp_max": (lambda a: a.clamp(max=0.1), (x,)),
        "addcmul": (torch.addcmul, (x, y, positive)),
        "lerp": (lambda a, b: torch.lerp(a, b, 0.3), (x, y)),
        "gelu_tanh": (lambda a: F.gelu(a, approximate="tanh"), (x,)),
        "glu": (F.glu, (x,)),
        "integer_add": (lambda a: a + 1, (whole,)),
        "integer_mul": (lambda a: a * a, (whole,)),
        "integer_floor_divide": (lambda a: a // 4, (whole,)),
        "integer_remainder": (lambda a: a % 4, (whole,)),
        "integer_bitwise": (lambda a: (a & 3) | 4, (whole,)),
        "nan_to_num": (lambda a: torch.nan_to_num(torch.where(a > 0, torch.nan, a)), (x,)),
        # logic and choice
        "where": (torch.where, (mask, x, y)),
        "where_number": (lambda m, a: torch.where(m, a, 0.0), (mask, x)),
        "masked_fill": (lambda a, m: a.masked_fill(m, -1.0), (x, mask)),
        "logical_and": (torch.logical_and, (mask, other_mask)),
        "logical_or": (torch.logical_or, (mask, other_mask)),
        "logical_not": (torch.logical_not, (mask,)),
        "bitwise_not": (lambda m: ~m, (mask,)),
        "eq_number": (lambda a: a == 3, (whole,)),
        "gt_number": (lambda a: a > 0.1, (x,)),
        "all": (lambda m: m.all(), (mask,)),
        "any_dim": (lambda m: m.any(-1), (mask,)),
        "isin": (lambda a: torch.isin(a, 3), (whole,)),
        # products
        "linear": (F.linear, (x, _normal(5, 8), _normal(5))),
        "linear_2d": (F.linear, (x[0], _normal(5, 8), _normal(5))),
        "linear_without_bias": (F.linear, (x, _normal(5, 8))),
        "matmul": (torch.matmul, (x, y.transpose(-2, -1).contiguous())),
        "matmul_broadcast": (torch.matmul, (query, key.transpose(-2, -1))),
        "matmul_vector": (torch.matmul, (x, row)),
        "mm": (torch.mm, (x[0], y[0].T)),
        "bmm": (torch.bmm, (x, y.transpose(1, 2))),
        "addmm": (lambda a, b, c: torch.addmm(a, b, c, beta=0.5, alpha=2), (_normal(6, 6), x[0], y[0].T)),
        "baddbmm": (torch.baddbmm, (_normal(4, 6, 6), x, y.transpose(1, 2))),
        "einsum": (lambda a, b: torch.einsum("bij,bkj->bik", a, b), (x, y)),
        "outer": (torch.outer, (row, weight)),
        # convolutions and pictures
        "conv1d": (lambda a, w, b: F.conv1d(a, w, b, stride=2, padding=1), (x, _normal(5, 6, 3), _normal(5))),
        "conv1d_groups": (lambda a, w: F.conv1d(a, w, padding=1, groups=3), (x, _normal(6, 2, 3))),
        "conv2d": (lambda a, w, b: F.conv2d(a, w, b, padding=1), (picture, _normal(4, 6, 3, 3), _normal(4))),
        "conv2d_stride": (lambda a, w: F.conv2d(a, w, stride=2), (picture, _normal(4, 6, 2, 2))),
        "conv2d_depthwise": (lambda a, w: F.conv2d(a, w, padding=1, groups=6), (picture, _normal(6, 1, 3, 3))),
        "conv_transpose2d": (lambda a, w: F.conv_transpose2d(a, w, stride=2), (picture, _normal(6, 3, 2, 2))),
        "avg_pool2d": (lambda a: F.avg_pool2d(a, 2), (picture,)),
        "max_pool2d": (lambda a: F.max_pool2d(a, 2), (picture,)),
        "adaptive_avg_pool2d": (lambda a: F.adaptive_avg_pool2d(a, 3), (picture,)),
        "global_avg_pool2d": (lambda a: F.adaptive_avg_pool2d(a, 1), (picture,)),
        "interpolate_bilinear": (lambda a: F.interpolate(a, (7, 9), mode="bilinear"), (picture,)),
        "interpolate_bicubic": (lambda a: F.interpolate(a, (7, 9), mode="bicubic"), (picture,)),
        "interpolate_nearest": (lambda a: F.interpolate(a, scale_factor=2.0), (picture,)),
        "interpolate_linear": (lambda a: F.interpolate(a, 11, mode="linear"), (x,)),
        "grid_sample": (lambda a, g: F.grid_sample(a, g, align_corners=False), (picture, _normal(2, 5, 5, 2).tanh())),
        "pixel_shuffle": (lambda a: F.pixel_shuffle(a[:, :4], 2), (picture,)),
        "unfold": (lambda a: F.unfold(a, 2), (picture,)),
        # norms and softmax
        "softmax": (lambda a: F.softmax(a, -1), (x,)),
        "softmax_first": (lambda a: F.softmax(a, 0), (x,)),
        "softmax_float32": (lambda a: F.softmax(a, -1, dtype=torch.float32), (x,)),
        "log_softmax": (lambda a: F.log_softmax(a, -1), (x,)),
        "layer_norm": (lambda a, w, b: F.layer_norm(a, (8,), w, b), (x, weight, row)),
        "layer_norm_plain": (lambda a: F.layer_norm(a, (8,)), (x,)),
        "group_norm": (lambda a, w, b: F.group_norm(a, 3, w, b), (picture, _normal(6), _normal(6))),
        "batch_norm": (
            lambda a, m, v, w: F.batch_norm(a, m, v, w, w),
            (picture, _normal(6), _normal(6).abs() + 0.5, _normal(6)),
        ),
        "rms_norm": (lambda a, w: F.rms_norm(a, (8,), w, 1e-5), (x, weight)),
        "normalize": (lambda a: F.normalize(a, dim=-1), (x,)),
        # attention
        "attention": (F.scaled_dot_product_attention, (query, key, value)),
        "attention_causal": (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
            (query, key, value),
        ),
        "attention_mask": (F.scaled_dot_product_attention, (query, key, value, visible)),
        "attention_bias": (F.scaled_dot_product_attention, (query, key, value, _normal(2, 1, 7, 7))),
        "attention_scale": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), (query, key, value)),
        "attention_grouped": (
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
            (query, grouped, grouped),
        ),
        "attention_longer_keys": (F.scaled_dot_product_attention, (query[:, :, :3], key, value)),
        # reductions and orders
        "sum": (lambda a: a.sum(), (x,)),
        "sum_dims": (lambda a: a.sum((0, 2), keepdim=True), (x,)),
        "mean": (lambda a: a.mean(), (x,)),
        "mean_dim": (lambda a: a.mean(-1, keepdim=True), (x,)),
        "var": (lambda a: a.var(-1), (x,)),
        "std": (lambda a: a.std(-1, unbiased=False), (x,)),
        "var_mean": (lambda a: torch.var_mean(a, -1, keepdim=True), (x,)),
        "norm": (lambda a: a.norm(dim=-1), (x,)),
        "amax": (lambda a: a.amax(-1), (x,)),
        "max": (lambda a: a.max(), (x,)),
        "max_dim": (lambda a: a.max(-1), (x,)),
        "min_dim": (lambda a: a.min(1), (x,)),
        "argmax": (lambda a: a.argmax(-1), (x,)),
        "argmin": (lambda a: a.argmin(-1), (x,)),
        "topk": (lambda a: a.topk(3), (x,)),
        "sort": (lambda a: a.sort(-1), (x,)),
        "argsort": (lambda a: a.argsort(-1, descending=True), (x,)),
        "cumsum": (lambda a: a.cumsum(-1), (whole,)),
        "cumsum_mask": (lambda m: m.cumsum(-1), (mask,)),
        "integer_sum": (lambda a: a.sum(-1), (whole,)),
        "prod": (lambda a: a.prod(-1), (x,)),
        # places
        "embedding": (F.embedding, (places, x[0])),
        "index": (lambda a, i: a[i], (x, places)),
        "index_two": (lambda a, i: a[i, :, i], (x, places[0])),
        "index_nothing": (lambda a, m: a[m & ~m], (x, mask)),
        "index_mask": (lambda a, m: a[m], (x, mask)),
        "index_range": (lambda a, i: a[torch.arange(a.shape[0], device=a.device), i], (x, _indices(6, 4))),
        "index_select": (lambda a, i: a.index_select(1, i), (x, places[0])),
        "index_put": (lambda a, i: a.clone().index_put_((i,), a[0, 0, 0]), (x, places[0])),
        "gather": (lambda a, i: a.gather(1, i), (x, _indices(6, 4, 2, 8))),
        "scatter": (lambda a, i: torch.zeros_like(a).scatter(1, i, a), (x, _indices(6, 4, 1, 8))),
        "scatter_number": (lambda a, i: a.scatter(1, i, 2.0), (x, _indices(6, 4, 1, 8))),
        "scatter_add": (lambda a, i: a.scatter_add(1, i, a), (x, _indices(6, 4, 1, 8))),
        "nonzero": (lambda m: m.nonzero(), (mask,)),
        "masked_select": (torch.masked_select, (x, mask)),
        "masked_scatter": (lambda a, m, b: a.masked_scatter(m, b), (x, mask, y)),
        "slice_assignment": (lambda a: a.clone()[:, 2:4].fill_(7), (x,)),
        # copies
        "cat": (lambda a, b: torch.cat((a, b), 1), (x, y)),
        "stack": (lambda a, b: torch.stack((a, b), 1), (x, y)),
        "split": (lambda a: [part.contiguous() for part in a.split(2, -1)], (x,)),
        "transpose": (lambda a: a.transpose(0, 2).contiguous(), (x,)),
        "permute": (lambda a: a.permute(2, 0, 1).reshape(8, -1), (x,)),
        "expand": (lambda a: a.expand(3, 8).contiguous(), (row,)),
        "repeat": (lambda a: a.repeat(2, 1, 1), (x,)),
        "repeat_interleave": (lambda a: a.repeat_interleave(3, 1), (x,)),
        "flip": (lambda a: a.flip(1), (x,)),
        "roll": (lambda a: a.roll((1, 2), (0, 1)), (x,)),
        "tril": (torch.tril, (x,)),
        "triu": (lambda a: a.triu(1), (x,)),
        "pad": (lambda a: F.pad(a, (1, 2), value=3.0), (x,)),
        "pad_reflect": (lambda a: F.pad(a, (1, 2), mode="reflect"), (x,)),
        "pad_replicate": (lambda a: F.pad(a, (1, 2, 1, 1), mode="replicate"), (picture,)),
        "one_hot": (lambda i: F.one_hot(i, 5), (places,)),
        "to_float": (lambda a: a.float(), (x,)),
        "to_half": (lambda a: a.half(), (x,)),
        "to_bfloat16": (lambda a: a.bfloat16(), (x,)),
        "to_integer": (lambda a: (a * 10).long(), (x,)),
        "to_bool": (lambda a: a.bool(), (whole,)),
        "fill": (lambda a: torch.full_like(a, 2.5), (x,)),
        "zeros": (torch.zeros_like, (x,)),
        "ones": (torch.ones_like, (x,)),
        "arange": (lambda a: torch.arange(2, 9, 2, device=a.device), (x,)),
        "linspace": (lambda a: torch.linspace(0, 1, 5, device=a.device), (x,)),
        "eye": (lambda a: torch.eye(4, device=a.device), (x,)),
    }


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(SEED)
    CALLS = _calls()


def difference(expected: Any, found: Any) -> float:
    """The largest difference of two results, in units of the last place of max(|expected|, 1); integers: 0 or inf."""
    if isinstance(expected, (tuple, list)):
        return max(difference(one, other) for one, other in zip(expected, found, strict=True))
    found = found.cpu()
    if expected.shape != found.shape or expected.dtype != found.dtype:
        return float("inf")
    if not expected.is_floating_point():
        return 0.0 if torch.equal(expected, found) else float("inf")
    one, other = expected.double(), found.double()
    if not torch.equal(one.isnan(), other.isnan()):
        return float("inf")
    unit = torch.finfo(expected.dtype).eps * one.abs().clamp(min=1)
    return float(((one - other).abs() / unit).nan_to_num(0.0).max()) if one.numel() else 0.0


def main(dtype: torch.dtype) -> dict[str, float | str]:
    import torch_npu  # noqa: F401 - torch knows no NPU without it

    torch.npu.conv.allow_hf32 = False
    results: dict[str, float | str] = {}
    for name, (call, operands) in CALLS.items():
        cast = [operand.to(dtype) if operand.is_floating_point() else operand for operand in operands]
        expected = call(*cast)
        try:
            results[name] = difference(expected, call(*(operand.npu() for operand in cast)))
        except RuntimeError as error:
            results[name] = str(error).splitlines()[0]
    return results


if __name__ == "__main__":
    print(json.dumps(main(getattr(torch, sys.argv[1]))))
