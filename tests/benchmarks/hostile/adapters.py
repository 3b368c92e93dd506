"""Adapters of every temper, with weights of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.files import NO_FILES
from tests.benchmarks.hostile.running import CPU, Input, some
from tests.benchmarks.hostile.weights import PICKLES, odd_header
from tests.mutations import damaged

SOUND = """
import torch
{top}
def model(weights):
    {before}
    made = torch.nn.Linear(4, 3)
    {loading}
    {model}
    return made
def inputs(values):
    {inputs}
    return {{"input": torch.ones(1, 4)}}
def outputs(result):
    {outputs}
    return {{"y": result}}
"""
LOADING = "made.load_state_dict(weights)"
PARTS: dict[str, dict[str, str]] = {
    "sound": {},
    "a syntax error": {"top": "def ("},
    "an indentation": {"top": "  x = 1"},
    "an error": {"top": "1 / 0"},
    "an exit": {"top": "raise SystemExit(0)"},
    "an exit of 1": {"top": "import sys; sys.exit(1)"},
    "an interrupt": {"top": "raise KeyboardInterrupt"},
    "a bare exception": {"top": "raise BaseException('x')"},
    "an import": {"top": "import no_such_package_at_all"},
    "recursion": {"top": "f = lambda: f()\nf()"},
    "a surrogate": {"top": "raise ValueError('\\ud800')"},
    "markup": {"top": "raise ValueError('[bold]x[/nothing] \\x1b[31m')"},
    "words on stdout": {"top": "print('noise')\nimport os; os.write(1, b'more noise')"},
    "a closed stdout": {"top": "import os; os.close(1)"},
    "another folder": {"top": "import os; os.chdir('/')"},
    "another default type": {"top": "torch.set_default_dtype(torch.float64)"},
    "threads": {"top": "import threading; threading.Thread(target=lambda: threading.Event().wait(3)).start()"},
    "a module that is none": {"model": "return 3"},
    "a module of None": {"model": "return None"},
    "a function": {"model": "return lambda x: x"},
    "a class": {"model": "return torch.nn.Linear"},
    "an error in model": {"model": "raise ValueError('no')"},
    "an exit in model": {"model": "raise SystemExit(3)"},
    "memory in model": {"model": "torch.empty(10**14)"},
    "a module on meta": {"model": "made = made.to('meta')"},
    "a script": {"model": "return torch.jit.script(made)"},
    "sparse parameters": {"model": "made.weight = torch.nn.Parameter(made.weight.detach().to_sparse())"},
    "complex parameters": {"model": "made.weight = torch.nn.Parameter(made.weight.detach().cfloat())"},
    "no parameters": {"model": "return torch.nn.ReLU()"},
    "parameters that are lazy": {"model": "return torch.nn.LazyLinear(3)"},
    "odd names": {"model": "made.register_buffer('[bold]\\x1b', torch.ones(3))"},
    "scaled weights": {"model": "made.weight.data *= 2"},
    "weights that are not loaded": {"loading": "pass"},
    "inputs of None": {"inputs": "return None"},
    "inputs of nothing": {"inputs": "return {}"},
    "inputs of a number": {"inputs": "return 3"},
    "inputs of texts": {"inputs": "return {'input': 'x'}"},
    "inputs of NaN": {"inputs": "return {'input': torch.full((1, 4), float('nan'))}"},
    "inputs of another name": {"inputs": "return {'x': torch.ones(1, 4)}"},
    "inputs of another shape": {"inputs": "return {'input': torch.ones(1, 5)}"},
    "inputs of numbers as names": {"inputs": "return {3: torch.ones(1, 4)}"},
    "inputs of a generator": {"inputs": "return ({'input': torch.ones(1, 4)} for _ in range(3))"},
    "inputs that hold themselves": {"inputs": "a = {}; a['input'] = a; return a"},
    "inputs that are sparse": {"inputs": "return {'input': torch.ones(1, 4).to_sparse()}"},
    "inputs without elements": {"inputs": "return {'input': torch.ones(0, 4)}"},
    "an error in inputs": {"inputs": "raise KeyError(values)"},
    "outputs of None": {"outputs": "return None"},
    "outputs of nothing": {"outputs": "return {}"},
    "outputs of texts": {"outputs": "return {'y': 'x'}"},
    "outputs of NaN": {"outputs": "return {'y': result * float('nan')}"},
    "outputs of odd names": {"outputs": "return {'': result, 3: result, None: result, '[/]\\x1b': result}"},
    "outputs that hold themselves": {"outputs": "a = []; a.append(a); return a"},
    "outputs that are sparse": {"outputs": "return {'y': result.to_sparse()}"},
    "outputs on meta": {"outputs": "return {'y': result.to('meta')}"},
    "outputs without elements": {"outputs": "return {'y': result[:0]}"},
    "outputs of booleans": {"outputs": "return {'y': result > 0}"},
    "ten thousand outputs": {"outputs": "return {str(n): result for n in range(10_000)}"},
    "an error in outputs": {"outputs": "raise AttributeError"},
    "an error without words in outputs": {
        "outputs": "raise type('O', (Exception,), {'__str__': lambda self: 1 / 0})()"
    },
    "another state at each forward": {"model": "made.forward = lambda input: torch.rand(1, 3)"},
    "a forward of None": {"model": "made.forward = lambda input: None"},
    "a forward that exits": {"model": "made.forward = lambda input: exit(0)"},
}
TEXTS: dict[str, bytes] = {
    "nothing": b"",
    "NUL": b"\0",
    "bytes": bytes(range(128, 256)),
    "UTF-16": SOUND.encode("utf-16"),
    "another encoding": b"# coding: klingon\n",
    "GBK as it says": "# coding: gbk\nx = '模型'\n".encode("gbk"),
    "GBK as it does not say": "x = '模型'\n".encode("gbk"),
    "deep brackets": b"(" * 5000 + b")" * 5000,
    "a long line": b"x = " + b"1+" * 200_000 + b"1",
    "no functions": b"x = 1\n",
    "model as a number": b"model = 3\n",
    "model without parameters": b"def model(): pass\n",
    "model of many parameters": b"def model(a, b, c): pass\n",
    "two models": b"def model_a(weights): pass\ndef model_b(weights): pass\n",
    "an async model": b"async def model(weights): pass\n",
    "a generator": b"def model(weights): yield 3\n",
    "a program": b"\x7fELF",
}
NAMES = (
    "x.py:",
    "x.py:no",
    "x.py:1",
    "x.py:model",
    "x.py::",
    "x.py:a:b",
    "y.py",
    "./",
    ".py",
    "x.py/",
    "x.PY",
    "x.pyc",
    "x.py:" + "a" * 5000,
)


def adapters(share: float, chosen: Random) -> Iterator[Input]:
    """What an adapter raises is shown with its traceback, since it is the user's own."""
    return (replace(given, own_traceback=True) for given in _adapters(share, chosen))


def _adapters(share: float, chosen: Random) -> Iterator[Input]:
    run, with_weights = ("infer", "x.py", *CPU), ("--weights", "w.safetensors")
    for name, parts in PARTS.items():
        for command in (run, ("compare", "x.py", "--fast", *CPU)):
            yield Input(f"adapter of {name}, {command[0]}", (*command, *with_weights), _files(_text(parts)))
    for name, text in TEXTS.items():
        yield Input(f"adapter that is {name}", (*run, *with_weights), _files(text))
    for name in NAMES:
        yield Input(f"adapter {name!r:.20}", ("infer", name, *CPU, *with_weights), _files(_text({})))
    for kind, make in NO_FILES.items():
        for place in ("x.py", "w.safetensors"):

            def prepare(folder: Path, place: str = place, make: Callable[[Path], None] = make) -> None:
                _files(_text({}))(folder)
                (folder / place).unlink()
                make(folder / place)

            yield Input(f"adapter where {place} is {kind}", (*run, *with_weights), prepare)
    sound = _safetensors()
    for number in some(share, 25):
        data = odd_header(sound, chosen) if chosen.randrange(4) else damaged(sound, chosen)
        yield Input(f"weights of an adapter {number}", (*run, *with_weights), _files(_text({}), data))
    for name in PICKLES:
        yield Input(
            f"weights of an adapter: a pickle of {name}", (*run, "--weights", "w.pt", "--allow-pickle"), _pickle(name)
        )
    for value in ("", ".", "/", "/dev/zero", "no", "~nobody", "w.safetensors/", "x.py", "*"):
        yield Input(f"--weights {value!r}", (*run, "--weights", value), _files(_text({})))
    yield Input("an adapter without --weights", run, _files(_text({})))
    yield Input("--weights for a model that is none", ("infer", *CPU, "--weights", "w.safetensors"), _files(_text({})))


def _text(parts: dict[str, str]) -> bytes:
    names = ("top", "before", "model", "inputs", "outputs")
    filled = {"loading": LOADING, **dict.fromkeys(names, "pass"), **parts}
    return SOUND.format(**filled).encode("utf-8", "surrogateescape")


def _safetensors() -> bytes:
    import torch
    from safetensors.torch import save

    return save({"weight": torch.linspace(-1, 1, 12).reshape(3, 4), "bias": torch.arange(3.0)})


def _files(text: bytes, weights: bytes | None = None) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / "x.py").write_bytes(text)
        (folder / "w.safetensors").write_bytes(_safetensors() if weights is None else weights)

    return prepare


def _pickle(name: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        import torch

        (folder / "x.py").write_bytes(_text({}))
        torch.save(PICKLES[name]({"weight": torch.ones(3, 4), "bias": torch.ones(3)}), folder / "w.pt")

    return prepare
