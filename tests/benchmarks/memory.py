"""How much memory `infer` and `compare` take on the CPU beside the weights, and which part of it no file is behind.

    python -m tests.benchmarks.memory [--mib 400] [--keep DIR]

A Llama of random weights in bfloat16, with an embedding that is a third of it, is made in a folder. Then run in turn,
one process each: a bare script's imports, the bare script with one forward, `infer`, `compare --fast` and `compare`.
Each peak is the process's largest resident set; what is above the bare imports is counted in weights. Exits with 1
where `infer` takes more than 1.15 of them, or `compare` more than 1.3.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
import transformers as tf  # noqa: E402

from tests.models.tiny_models import word_tokenizer  # noqa: E402

NPU_ADAPT = Path(sys.executable).with_name("npu-adapt")
LIMITS = {"infer": 1.15, "compare": 1.3}
POLL_SECONDS = 0.02
HIDDEN, VOCABULARY, INNER = 1024, 65_536, 2816
BARE = """
import sys
sys.modules.setdefault("torch_npu", None)
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
import transformers.models.llama.modeling_llama
if len(sys.argv) > 1:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(sys.argv[1]), AutoTokenizer.from_pretrained(sys.argv[1])
    with torch.inference_mode():
        model(**tokenizer("the quick brown fox", return_tensors="pt"))
"""


def checkpoint(folder: Path, mib: int, shard_mb: int = 50_000) -> int:
    """Writes a model of about so many MiB, in files of at most `shard_mb`; its bytes."""
    torch.manual_seed(0)
    layer = 2 * HIDDEN * (HIDDEN + HIDDEN // 4) + 3 * HIDDEN * INNER
    layers = max(1, (mib * 2**20 // 2 - VOCABULARY * HIDDEN) // layer)
    config = tf.LlamaConfig(
        hidden_size=HIDDEN, num_hidden_layers=layers, num_attention_heads=16, num_key_value_heads=4,
        intermediate_size=INNER, vocab_size=VOCABULARY, tie_word_embeddings=True, dtype="bfloat16",
    )  # fmt: skip
    model = tf.LlamaForCausalLM._from_config(config, dtype=torch.bfloat16)
    for name, parameter in model.named_parameters():
        if "norm" in name:  # else they look untrained
            parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(folder, max_shard_size=f"{shard_mb}MB")
    word_tokenizer(folder)
    return sum(parameter.nbytes for parameter in model.parameters())


def peak_mib(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """The largest resident set of a command, and the largest part of one that no file is behind."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    whole, anonymous = watched(process)
    if process.returncode not in (0, 3):
        raise SystemExit(f"{command} ended with {process.returncode}")
    return whole, anonymous


def watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """MiB that were resident at once, and the most that no file was behind, when the process has ended.

    By the kernel's own counts: smaps would hold the process up to look at each page, and what `wait4` tells is at least
    what this process had when it started the other.
    """
    whole = anonymous = 0.0
    while process.poll() is None:
        with suppress(OSError, KeyError):  # it is gone
            lines = map(str.split, Path(f"/proc/{process.pid}/status").read_text().splitlines())
            found = {fields[0]: int(fields[1]) / 1024 for fields in lines if fields[2:] == ["kB"]}
            whole, anonymous = max(whole, found["VmHWM:"]), max(anonymous, found["RssAnon:"])
        time.sleep(POLL_SECONDS)
    return whole, anonymous


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="a folder for the checkpoint, used again where it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = (options.keep or folder / "model").resolve()
        if not (model / "config.json").is_file():
            checkpoint(model, options.mib)
        weights = sum(file.stat().st_size for file in model.glob("*.safetensors")) / 2**20
        ours = [str(NPU_ADAPT), "{}", str(model), "--device", "cpu", "--offline", "--logs", str(folder / "logs")]
        commands = {
            "imports": [sys.executable, "-c", BARE],
            "bare script": [sys.executable, "-c", BARE, str(model)],
            "infer": [part.format("infer") for part in ours],
            "compare --fast": [*(part.format("compare") for part in ours), "--fast"],
            "compare": [part.format("compare") for part in ours],
        }
        print(f"weights {weights:.0f} MiB")
        holds, base = True, 0.0
        for name, command in commands.items():
            whole, anonymous = peak_mib(command, folder)
            base = base or whole
            share = (whole - base) / weights
            within = share <= LIMITS.get(name, share)
            holds = holds and within
            print(
                f"{name:15} {whole:6.0f} MiB, {anonymous:6.0f} without a file, {share:.2f} x the weights"
                f"{'' if within else f', MORE than {LIMITS[name]}'}",
                flush=True,
            )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
