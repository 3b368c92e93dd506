"""Messages and hints in Chinese: every text that is raised has words, and errors hold no English but names and code."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from string import Formatter

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.errors import ModelError, Sentence, UsageError
from npu_adapt.report.language import in_language
from npu_adapt.report.phrases.messages import CHINESE, system
from tests.report.raised import texts

# Names, commands and other people's words: the same in both languages.
SAME = {
    "pip install 'torch_npu=={torch}'",
    "pip install 'npu-adapt[plot]'",
    "npu-adapt bench MODEL --plot FILE.png",
    "npu-adapt explain sweep",
    "sweep --diff OLD NEW",
    "--generate {room}",
    "Cannot create tensor with internal format while allow_internal_format=False",
    "C++ compiler",
    "Ascend NPU",
    "Intel GPU",
    "Apple GPU",
    "Meta MTIA",
    "Cambricon MLU",
    "Moore Threads GPU",
    "Enflame GCU",
    "Tecorigin SDAA",
    "Intel Gaudi",
}
SINGLE = {  # what is raised nowhere: one word each, and what a draft of a record says
    "error: ",
    "next:  ",
    "interrupted",
    " and ",
    "found",
    "the process ended in this stage",
}
COMMANDS = (
    r"npu-adapt(\[\w+\])?( --?[\w-]+| [a-z]+| [A-Z]+)*|pip install( --\w+)? [\w'\[\]-]+|apt install [\w+-]+|git lfs \w+"
    r"|hf auth login|modelscope login|npu-smi info|ray \w+|ffmpeg [-\w .]+|Hugging Face|TensorFlow|Git LFS"
    r'|source|"[^"]*"|--[\w-]+( [a-z]+)?|python3-dev'
)


def _places(text: str) -> set[str]:
    if "torch.ones" in text:  # an example in Python, which has braces of its own
        return set()
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_that_is_raised_has_chinese_words_and_all_words_are_of_one() -> None:
    raised: dict[str, str] = {}
    for place, text in texts():
        if re.search("[A-Za-z]", re.sub(r"\{[^}]*\}", "", text)) and text not in SAME:
            raised.setdefault(text, place)
    missing = {text: place for text, place in raised.items() if text not in CHINESE}
    assert not missing, f"give each words in report/phrases/messages; an f-string becomes a Sentence: {missing}"
    assert CHINESE.keys() - raised.keys() == SINGLE | system.CHINESE.keys()


def test_chinese_words_fill_the_same_places_and_are_chinese() -> None:
    for english, chinese in CHINESE.items():
        assert _places(chinese) == _places(english)
        assert not re.search(r"\b[a-z]{2,} [a-z]{2,}\b", re.sub(COMMANDS, "", chinese)), chinese


def test_a_sentence_is_its_english_and_is_said_in_chinese_with_the_sentences_within() -> None:
    inner = Sentence("{name} is not installed", name="torch_npu")
    outer = Sentence("no accelerator works here ({listed})", listed=Sentence.joined("; ", [inner, "torch sees none"]))
    assert outer == str(outer) == "no accelerator works here (torch_npu is not installed; torch sees none)"
    assert in_language(outer, "en") == outer
    assert in_language(outer, "zh") == "本机没有可用的加速器（没有安装 torch_npu；torch 没有发现加速器）"
    assert in_language("what other people say", "zh") == "what other people say"
    copied = pickle.loads(pickle.dumps(outer))
    assert (copied, copied.template, copied.values) == (outer, outer.template, outer.values)


def test_an_error_is_english_to_programs() -> None:
    error = UsageError(Sentence("{path} is empty (0 bytes)", path="a.png"), hint="fetch the model again")
    assert str(error) == error.message == "a.png is empty (0 bytes)"
    assert type(error.message) is str
    assert in_language(error.sentence, "zh") == "a.png 是空文件（0 字节）"
    assert in_language(error.advice, "zh") == "重新下载该模型"


WRONG = {  # what is typed, and the exit code
    "no such option": (["compare", "--nonsense"], 2),
    "a name that is nearly right": (["compare", "--sample", "3"], 2),
    "no such command": (["compair"], 2),
    "an option before the command": (["--nonsense"], 2),
    "no such command of models": (["models", "lost"], 2),
    "no such value": (["infer", "--dtype", "float33"], 2),
    "a text for a number": (["infer", "--seed", "x"], 2),
    "nothing behind an option": (["infer", "--device"], 2),
    "one argument too many": (["infer", "a/b", "c/d"], 2),
    "no model to fetch": (["fetch"], 2),
    "no such device": (["infer", "--device", "banana"], 2),
    "two cpus": (["infer", "--device", "cpu:3"], 2),
    "out of bounds": (["bench", "--iters", "0"], 2),
    "not a share": (["bench", "--tolerance", "x"], 2),
    "half a tolerance": (["compare", "--device", "cpu", "--rtol", "1e-3"], 2),
    "no such task": (["infer", "--task", "nonsense", "--device", "cpu"], 2),
    "a path that is not there": (["infer", "./nowhere", "--device", "cpu"], 2),
    "no id": (["infer", "a/b/c", "--device", "cpu"], 2),
    "no such built-in": (["infer", "builtin:nothing", "--device", "cpu"], 2),
    "not on this disk": (["infer", "org/name", "--offline", "--device", "cpu"], 5),
    "an input that is not there": (["infer", "builtin:digits-vit", "--device", "cpu", "--input", "no.png"], 2),
    "no summary": (["report"], 2),
    "no report of that form": (["report", "--out", "x.doc"], 2),
    "nothing of that name": (["models", "path", "org/name"], 5),
    "no article": (["explain", "quux"], 2),
    "an empty folder": (["infer", "empty", "--device", "cpu"], 5),
    "no such saved outputs": (["compare", "--rejudge", "empty"], 2),
}
# What may stand in a line of Chinese: paths, options, values, ids and names.
NAMES = re.compile(
    COMMANDS + r"|(?:--?)?[\w./:=\[\]{}+-]*[./_:=\d-][\w./:=\[\]{}+-]*|'[^']*'|[A-Z]{2,}\w*|"
    r"|auto|cpu|npu|cuda|xpu|mps|mtia|mlu|musa|gcu|sdaa|hpu|torch|safetensors|Hub|WebP|quux|banana|empty"
    r"|summarization|translation",
    re.ASCII,
)


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_in_chinese_holds_no_english_but_names(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NPU_ADAPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NPU_ADAPT_LANG", "zh")
    (tmp_path / "empty").mkdir()
    (tmp_path / "logs").mkdir()
    arguments, code = WRONG[wrong]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    said = result.stderr.partition("错误：")[2]
    assert "建议：" in said, result.stderr
    left = re.findall(r"[A-Za-z]{3,}", NAMES.sub("", said))
    assert not left, f"{left} in {said}"


def test_a_failure_that_wraps_one_is_chinese_throughout() -> None:
    cause = Sentence("{file} is cut short: {size} bytes where its header tells {end}", file="a", size=1, end=2)
    error = ModelError(Sentence("{model}: {cause}", model="org/name", cause=cause), hint="not there")
    assert in_language(error.sentence, "zh") == "org/name：a 被截断：实际 1 字节，文件头记载 2 字节"
