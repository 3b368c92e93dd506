"""The smallest submodule that a compiler gets wrong, as a file of torch alone and a script that compiles it again."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from npu_adapt.devices import modes
from npu_adapt.models.tasks.results import named_tensors
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.workflows.compare.alone import CPU
from npu_adapt.workflows.compare.modes.culprit import Culprit
from npu_adapt.workflows.compare.repro.expression import Arguments, NotScriptable
from npu_adapt.workflows.compare.repro.script import EXPECTED, FOUND, reading, title
from npu_adapt.workflows.run.forward import Side

MODULE = "module.pt"
SHAPE_CHECK, KEPT_CHECK = "other-shape", "first-kept"


_Given = tuple[tuple[Any, ...], dict[str, Any]]  # positional and named


@dataclass(frozen=True)
class ModeCase:
    """What the files of the case hold."""

    script: str
    tensors: dict[str, Tensor]
    module: bytes  # a graph of torch's own functions, with its weights


def mode_case(culprit: Culprit, side: Side) -> ModeCase:
    """`side` is the whole model on the device.

    Raises `NotScriptable` for a result of whole numbers, and for what dynamo cannot trace as one graph.
    """
    device, output = side.device, culprit.suspect.output
    if output not in culprit.probes[0][1].floors:
        raise NotScriptable(f"{culprit.mode}: {output}")
    wanted = [probe for probe in culprit.probes if probe[0] == SHAPE_CHECK] or culprit.probes
    calls = [_called(culprit, expected.sample.tensors) for _, expected in wanted]
    args, kwargs = calls[0]
    tensors: dict[str, Tensor] = {}
    for number, call in enumerate(calls):
        tensors |= {f"{number}/{name}": tensor for name, tensor in Arguments(*call).tensors.items()}
    typed = Arguments(args, kwargs).text
    if "wide" in typed:
        raise NotScriptable("dtype")
    at = _position(culprit, args, kwargs)
    expected = wanted[0 if culprit.failing.check == KEPT_CHECK else -1][1]
    floor = expected.floors[output].floor
    assert floor is not None
    which = 0 if culprit.failing.check == KEPT_CHECK else -1
    tensors |= {EXPECTED: expected.truth[output], FOUND: _found(culprit, side, calls, at)[which]}
    tensors = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    about = f"{culprit.suspect.type} {culprit.suspect.module} compiled by {device.backend.compiler}"
    lines = (
        title(about, device, culprit.failing.check),
        *reading(device, tensors),
        f'device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "{device.name}")',
        f'module = torch.load(Path(__file__).with_name("{MODULE}"), weights_only=False).to(device)',
        f'module, results = torch.compile(module, backend="{device.backend.compiler}", dynamic=False), []',
        "with torch.inference_mode():",
        f"    for call in range({len(calls)}):",
        '        t = {n[len(f"{call}/"):]: v.to(device) for n, v in saved.items() if n.startswith(f"{call}/")}',
        f"        results.append(torch.utils._pytree.tree_leaves(module({typed}))[{at}])",
        f'exact, found = saved["{EXPECTED}"].double(), results[{which}].cpu().double()',
        f"over = ((found - exact).norm() / exact.norm()).item() / {floor!r}",
        f'print(f"{{over:.4g}} noise floors of {FLOOR_MARGIN:g}")',
        f"sys.exit(0 if over <= {FLOOR_MARGIN:g} else 1)",
    )
    return ModeCase("\n".join(lines) + "\n", tensors, exported(culprit.part.loaded.module, args, kwargs))


def _called(culprit: Culprit, tensors: Any) -> _Given:
    """The arguments with which the submodule itself is called, contiguous."""
    found: list[_Given] = []
    module, dtype = culprit.part.loaded.module, culprit.part.loaded.dtype

    def see(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.append(tree_map(_contiguous, (args, kwargs)))

    def cast(tensor: Tensor) -> Tensor:
        return tensor.to(CPU, dtype if tensor.is_floating_point() else tensor.dtype, copy=True)

    handle = module.register_forward_pre_hook(see, with_kwargs=True)
    try:
        with torch.inference_mode():
            culprit.part.loaded.task.forward(module, {name: cast(tensor) for name, tensor in tensors.items()})
    finally:
        handle.remove()
    return found[0]


def _contiguous(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    with torch.inference_mode(False):  # what is traced must not be a tensor of inference
        return leaf.detach().clone(memory_format=torch.contiguous_format)


def _found(culprit: Culprit, side: Side, calls: Sequence[_Given], at: int) -> list[Tensor]:
    """What the compiled submodule gives on the device, call after call: read when all have run."""
    module = modes.compiled(side.module.get_submodule(culprit.part.path), side.device)
    there = side.device.torch_device
    with torch.inference_mode(), side.context():
        results = [module(*args, **kwargs) for args, kwargs in (_moved(call, there) for call in calls)]
    return [tree_leaves(result)[at].cpu() for result in results]


def _moved(call: _Given, device: torch.device) -> _Given:
    """The arguments on a device."""
    moved: _Given = tree_map(lambda leaf: leaf.to(device, copy=True) if isinstance(leaf, Tensor) else leaf, call)
    return moved


def _position(culprit: Culprit, args: Sequence[Any], kwargs: dict[str, Any]) -> int:
    """Where among the tensors of the result the wrong one is."""
    with torch.no_grad():
        result = culprit.part.loaded.module(*args, **kwargs)
    wrong = named_tensors(result).get(culprit.suspect.output)
    at = next((at for at, leaf in enumerate(tree_leaves(result)) if leaf is wrong), None)
    if at is None:
        raise NotScriptable(culprit.suspect.output)
    return at


def exported(module: torch.nn.Module, args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    """The module traced into one graph of torch's own functions, which loads without the code that it was made by."""
    torch._dynamo.reset()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            graph, _ = torch._dynamo.export(module)(*args, **kwargs)
        file = io.BytesIO()
        torch.save(graph, file)
    except Exception as error:  # dynamo raises whatever the model's own code does
        raise NotScriptable(f"torch.export: {str(error).strip().partition(chr(10))[0]}") from error
    finally:
        torch._dynamo.reset()
    return file.getvalue()
