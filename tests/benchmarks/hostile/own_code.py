"""Code that comes with a model, of every temper."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.models import MODEL, RUN, Models, changed
from tests.benchmarks.hostile.running import CPU, Input

CODE = """
import torch
from transformers import BertForSequenceClassification
{top}
class Own(BertForSequenceClassification):
    def __init__(self, config):
        super().__init__(config)
        {init}
    def forward(self, *args, **kwargs):
        {forward}
        return super().forward(*args, **kwargs)
"""
OWN: dict[str, dict[str, str]] = {
    "sound": {},
    "flash_attn": {"top": "import flash_attn"},
    "a package that is none": {"top": "from nowhere.at import all"},
    "a syntax error": {"top": "def ("},
    "a tab error": {"top": "if 1:\n\tpass\n        pass"},
    "an exit": {"top": "raise SystemExit(7)"},
    "an exit in the forward": {"forward": "raise SystemExit(0)"},
    "an interrupt in building": {"init": "raise GeneratorExit()"},
    "os._exit": {"init": "raise BaseException('odd')"},
    ".cuda()": {"init": "self.cuda()"},
    ".cuda() in the forward": {"forward": "args = [torch.ones(1).cuda()]"},
    "an assertion": {"init": "assert torch.cuda.is_available(), 'A100 only'"},
    "a bare assertion": {"forward": "assert False"},
    "a name": {"init": "undefined_name"},
    "recursion": {"forward": "return self.forward(*args, **kwargs)"},
    "deep recursion": {"init": "f = lambda n: f(n + 1)\n        f(0)"},
    "an exception without words": {"forward": "raise Exception()"},
    "an exception that cannot be shown": {
        "forward": "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()"
    },
    "a message of a megabyte": {"forward": "raise ValueError('x' * 1_000_000)"},
    "a message of markup": {"forward": "raise ValueError('[bold red]x[/nothing] [/] \\x1b[31m')"},
    "a message of halves": {"forward": "raise ValueError('\\ud800')"},
    "stdout": {"forward": "print('noise')"},
    "None": {"forward": "return None"},
    "a text": {"forward": "return 'x'"},
    "a number": {"forward": "return 3.0"},
    "an empty tuple": {"forward": "return ()"},
    "a cycle": {"forward": "a = []; a.append(a); return a"},
    "NaN": {"forward": "o = super().forward(*args, **kwargs); o.logits = o.logits * float('nan'); return o"},
    "sparse": {"forward": "return {'logits': torch.ones(1, 3).to_sparse()}"},
    "meta": {"forward": "return {'logits': torch.ones(1, 3, device='meta')}"},
    "complex": {"forward": "return {'logits': torch.ones(1, 3).cfloat()}"},
    "a name of markup": {"forward": "return {'[/]\\x1b': torch.ones(1, 3)}"},
    "a warning": {"forward": "import warnings; warnings.warn('[x]')"},
    "memory": {"forward": "return {'logits': torch.empty(10**13)}"},
    "a closed stdout": {"forward": "import os; os.close(1)"},
    "another default type": {"init": "torch.set_default_dtype(torch.float64)"},
    "gradients": {"forward": "torch.set_grad_enabled(True)"},
    "another seed": {"forward": "torch.manual_seed(3)"},
    "the working folder": {"init": "import os; os.chdir('/')"},
    "a deleted folder": {"init": "import shutil; shutil.rmtree('logs', ignore_errors=True)"},
    "no such module file": {"file": "elsewhere.py"},
}


def own_code(models: Models, chosen: Random) -> Iterator[Input]:
    """Code that comes with a model, of every temper."""
    base = models("bert-classes")
    for name, parts in OWN.items():
        for command in (("infer",), ("compare", "--fast"), ("infer", "--json")):
            trusted = (command[0], MODEL, *CPU, *command[1:], "--trust-remote-code")
            yield changed(f"own code: {name}, {' '.join(command)}", base, _own(parts), trusted)
    yield changed("own code, not trusted", base, _own({}), RUN)


def _own(parts: dict[str, str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text())
        content["architectures"] = ["Own"]
        content["auto_map"] = {"AutoModelForSequenceClassification": "modeling_own.Own"}
        (folder / "config.json").write_text(json.dumps(content))
        filled = {name: parts.get(name, "pass") for name in ("top", "init", "forward")}
        (folder / parts.get("file", "modeling_own.py")).write_text(CODE.format(**filled))

    return change
