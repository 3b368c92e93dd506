"""Tasks on series of numbers over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, sample_of
from npu_adapt.records import Prediction

DEFAULT_POINTS = 512
FORECASTS = ("mean_predictions", "full_predictions", "prediction_outputs", "last_hidden_state")
STEPS_SHOWN = 5


def prepare_series(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`past_values` [1, points], or [1, points, channels] where the model has channels.

    A value names a text file of numbers, one a line or in columns; without any, waves with a trend and some noise.
    """
    points = int(getattr(loaded.config, "context_length", None) or DEFAULT_POINTS)
    channels = int(getattr(loaded.config, "num_input_channels", None) or 0)
    prepared = []
    for series, origin in series_of(values, samples, seed, points, max(1, channels)):
        shaped = series[None] if channels else series[None, :, 0]
        prepared.append(sample_of({"past_values": shaped}, origin))
    return tuple(prepared)


def series_of(values: Sequence[str], samples: int, seed: int, points: int, channels: int) -> list[tuple[Tensor, str]]:
    """[points, channels] of each file given, and its origin; without any, of `samples` waves. Raises `UsageError`."""
    given = [_read(Path(value), points, channels) for value in values]
    return given or [_waves(seed + number, points, channels) for number in range(samples)]


def _read(path: Path, points: int, channels: int) -> tuple[Tensor, str]:
    """The last `points` lines of the file, [points, channels]. Raises `UsageError`."""
    hint = Sentence("give a file with {channels} numbers a line, separated by commas or blanks", channels=channels)
    try:
        table = np.loadtxt(path, delimiter="," if "," in path.read_text() else None, ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise UsageError(
            Sentence("{path} cannot be read as numbers: {said}", path=path, said=first_line(error)), hint=hint
        ) from error
    if table.shape[1] != channels or len(table) < points:
        raise UsageError(
            Sentence(
                "{path} has {rows} lines of {columns} numbers; the model reads {points} of {channels}",
                path=path, rows=len(table), columns=table.shape[1], points=points, channels=channels,
            ),
            hint="give as many points and columns as the model reads",
        )  # fmt: skip
    return torch.from_numpy(table[-points:]).float(), Sentence(
        "file {name}, the last {points} points", name=path.name, points=points
    )


def _waves(seed: int, points: int, channels: int) -> tuple[Tensor, str]:
    random = np.random.default_rng(seed)
    time = np.arange(points)[:, None]
    periods = random.uniform(12, 48, (1, channels))
    series = np.sin(2 * np.pi * time / periods) + 0.002 * time + 0.1 * random.standard_normal((points, channels))
    return torch.from_numpy(series).float(), Sentence(
        "generated series of {points} points, seed {seed}", points=points, seed=seed
    )


def forecast(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """The forecast [1, steps, …], its quantiles where the model gives any, and the hidden state."""
    return outputs_of(module(**tensors), FORECASTS)


def next_steps(
    _loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The first steps of the forecast; of several channels the first one."""
    name = next(name for name in FORECASTS if name in outputs)
    steps = outputs[name][0].double().flatten(1)[:, 0] if outputs[name].dim() > 2 else outputs[name][0].double()
    return tuple(
        Prediction(label=f"t+{number + 1}", index=number, score=float(value), sample=sample_index)
        for number, value in enumerate(steps[:STEPS_SHOWN])
    )


ROWS = (
    Task(
        name="time-series-forecasting",
        tag="time-series-forecasting",
        modality="series",
        auto_class="AutoModelForTimeSeriesPrediction",
        classes=("MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING_NAMES",),
        processors=(),
        prepare=prepare_series,
        forward=forecast,
        read=next_steps,
        needs=("mean_predictions",),
    ),
)
