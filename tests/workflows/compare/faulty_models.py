"""A small transformer, and a device on the CPU of which one operator is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.arithmetic import ArithmeticByClass

FLOAT32, HF32 = ArithmeticByClass.uniform("float32"), ArithmeticByClass.uniform("hf32")
BFLOAT16 = ArithmeticByClass.uniform("bfloat16")


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        heads = y.view(1, -1, 2, y.size(-1) // 2).transpose(1, 2)
        x = x + F.scaled_dot_product_attention(heads, heads, heads).transpose(1, 2).reshape(x.shape)
        return x + self.down(F.gelu(self.up(self.norm(x))))


class Model(nn.Module):
    """Layers of width 32 and a head; a tensor changed in place, integers, and a mask of booleans on the way."""

    def __init__(self, dropout: float = 0.0, layers: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(20, 32)
        self.layers = nn.ModuleList(Layer(32) for _ in range(layers))
        self.dropout = dropout
        self.head = nn.Linear(32, 5)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        x[:, 0] += 1.0
        x = x.masked_fill(~(ids > 0).unsqueeze(-1), 0.0)
        for layer in self.layers:
            x = layer(x)
        return self.head(F.dropout(x, self.dropout, training=True) if self.dropout else x)


@dataclass(frozen=True)
class OneTask:
    """As much of a task as a forward needs."""

    def forward(self, module: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"logits": module(**tensors)}


@dataclass
class Faulty(TorchFunctionMode):
    """A device whose `function` is wrong from its `first` call on, `times` calls long."""

    function: Callable[..., Any]
    wrong: Callable[[Any], Any]
    first: int = 0
    times: int = 1000
    seen: int = field(default=0)
    fired: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is self.function:
            self.seen += 1
            if self.first < self.seen <= self.first + self.times:
                self.fired += 1
                return self.wrong(result)
        return result


IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 0, 0]])
