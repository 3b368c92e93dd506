"""Summaries of every kind that a report must tell, built from one successful run on an NPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from npu_adapt import records as r
from npu_adapt.timing.statistics import latency

SHA = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
COMMAND = "npu-adapt compare google/vit-base-patch16-224 --device npu:0"
BENCH_COMMAND = "npu-adapt bench google/vit-base-patch16-224 --device npu:0 --iters 100"

MODEL = r.ModelInfo(
    id="google/vit-base-patch16-224",
    organization="google",
    task="image-classification",
    architecture="ViTForImageClassification",
    parameters=86567656,
    source="modelscope",
    revision="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    url="https://huggingface.co/google/vit-base-patch16-224",
)
WEIGHTS = r.WeightsInfo(
    pretrained_used=True,
    local_weight_used=True,
    path="/models/google/vit-base-patch16-224",
    files=(r.WeightFile(name="model.safetensors", bytes=346293852, sha256=SHA, verified_against="hub"),),
    proven_parameters=200,
    conversions=(r.Fact("cast", {"from": "float16", "to": "float32", "tensors": 200}),),
    left_out=(r.Fact("part", {"name": "pooler"}),),
)
ENVIRONMENT = r.Environment(
    python="3.11.7",
    platform="Linux-5.10-aarch64",
    torch="2.9.0+cpu",
    torch_npu="2.9.0.post1",
    transformers="4.57.6",
    cann="8.5.1",
    driver="25.0.rc1",
    firmware="7.7.0.6",
    devices=(
        r.DeviceInfo(index=0, name="Ascend910B4", memory_bytes=34359738368, free_memory_bytes=33285996544, health="OK"),
    ),
    cpu="Kunpeng-920",
    cpu_cores=24,
    memory_bytes=206158430208,
    packages={"safetensors": "0.6.2"},
    variables={"ASCEND_HOME_PATH": "/usr/local/Ascend/cann"},
)
RUN = r.Run(
    status="SUCCESS",
    device="npu:0",
    dtype="float32",
    attention="sdpa",
    numerics={"conv_hf32": True, "matmul_hf32": False},
    threads=24,
    seed=0,
    inputs=(r.InputInfo(name="pixel_values", shape=(1, 3, 224, 224), sha256=SHA, origin="china.jpg"),),
    outputs=(
        r.OutputInfo(name="logits", shape=(1, 1000), dtype="float32"),
        r.OutputInfo(name="last_hidden_state", shape=(1, 197, 768), dtype="float32"),
    ),
    predictions=(
        r.Prediction(label="palace", index=698, score=0.83456),
        r.Prediction(label="bell cote, bell cot", index=442, score=0.0412345),
    ),
    timings_ms=r.Timings(load=812.4471, first_forward=3412.871, warm_forward=5.98812),
    peak_memory_bytes=402653184,
    cpu_fallbacks=(),
)


def output(name: str, shape: tuple[int, ...], at: tuple[int, ...], scale: float = 1.0) -> r.OutputComparison:
    return r.OutputComparison(
        name=name,
        shape=shape,
        max_abs_diff=0.0121873 * scale,
        mean_abs_diff=0.00181123 * scale,
        cosine_similarity=0.9999961,
        relative_l2=0.00271133 * scale,
        nan_mismatches=0,
        inf_mismatches=0,
        worst_index=at,
        reference_value=1.2345678,
        candidate_value=1.2345678 + 0.0121873 * scale,
        float64_relative_l2=0.00271133 * scale,
        noise_floor=0.00201077,
        error_over_floor=0.00271133 * scale / 0.00201077,
    )


def reading(operators: str, arithmetic: str, bits: int, rounding: str, **shown: int | bool) -> r.ArithmeticReading:
    return r.ArithmeticReading(
        operators=operators, arithmetic=arithmetic, operand_bits=bits, rounding=rounding, **shown
    )


def relative_l2(value: float, place: str = "logits") -> r.Term:
    return r.Term(id="relative-l2", holds=value <= 0.01, place=place, value=value, limit=0.01)


def floors(over: float) -> r.Term:
    values = {"error": 0.00271133}
    return r.Term(id="noise-floor", holds=over <= 3, place="logits", value=over, limit=3.0, values=values)


def no_figure(metric: str) -> r.Term:
    return r.Term(id="no-figure", holds=False, place="logits", values={"metric": metric})


SAME_CLASSES = (r.Term(id="top-1", holds=True), r.Term(id="top-5", holds=True))
HALF = 0.00271133 * 0.5  # relative L2 of the other output
FIELD = (
    r.Term(id="cosine", holds=True, place="logits", value=0.9999961, limit=0.99),
    r.Term(id="mean-abs-diff", holds=True, place="logits", value=0.00181123, limit=0.005),
    r.Term(id="cosine", holds=True, place="last_hidden_state", value=0.9999961, limit=0.99),
    r.Term(id="mean-abs-diff", holds=True, place="last_hidden_state", value=0.00181123 * 0.5, limit=0.005),
)
WORST = r.WorstOutput(output="logits", sample=0)
COMPARE = r.Compare(
    reference="cpu",
    candidate="npu:0",
    samples=1,
    max_abs_diff=0.0121873,
    mean_abs_diff=0.00181123,
    cosine_similarity=0.9999961,
    relative_l2=0.00271133,
    top1_match=True,
    top5_match=True,
    match_within_1_percent=True,
    match_basis=(relative_l2(0.00271133), relative_l2(HALF, "last_hidden_state"), *SAME_CLASSES),
    outputs=(output("logits", (1, 1000), (0, 417)), output("last_hidden_state", (1, 197, 768), (0, 3, 519), 0.5)),
    worst_outputs={"max_abs_diff": WORST, "relative_l2": WORST},
    verdict=r.Verdict(
        passed=True,
        rule="noise-floor",
        terms=(floors(0.00271133 / 0.00201077),),
        others=(r.RuleOutcome(rule="field", passed=True, terms=FIELD),),
    ),
    latency=r.CompareLatency(reference_ms=141.2345, candidate_ms=6.0311, speed_up=141.2345 / 6.0311, iterations=20),
    arithmetic=r.ArithmeticReport(
        asked="auto",
        found=r.ArithmeticFound(matmul="float32", conv="hf32", attention="float32"),
        readings=(
            reading("matmul", "float32", 23, "none", accumulation_bits=23, overflows=False, flushes_denormals=True),
            reading("conv", "hf32", 11, "nearest-even", accumulation_bits=23, overflows=False, flushes_denormals=True),
            reading("attention", "float32", 23, "none", overflows=False),
        ),
        exp_overflows=False,
        judged_at="matmul float32, conv hf32, attention float32",
        fits=("matmul float32, conv hf32, attention float32", "hf32"),
    ),
    repeats=r.Repeats(forwards=3, reference_spread=0.0, reference_differing=0.0, candidate_differing=0.0),
)
SUSPECT = r.OperatorFinding(
    module="vit.encoder.layer.5.intermediate.dense",
    operator="linear",
    index=82,
    output_shape=(1, 197, 3072),
    test="rms",
    error_over_floor=41.23456,
    worst_index=(0, 17, 2071),
    reference=0.51234567,
    candidate=0.61234567,
)
# A hundred samples with these percentiles: 0, 50, 90, 99 and 100.
SAMPLES_MS = (
    5.91231,
    *[5.95] * 48,
    *[5.98812] * 2,
    *[6.05] * 38,
    *[6.10233] * 2,
    *[6.2] * 7,
    (6.51021 - 0.01 * 7.01235) / 0.99,
    7.01235,
)
BENCH = r.Bench(
    device="npu:0",
    dtype="float32",
    batch_size=1,
    warmup=10,
    iterations=100,
    latency_ms=latency(SAMPLES_MS),
    samples_ms=SAMPLES_MS,
    throughput_per_s=1e3 / 5.98812,
    peak_memory_bytes=402653184,
)
SUCCESS = r.Summary(
    schema_version=r.SCHEMA_VERSION,
    tool=r.ToolInfo(name="npu-adapt", version="0.1.0"),
    created_at="2026-01-31T12:00:00.000Z",
    command=BENCH_COMMAND,
    commands={"compare": COMMAND, "bench": BENCH_COMMAND},
    model=MODEL,
    weights=WEIGHTS,
    environment=ENVIRONMENT,
    run=RUN,
    compare=COMPARE,
    bench=BENCH,
)


def failed_verdict() -> r.Summary:
    compare = replace(
        COMPARE,
        relative_l2=0.0811,
        match_within_1_percent=False,
        match_basis=(relative_l2(0.0811), *SAME_CLASSES),
        operators=(SUSPECT, replace(SUSPECT, index=97, operator="gelu", error_over_floor=None, candidate=None)),
        first_suspect=SUSPECT,
        repeats=r.Repeats(forwards=3, reference_spread=0.0, reference_differing=0.0, candidate_differing=0.25),
        baseline=r.Baseline(
            path="before.json",
            created_at="2026-10-01T08:00:00.000Z",
            regressions=(r.Fact("coarser-arithmetic", {"operators": "conv", "before": "float32", "after": "hf32"}),),
            changes=(r.Fact("text", {"text": "torch_npu: 2.8.0 -> 2.9.0"}),),
        ),
        verdict=r.Verdict(
            passed=False,
            rule="noise-floor",
            terms=(
                r.Term(
                    id="operator-failed",
                    holds=False,
                    place=SUSPECT.module,
                    value=SUSPECT.error_over_floor,
                    values={"operator": "linear", "test": "rms", "index": 82, "sample": 0},
                ),
                floors(40.3344),
            ),
        ),
    )
    return replace(SUCCESS, compare=compare, bench=None, command=COMMAND, commands={"compare": COMMAND})


def rehearsed() -> r.Summary:
    command = "npu-adapt compare --rehearse hf32"
    run = replace(RUN, status="REHEARSED", device="rehearsed:hf32", peak_memory_bytes=None, cpu_fallbacks=None)
    compare = replace(
        COMPARE,
        candidate="rehearsed:hf32",
        latency=None,
        match_basis=(relative_l2(0.00271133), *SAME_CLASSES),
        verdict=r.Verdict(
            passed=True,
            rule="one-percent",
            terms=(relative_l2(0.00271133), *SAME_CLASSES),
            others=(
                r.RuleOutcome(rule="noise-floor", passed=True, terms=(r.Term(id="met-by-construction", holds=True),)),
            ),
        ),
    )
    environment = replace(ENVIRONMENT, torch_npu=None, cann=None, driver=None, firmware=None, devices=())
    model = replace(MODEL, id="builtin:digits-vit", organization=None, source="builtin", revision=None, url=None)
    weights = replace(WEIGHTS, files=(replace(WEIGHTS.files[0], verified_against="nothing"),))
    return replace(
        SUCCESS,
        command=command,
        commands={"compare": command},
        model=model,
        weights=weights,
        environment=environment,
        run=run,
        compare=compare,
        bench=None,
        reasons={"compare.latency": r.Fact("rehearsal-times-no-device")},
    )


def failed_run() -> r.Summary:
    failure = r.Failure(
        stage="forward", kind="out-of-memory", message="NPU out of memory. Tried to allocate 40.00 GiB", operator=None
    )
    run = replace(
        RUN, status="FAILED", outputs=(), predictions=(), timings_ms=None, peak_memory_bytes=None, failure=failure
    )
    reasons = {"compare": r.Fact("text", {"text": "the run on the device failed"})}
    return replace(SUCCESS, run=run, compare=None, bench=None, commands={"compare": COMMAND}, reasons=reasons)


def nulls() -> r.Summary:
    """Everything that may be None, is."""
    hole = replace(
        output("logits", (1, 7), (0, 0)),
        max_abs_diff=None,
        mean_abs_diff=None,
        cosine_similarity=None,
        relative_l2=None,
        nan_mismatches=3,
        reference_value=None,
        candidate_value=None,
        float64_relative_l2=None,
        noise_floor=None,
        error_over_floor=None,
    )
    compare = replace(
        COMPARE,
        max_abs_diff=None,
        mean_abs_diff=None,
        cosine_similarity=None,
        relative_l2=None,
        top1_match=None,
        top5_match=None,
        match_within_1_percent=False,
        match_basis=(
            no_figure("relative_l2"),
            r.Term(id="nan-mismatches", holds=False, place="logits", value=3, limit=0),
        ),
        outputs=(hole,),
        worst_outputs={},
        latency=None,
        arithmetic=r.ArithmeticReport(asked="auto", found=None),
        repeats=None,
        verdict=r.Verdict(passed=False, rule="noise-floor", terms=(no_figure("float64_relative_l2"),)),
    )
    timings = r.Timings(load=None, first_forward=12.5, warm_forward=None)
    run = replace(RUN, timings_ms=timings, peak_memory_bytes=None, cpu_fallbacks=None, numerics={"fma": None})
    bench = replace(
        BENCH,
        peak_memory_bytes=None,
        latency_ms=replace(BENCH.latency_ms, p99=None),
        warnings=(r.Fact("foreign-load", {"busy_cores": 0.7612, "cores": 2}),),
    )
    environment = replace(
        ENVIRONMENT,
        torch_npu=None,
        cann=None,
        driver=None,
        firmware=None,
        cpu=None,
        devices=(r.DeviceInfo(index=0, name="Ascend910B4", memory_bytes=None),),
    )
    return replace(SUCCESS, compare=compare, run=run, bench=bench, environment=environment)


def sweep() -> r.Summary:
    """A benchmark with everything in it: rows of each kind, the device's limits, a race, a gate, tokens."""
    row = r.BenchRow(
        dtype="float32",
        attention="sdpa",
        mode="eager",
        threads=24,
        batch_size=1,
        status="measured",
        relative_l2=0.0027,
        warmup=10,
        iterations=100,
        ended_by="iterations",
        latency_ms=BENCH.latency_ms,
        median_interval_ms=r.ConfidenceInterval(low=5.97123, high=6.00213, confidence=0.95),
        samples_ms=BENCH.samples_ms,
        host_samples_ms=(6.4, 6.5, 7.6),
        launch_gap_ms=0.51188,
        first_forward_ms=3412.871,
        warmup_ms=71.2345,
        throughput_per_s=153.8461,
        peak_memory_bytes=402653184,
        weights_bytes=346270624,
        activations_bytes=56382560,
        prefill_tokens_per_s=2461.5376,
        decode_tokens_per_s=151.2345,
        roofline=r.Roofline(
            matmul_flop_per_s=7.512e13,
            copy_bytes_per_s=6.21e11,
            launch_ms=0.01012,
            flop=35_126_000_000,
            bytes=346_900_000,
            operators=412,
            bound="launch",
            bound_ms=4.16944,
            achieved=0.696285,
        ),
        speed_up=r.SpeedUp(
            reference="cpu",
            reference_dtype="float32",
            reference_threads=24,
            reference_median_ms=141.2345,
            ratio=21.7284,
            interval=r.ConfidenceInterval(low=21.6012, high=21.8456, confidence=0.95),
        ),
        warnings=(r.Fact("outliers", {"outliers": 2, "samples": 100, "furthest_ms": 7.01235}),),
    )
    rows = (
        replace(
            row,
            mode="graph",
            status="failed",
            reason=r.Fact("row-failed", {"stage": "set-up", "class": "other", "message": "npu:0 captures no graphs"}),
            latency_ms=None,
            throughput_per_s=None,
            warnings=(),
        ),
        row,
        replace(
            row,
            batch_size=8,
            latency_ms=replace(BENCH.latency_ms, median=81.2345),
            throughput_per_s=98.4803,
            warnings=(r.Fact("foreign-load", {"busy_cores": 3.1012, "cores": 24}),),
        ),
        replace(
            row,
            dtype="bfloat16",
            status="wrong",
            reason=r.Fact("wrong-output", {"relative_l2": 0.3123, "limit": 0.05}),
            latency_ms=replace(BENCH.latency_ms, median=2.98812),
            throughput_per_s=331.2,
        ),
    )
    bench = replace(
        BENCH,
        rows=rows,
        best_row=1,
        result_row=1,
        attention="sdpa",
        threads=24,
        clock="device",
        memory_source="device-statistics",
        median_interval_ms=row.median_interval_ms,
        prefill_tokens_per_s=row.prefill_tokens_per_s,
        decode_tokens_per_s=row.decode_tokens_per_s,
        throughput_per_s=153.8461,
        warnings=row.warnings,
        process_medians_ms=(5.98812, 6.01234, 5.97001, 6.1, 5.99),
        pinned_cores=(2, 3),
        gate=r.Gate(
            baseline="baseline.json",
            fail_above=0.05,
            ratio=1.02345,
            interval=r.ConfidenceInterval(low=1.0102, high=1.0399, confidence=0.95),
            baseline_medians_ms=(5.8, 5.81, 5.82, 5.9, 5.86),
            passed=True,
            decided=True,
        ),
    )
    return replace(SUCCESS, compare=None, bench=bench, commands={"bench": BENCH_COMMAND})


def wrong_bench() -> r.Summary:
    """A benchmark on a device whose every setting gives other numbers than the reference."""
    summary = sweep()
    assert summary.bench is not None and summary.run is not None
    wrong = r.Fact("wrong-output", {"relative_l2": 0.3123, "limit": 0.01})
    row = replace(summary.bench.rows[1], status="wrong", reason=wrong, relative_l2=0.3123, warnings=())
    bench = replace(summary.bench, rows=(row,), best_row=0, result_row=0, warnings=(wrong,), gate=None)
    return replace(summary, bench=bench, run=replace(summary.run, status="FAILED"))


def stand_in() -> r.Summary:
    return replace(SUCCESS, environment=replace(ENVIRONMENT, cann="8.5.1-soft"))


def extremes() -> r.Summary:
    """The largest, the smallest, nothing at all, and texts that are empty."""
    scalar = replace(
        output("", (), ()),
        max_abs_diff=1.7976931348623157e308,
        mean_abs_diff=5e-324,
        cosine_similarity=-0.9999999999999999,
        relative_l2=0.0,
        reference_value=-1.1754943508222875e-38,
        candidate_value=3.4028234663852886e38,
        error_over_floor=1e-9,
        nan_mismatches=9_007_199_254_740_993,
        inf_mismatches=1,
    )
    compare = replace(COMPARE, outputs=(scalar,), match_basis=(), latency=replace(COMPARE.latency, speed_up=1e-7))
    latency = r.Latency(mean=0.0, median=9.9999, p90=99999.5, p99=1e6, std=1e-12, min=0.0, max=123456789.0)
    bench = replace(BENCH, latency_ms=latency, throughput_per_s=0.0, batch_size=100000, peak_memory_bytes=0)
    run = replace(RUN, inputs=(replace(RUN.inputs[0], origin="", shape=(0,)),), predictions=())
    model = replace(MODEL, parameters=671_026_419_200, organization="", url="file:///etc/passwd")
    return replace(SUCCESS, compare=compare, bench=bench, run=run, model=model, commands={}, command="")


def doubtful() -> r.Summary:
    """Weights that nobody vouches for, operators on the CPU, an environment with problems."""
    weights = replace(
        WEIGHTS,
        pretrained_used=False,
        files=(replace(WEIGHTS.files[0], verified_against="nothing"),),
        doubts=(r.Fact("untrained", {"norms": 25}),),
        unexpected_keys=tuple(f"extra.{number}.weight" for number in range(15)),
    )
    pair = {"cann": "8.5.1", "torch_npu": "2.13.0", "span": "from", "low": "9.0.0", "high": None, "fitting": ("2.9.0",)}
    problem = r.Problem(id="cann-too-old", severity="warning", values=pair)
    run = replace(RUN, cpu_fallbacks=("aten::nonzero", "aten::unique2"))
    return replace(SUCCESS, weights=weights, run=run, environment=replace(ENVIRONMENT, problems=(problem,)))


def examined() -> r.Summary:
    """What `env` found on a machine with one NPU that works, one that does not, and an npu-smi that nobody reads."""
    problems = (
        r.Problem(
            id="device-fails",
            severity="error",
            values={
                "devices": ("npu:1",),
                "failures": ("initialisation",),
                "messages": ("NPU function error: aclInit, error code is 507008",),
                "said": "NPU function error: aclInit, error code is 507008",
            },
        ),
        r.Problem(
            id="npu-smi-unreadable",
            severity="warning",
            values={"path": "/usr/local/bin/npu-smi", "said": "NPU 0 is fine"},
        ),
    )
    devices = (
        r.DeviceInfo(kind="npu", index=0, name="Ascend910B4", memory_bytes=34359738368, usable=True),
        r.DeviceInfo(kind="npu", index=1, name="Ascend NPU", memory_bytes=None, usable=False),
    )
    return replace(
        SUCCESS,
        model=None,
        weights=None,
        run=None,
        compare=None,
        bench=None,
        command="npu-adapt env --diff before.json",
        commands={"env": "npu-adapt env --diff before.json"},
        environment=replace(ENVIRONMENT, devices=devices, problems=problems, npu_smi="NPU 0 is fine\nNPU 1 is not"),
        changes=r.EnvironmentChanges(
            since="before.json",
            created_at="2026-01-30T12:00:00.000Z",
            changes=(
                r.Fact("value", {"name": "torch_npu", "before": "2.8.0", "after": "2.9.0.post1"}),
                r.Fact("value", {"name": "cann", "before": "8.3.RC1", "after": "8.5.1"}),
            ),
        ),
    )


SAMPLES: Mapping[str, Callable[[], r.Summary]] = {
    "success": lambda: SUCCESS,
    "failed-verdict": failed_verdict,
    "rehearsed": rehearsed,
    "failed-run": failed_run,
    "infer-only": lambda: replace(
        SUCCESS, compare=None, bench=None, command="npu-adapt infer", commands={"infer": "npu-adapt infer"}
    ),
    "bench-only": lambda: replace(SUCCESS, compare=None, commands={"bench": BENCH_COMMAND}),
    "nulls": nulls,
    "sweep": sweep,
    "wrong-bench": wrong_bench,
    "stand-in": stand_in,
    "doubtful": doubtful,
    "extremes": extremes,
    "examined": examined,
    "environment-only": lambda: replace(
        SUCCESS, model=None, weights=None, run=None, compare=None, bench=None, command="npu-adapt env", commands={}
    ),
}
