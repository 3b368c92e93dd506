"""One device, whatever its backend: the only object through which the rest of the package touches hardware."""

from __future__ import annotations

import functools
import operator
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from npu_adapt.devices.backends import Backend, Flag
from npu_adapt.devices.failures import classify_failure
from npu_adapt.errors import DeviceUnavailable, RunFailed, Sentence, UsageError, first_line
from npu_adapt.numerics.formats import dtype_name

if TYPE_CHECKING:
    import torch

# Both of torch_npu's wordings, and that of MPS: "The operator 'aten::x' is not currently supported on the NPU backend
# and will fall back to run on the CPU", "The operator aten::x is currently not supported … fallback to run on the CPU".
_FALLBACK = re.compile(r"operator '?(?P<operator>[\w:.]+)'?.*?fall ?back to (?:run on )?the CPU", re.DOTALL)


class EventTimer:
    """Device time between two points of the device's own queue.

    `start()` and `stop()` return at once; `elapsed_ms()` is valid after the device was synchronised.
    """

    def __init__(self, event_class: Callable[..., Any]) -> None:
        self._started = event_class(enable_timing=True)
        self._stopped = event_class(enable_timing=True)

    def start(self) -> None:
        self._started.record()

    def stop(self) -> None:
        self._stopped.record()

    def elapsed_ms(self) -> float:
        return float(self._started.elapsed_time(self._stopped))


@dataclass(frozen=True)
class Device:
    """A device that has been proven to compute. Built by `open_device` only.

    Errors of the backend pass through unchanged; `classify` says what they are.
    """

    name: str  # "cpu", "npu:0"
    torch_device: torch.device
    display_name: str  # "Ascend910B4"
    backend: Backend
    _module: Any = field(repr=False)  # torch.npu, torch.cuda, …
    _fallbacks: dict[str, None] = field(default_factory=dict, repr=False, compare=False)  # an ordered set

    def synchronize(self) -> None:
        """Return when everything queued on the device is done. Costs under a microsecond on the CPU."""
        if self.backend.event is None and self.backend.current_memory is None:
            return
        self._call("synchronize")

    def reset_peak_memory(self) -> None:
        """Forget the peak so far. Nothing happens where the backend keeps no statistics."""
        if self.backend.reset_peak and hasattr(self._module, self.backend.reset_peak):
            self._call(self.backend.reset_peak)

    def peak_memory_bytes(self) -> int | None:
        """The most that tensors took at once since `reset_peak_memory`; None where the backend keeps no statistics."""
        return self._statistic(self.backend.peak_memory)

    def allocated_bytes(self) -> int | None:
        """What tensors take now; None where the backend keeps no statistics."""
        return self._statistic(self.backend.current_memory)

    def free_and_total_memory(self) -> tuple[int, int] | None:
        """Bytes free to any process and bytes in all, on the CPU the machine's; None: the backend does not tell."""
        if self.backend.kind == "cpu":
            import psutil

            memory = psutil.virtual_memory()
            return memory.available, memory.total
        if self.backend.memory_info is None or not hasattr(self._module, self.backend.memory_info):
            return None
        free, total = self._call(self.backend.memory_info)
        return int(free), int(total)

    def memory_of_others(self) -> int | None:
        """Bytes of the device's memory that this process does not hold; None: the backend does not tell.

        The driver's own share is in it, so it is its change that says something.
        """
        reserved = self._statistic(self.backend.reserved_memory)
        if reserved is None or self.backend.memory_info is None:
            return None
        memory = self._free_memory_or_none()
        return None if memory is None else max(0, memory[1] - memory[0] - reserved)

    def utilization(self) -> float | None:
        """The share of the last moments in which the device worked, for whomever; None: the backend does not tell."""
        percent = self._told(self.backend.utilization)
        return None if percent is None else percent / 100

    def clock_megahertz(self) -> float | None:
        """The present clock of the device's processors; None: the backend does not tell."""
        return self._told(self.backend.clock_rate)

    def temperature_celsius(self) -> float | None:
        """The present temperature of the device; None: its module does not tell."""
        return self._told(self.backend.temperature)

    def numerics(self) -> dict[str, bool | int | str | None]:
        """What changes the numbers on this device: its flags as they are now, then its environment variables.

        None is a flag that this version of torch or of the backend does not have, or a variable that is not set.
        """
        found: dict[str, bool | int | str | None] = {flag.name: _read(flag) for flag in self.backend.flags}
        found.update({name: os.environ.get(name) for name in self.backend.variables})
        return found

    def pin_hf32(self, allow: bool) -> None:
        """Allow or forbid HF32, on CUDA TF32, in matrix products and convolutions alike.

        Raises `UsageError` for a backend with neither.
        """
        if not self.backend.hf32_flags:
            raise UsageError(
                Sentence(
                    "{name} has neither HF32 nor TF32, so --hf32 and --no-hf32 mean nothing there", name=self.name
                ),
                hint="leave the option out, or choose an Ascend NPU or a CUDA device",
            )
        for path in self.backend.hf32_flags:
            owner, _, attribute = path.rpartition(".")
            setattr(_resolve(owner), attribute, allow)

    def precision_flags(self) -> dict[str, bool]:
        """The switches that `pin_hf32` sets, as they are now, by their path in torch; none where it has none."""
        return {path: bool(_resolve(path)) for path in self.backend.hf32_flags}

    def require_dtype(self, dtype: torch.dtype) -> None:
        """Raise `DeviceUnavailable` with the reason if the device cannot compute in `dtype`."""
        import torch

        name = dtype_name(dtype)
        other = "float16" if dtype is torch.bfloat16 else "float32"
        hint = Sentence("run with --dtype {other}, or choose another --device", other=other)
        if dtype is torch.bfloat16 and self.backend.bfloat16 and not getattr(self._module, self.backend.bfloat16)():
            raise DeviceUnavailable(
                Sentence(
                    "{name} ({display_name}) does not compute in {dtype}",
                    name=self.name,
                    display_name=self.display_name,
                    dtype=name,
                ),
                hint=hint,
            )
        try:
            prove(self.torch_device, dtype)
        except (RuntimeError, TypeError) as error:
            raise DeviceUnavailable(
                Sentence(
                    "{name} ({display_name}) failed a small computation in {dtype}: {said}",
                    name=self.name,
                    display_name=self.display_name,
                    dtype=name,
                    said=first_line(error),
                ),
                hint=hint,
            ) from error

    def event_timer(self) -> EventTimer | None:
        """A timer on the device's own clock; None where the backend has no timed events (the CPU)."""
        if self.backend.event is None:
            return None
        try:
            return EventTimer(operator.attrgetter(self.backend.event)(self._module))
        except (AttributeError, TypeError, RuntimeError):
            return None

    def captured(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """A function that replays `call` as one graph and returns what it returned, refilled in place each time.

        `call` must have run before. Raises `RunFailed` for a device without graphs; what a capture raises is passed on.
        """
        graph_class = None if self.backend.graph is None else getattr(self._module, self.backend.graph, None)
        if graph_class is None:
            raise RunFailed(
                Sentence("{name} captures no graphs", name=self.name),
                hint="leave --mode graph out, or use --mode compile",
                stage="capture",
                kind="mode-not-supported",
            )
        graph = graph_class()
        with self._module.graph(graph):
            result = call()

        def replay() -> Any:
            graph.replay()
            return result

        return replay

    def classify(self, error: BaseException, stage: str, operator: str | None = None) -> RunFailed | None:
        """What `error` says about the device, as the failure to raise from it; None if it is not about the device.

        `operator` is the one that raised it, where that is known and the error does not say it.
        """
        memory = self._free_memory_or_none()
        return classify_failure(error, stage=stage, device=self.name, memory=memory, operator=operator)

    @contextmanager
    def recording_fallbacks(self, *, every: bool = True) -> Iterator[None]:
        """Within it, operators that the backend silently computes on the CPU are noted for `cpu_fallbacks`.

        Backends warn once per place in their source, which names the first operator only, so every warning is asked
        for meanwhile; those about anything else are passed on as they would have been. That slows each fallback down:
        without `every`, as while something is timed, only those are noted that the backend warns of by itself.
        """
        if not self.backend.tells_fallbacks:
            yield
            return
        import torch

        always = torch.is_warn_always_enabled()
        show = warnings.showwarning
        with warnings.catch_warnings():
            warnings.filterwarnings("always", message=r"[\s\S]*fall ?back")
            torch.set_warn_always(every or always)
            warnings.showwarning = functools.partial(self._note_or_show, show)
            try:
                yield
            finally:
                torch.set_warn_always(always)

    def cpu_fallbacks(self) -> tuple[str, ...] | None:
        """Operators seen to run on the CPU instead, in order of appearance; None: this backend does not tell."""
        return None if self.backend.tells_fallbacks is None else tuple(self._fallbacks)

    def _note_or_show(self, show: Callable[..., None], message: Warning | str, *args: Any, **kwargs: Any) -> None:
        match = _FALLBACK.search(str(message))
        if match is None:
            show(message, *args, **kwargs)
        else:
            self._fallbacks[match["operator"]] = None

    def _call(self, function: str) -> Any:
        return getattr(self._module, function)(*((self.torch_device,) if self.backend.indexed else ()))

    def _statistic(self, function: str | None) -> int | None:
        if function is None or not hasattr(self._module, function):
            return None
        return int(self._call(function))

    def _told(self, function: str | None) -> float | None:
        """What a management function answers; None where it is missing, or its library or the driver's right is."""
        if function is None or not hasattr(self._module, function):
            return None
        try:
            return float(self._call(function))
        except Exception:  # noqa: BLE001 - NVML and its like raise classes of their own, which are not torch's
            return None

    def _free_memory_or_none(self) -> tuple[int, int] | None:
        try:
            return self.free_and_total_memory()
        except RuntimeError:  # a lost device answers nothing any more
            return None


def prove(torch_device: torch.device, dtype: torch.dtype) -> None:
    """Compute 1 + 1 on the device and bring it back. Raises what the backend raises, `RuntimeError` for a wrong sum."""
    import torch

    ones = torch.ones(8, dtype=dtype, device=torch_device)
    total = float((ones + ones).cpu().sum())
    if total != 16.0:
        raise RuntimeError(f"eight times 1 + 1 came back as {total} instead of 16")


def _resolve(path: str) -> Any:
    """The object at a dotted path that begins with an imported module."""
    module, _, rest = path.partition(".")
    return operator.attrgetter(rest)(sys.modules[module])


def _read(flag: Flag) -> bool | int | str | None:
    """The flag's value now; None where this torch has no such flag or mixes its old and new way of setting it."""
    try:
        value = _resolve(flag.path.removesuffix("()"))
        if flag.path.endswith("()"):
            value = value() if flag.option is None else value(flag.option)
    except (AttributeError, KeyError, RuntimeError):
        return None
    if isinstance(value, bytes):
        return value.decode() or "default"
    if isinstance(value, bool):
        return value is not flag.negated
    return value if isinstance(value, int | str) else str(value)
