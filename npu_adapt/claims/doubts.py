"""What a reader must ask about: random inputs, cold timings, parts that were not compared or did not run on the NPU."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator

from npu_adapt.claims.claim import Claim
from npu_adapt.claims.finding import FindingId, Found
from npu_adapt.claims.numbers import Number
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.verdicts import ACCURATE

I = re.IGNORECASE  # noqa: E741
_INPUT = (
    r"输入|图像|图片|音频|语音|样本|数据|张量|文本|噪声图|tensor|inputs?|images?|audio|picture|sample|pixel|waveform"
    r"|features?"
)
_RANDOM = re.compile(
    rf"(?:随机|合成|虚拟|伪造|模拟|全零|全[01]|纯色|dummy|random(?:ly)?|synthetic|fake|generated noise"
    rf"|all[- ]zeros?|constant|blank|zeros|torch\.(?:randn?|zeros|ones)|np\.random)[^。；;|.]{{0,24}}(?:{_INPUT})"
    rf"|(?:{_INPUT})[^。；;|.]{{0,24}}(?:随机|合成(?!器)|dummy|random(?:ly)?(?! (?:seed|order|crop))"
    rf"|synthetic|全零|torch\.(?:randn?|zeros|ones)|np\.random)"
    r"|torch\.(?:randn?|zeros|ones)\(|np\.random\.rand",
    I,
)
_NOT_RANDOM = re.compile(
    r"未使用|没有使用|不使用|不是随机|非随机|而非随机"
    r"|not random|no random|no dummy|no synthetic|instead of random|real (?:photo|picture"
    r"|record)"
    r"|真实(?:图像|图片|音频|录音|样本)|数据集|dataset",
    I,
)
# What holds the words and is no input: it is not looked at, and what stands beside it is.
_OTHER_RANDOM = re.compile(
    r"随机(?:种子|性|初始化|权重|数(?!据))|random(?:[ _-]?(?:seed|state|number)s?| weights|ly init\w*)"
    r"|文本转语音|语音合成|合成(?:时间|耗时|\s*\d)|图像生成|text[- ]to[- ]speech|speech synthesis",
    I,
)
_RANDOM_CODE = re.compile(
    r"(?:inputs?|x|dummy\w*|pixel\w*|images?|img|sample\w*|data|audio|waveform"
    r"|features?)\s*=\s*(?:torch\.(?:randn?|zeros|ones|randint)|np\.random)"
    r"|torch\.randn?\(\s*\d+\s*,\s*[13]\s*,\s*\d{2,}"
    r"|fromarray\(\s*np\.random",
    I,
)
_RANDOM_HEAD = re.compile(
    r"newly initiali[sz]ed|(?:head|classifier|分类头|投影层|权重|weights?)[^。；;|]{0,30}(?:随机初始化"
    r"|randomly init|random weights|未加载|not loaded|not in the checkpoint)"
    r"|随机初始化[^。；;|]{0,12}(?:权重|分类头|head|模型|层)|randomly initiali[sz]ed|random(?:ly)?[- ]init"
    r"|missing[_ ]keys?\W{1,4}(?:\[['\"]|[1-9])|(?:未使用|不使用|没有)预训练权重|pretrained\s*=\s*False"
    r"|因预训练权重不含分类头",
    I,
)
_NOT_RANDOM_HEAD = re.compile(
    r"没有随机|无随机|非随机|不是随机|未发现|no (?:parameter|weight|layer|head)|not randomly|none|without random|\[\]",
    I,
)
_INCLUDED = (
    r"未预热|无预热|没有预热|含(?:模型)?(?:加载|编译)|包含(?:模型)?(?:加载|编译)|单次(?:运行|计时|测量)"
    r"|with (?:the )?(?:model'?s? )?(?:loading|compilation)|includ\w+ (?:the )?(?:model )?(?:loading|compil\w+)"
    r"|(?:loading|compilation) included|first (?:one|run|call) (?:with|includ)\w*|without (?:a )?warm-?up|no warm-?up"
    r"|before any warm|包含首次|含首次|包括首次|including the first"
)
_COLD = rf"首次|第一次|冷启动|首轮|first (?:\w+ )?(?:call|run|forward|inference|pass)|\bcold\b|{_INCLUDED}"
_REFERENCE = r"(?<![a-z])cpu(?![a-z])|基线|baseline|参考端"
_COLD_BASELINE = re.compile(
    rf"(?=.*(?:倍|\dx\b|\d ?×|加速|提速|speed|faster|基线|baseline|基准|对比|compare))"
    rf"(?:.*(?:{_REFERENCE})[^，,、]{{0,40}}(?:{_COLD})|.*(?:{_COLD})[^，,、]{{0,25}}(?:{_REFERENCE})"
    rf"|.*first (?:cpu|reference) (?:call|run|forward))",
    I,
)
_COLD_TIMING = re.compile(
    rf"(?=.*(?:平均|均值|mean|average|avg|时延|延迟|耗时|latency|吞吐|throughput))(?=.*(?:{_INCLUDED}))", I
)
_EXCLUDED = re.compile(
    r"不含|不包含|不计入|未计入|排除|剔除|除外|不包括|去除|跳过|exclud|not included|not counted|not part|left out"
    r"|discard|skipp?ed|without the first|after (?:the )?(?:first|warm)|预热后|then timed"
    r"|apart from|separately|不参与|另计|仅首次",
    I,
)
_PART = re.compile(
    r"(?:仅|只|单独)(?:对|就)?[^。；;|]{0,12}(?:进行)?(?:对比|比较|验证|评测|比对|校验)(?:了)?[^。；;|]{0,24}(?:encoder"
    r"|编码器|前\s?\d+|第一|首[个层]|部分|单层|backbone|主干|一层|输出形状|shape|形状)"
    r"|(?:解码|decoder|输出|结果|其余|其他|后续|文本|logits)[^。；;|]{0,8}(?:未|没有)(?:进行"
    r"|做)?(?:对比|比较|验证|比对)"
    r"|(?:未|没有)(?:进行|做)?(?:对比|比较|验证|比对)[^。；;|]{0,8}(?:解码|decoder|输出|结果"
    r"|其余|其他|后续|文本|logits)"
    r"|(?:仅|只)(?:对比|比较|比对)(?:了)?(?:\s*(?:encoder|编码器|前\s?\d+|第一|部分|输出形状))"
    r"|only (?:compar|check|verif)(?:ed|ing|ied|y)? (?:the )?"
    r"|only (?:the )?(?:[\w'-]+ ){0,3}?(?:encoder|first|backbone|one|a part|part|shape|vision)[^.;"
    r"|]{0,40}(?:compar|check|verif)\w*|(?:compar|check|verif)\w* only (?:the )?(?:encoder"
    r"|first|backbone|one|a part|part|shape|vision)|"
    r"(?:decoder|rest|remaining|head|outputs?|logits|tokens?|answers?|texts?|others?|boxes"
    r"|masks)[^.;|]{0,30}(?:was|were|is|are) not (?:compared"
    r"|checked|verified)|first \d+ (?:elements|values|logits) (?:were |are )?compared",
    I,
)
_ON_CPU = re.compile(
    r"(?:回退|退回|fallback|fall(?:s|en)? ?back|fell back|falling back)[^。；;|.]{0,14}cpu|(?:在|到"
    r"|于)\s*(?:cpu|主机|host)\s*[侧端上]?(?:执行|运行|完成|计算|进行)|(?:runs?|ran|executed?|running|computed?|done"
    r"|performed|handled|decoded|encoded|stays?|left|kept|remains?|moved|placed|offloaded)"
    r" (?:on|to) (?:the )?(?:host(?: cpu)?|cpu)\b"
    r"|cpu\s*(?:上)?(?:执行|运行)(?!时)|(?:由|使用)\s*cpu\s*(?:执行|计算|完成)",
    I,
)
_STAGE = re.compile(
    r"decoder|encoder|解码|编码|算子|operator|\bop\b|attention|注意力|stage|阶段|主干|backbone|unet|vae"
    r"|vocoder|声码器|layer|层|模块|子模型|generation|生成|nms|推理|model|模型|head|conv|matmul|embedding|lm"
    r"|transformer",
    I,
)
_NOT_ON_CPU = re.compile(
    r"没有|无(?:算子|需|任何)|未(?:发现|出现|发生|有|回退|见)|不会|不(?:会|存在|需要)|避免"
    r"|禁止|no (?:operator|op|stage|layer"
    r"|fallback|part)|\bnone\b|never|nothing|not fall|without|0 个|zero|如果|若|当.*不可用|\bif\b"
    r"|unavailable|不可用|otherwise|自动检测"
    r"|参考|基准|基线|baseline|reference|对照|对比|与 ?npu|compared?|as well as|预处理|前处理|后处理|pre-?process"
    r"|post-?process|tokeniz|分词|both|分别|warm|预热",
    I,
)
_LOOSE_WORD = re.compile(
    r"阈值|容差|容限|门槛|判据|判定|标准|视为|threshold|tolerance|toleran|criteri|\b[ra]tol\b|counts as"
    r"|considered|放宽|relaxed|loosened|limit",
    I,
)
_RELAXED = re.compile(
    r"(?:阈值|容差|标准|要求|误差)[^。；;|]{0,10}放宽|放宽[^。；;|]{0,14}(?:阈值|容差|标准|要求|至|到)|(?:relax"
    r"|loosen)(?:ed|ing)? (?:the )?(?:\w+ )?(?:tolerance|threshold|limit|criteri)"
    r"|tolerance (?:was )?(?:relax|loosen|rais)ed",
    I,
)
_RTOL = re.compile(r"\b[ra]tol\s*[=:]?\s*([\d.]+(?:e-?\d+)?)", I)
LEAST_COSINE = 0.99
MOST_ERROR = 0.01


# "是否回退到 CPU | 否", "fallback to the CPU: none": the answer that it is not so.
_DENIED = re.compile(r"(?:[|:?？]|=)\s*[\"'`]?(?:否|无|没有|未|不|no\b|none\b|false\b|never\b|❌|✗|×)", I)


def _lines(
    name: FindingId,
    pattern: re.Pattern[str],
    unless: re.Pattern[str] | None,
    *,
    most: int = 3,
    needs: re.Pattern[str] | None = None,
    other: re.Pattern[str] | None = None,
    deniable: bool = True,
    headless: bool = True,
) -> Callable[[ReportText], Iterator[Found]]:
    """A rule that looks for words in each line of what a report says. One finding, with its first places."""

    def rule(report: ReportText) -> Iterator[Found]:
        places = []
        for line, text in report.output:
            if headless and line in report.headings:
                continue
            for sentence in re.split(r"[。；;]", text):
                looked_at = other.sub(" ", sentence) if other else sentence
                if (
                    pattern.search(looked_at)
                    and not (unless and unless.search(looked_at))
                    and not (needs and not needs.search(looked_at))
                    and not (deniable and _DENIED.search(sentence))
                ):
                    places.append((line, " ".join(sentence.split())[:80]))
                    break
        if places:
            yield Found(name, tuple(places[:most]), "likely", {"given": places[0][1]})

    return rule


def random_input(report: ReportText) -> Iterator[Found]:
    """An input that is noise, zeros or made for the purpose, in words or in code."""
    yield from _first(
        _lines("random-input", _RANDOM, _NOT_RANDOM, other=_OTHER_RANDOM, headless=False)(report), _random_code(report)
    )


def _random_code(report: ReportText) -> Iterator[Found]:
    places = tuple((line, text.strip()[:80]) for line, text in report.program_lines if _RANDOM_CODE.search(text))
    if places:
        yield Found("random-input", places[:3], "likely", {"given": places[0][1]})


def _first(*rules: Iterator[Found]) -> Iterator[Found]:
    """What the first of several ways to see one thing sees."""
    for rule in rules:
        found = next(rule, None)
        if found is not None:
            yield found
            return


random_head = _lines("random-head", _RANDOM_HEAD, _NOT_RANDOM_HEAD)
part_compared = _lines("part-compared", _PART, None, deniable=False)
stage_on_cpu = _lines("stage-on-cpu", _ON_CPU, _NOT_ON_CPU, needs=_STAGE)


def cold(report: ReportText) -> Iterator[Found]:
    """A speed-up against a first run of the CPU; a mean that holds the first run."""
    for line, text in report.output:
        for sentence in re.split(r"[。；;]", text):
            if _EXCLUDED.search(sentence):
                continue
            shown = " ".join(sentence.split())[:80]
            if _COLD_BASELINE.search(sentence):
                yield Found("cold-baseline", ((line, shown),), "likely", {"given": shown})
            elif _COLD_TIMING.search(sentence) and re.search(r"平均|均值|mean|average|avg|性能", sentence, I):
                yield Found("cold-timing", ((line, shown),), "likely", {"given": shown})


_SERIES = re.compile(r"(?<![\d.])\d[\d.]*(?:\s*(?:ms|s|毫秒|秒)?\s*[,，、]\s*\d[\d.]*){4,}")
SLOW_FIRST = 3.0  # times the median of the others: the first run compiled or read something


def cold_series(report: ReportText) -> Iterator[Found]:
    """Single times, of which the first is far longer, beside a mean that holds it."""
    for line, text in report.output:
        for match in _SERIES.finditer(text):
            series = [float(each) for each in re.findall(r"\d+(?:\.\d+)?", match[0])]
            mean, others = statistics.fmean(series), series[1:]
            if series[0] < SLOW_FIRST * statistics.median(others):
                continue
            for claim in report.claims:
                if claim.metric == "latency" and claim.is_measured and _is_printed(mean, claim.number):
                    places = ((claim.line, claim.quote), (line, match[0][:80]))
                    yield Found("cold-timing", places, "certain", {"given": claim.quote})
                    return


def _is_printed(value: float, number: Number) -> bool:
    """Whether a number is that value by its digits, whatever its unit."""
    found = re.search(r"\d[\d,]*(?:\.(\d+))?", number.text)
    return found is not None and abs(float(found[0].replace(",", "")) - value) <= 10.0 ** -len(found[1] or "")


def loose_tolerance(report: ReportText) -> Iterator[Found]:
    """A tolerance that passes what the field's 1 % does not: a cosine of 0.9, an error of 5 %, rtol 0.1."""
    seen: set[int] = set()
    for claim in report.claims:
        if _is_loose(claim) and claim.line not in seen and (claim.is_threshold or _says_limit(report, claim)):
            seen.add(claim.line)
            yield Found("loose-tolerance", ((claim.line, claim.quote),), "likely", {"given": claim.quote})
    for line, text in (*report.output, *report.program_lines):
        match = _RTOL.search(text)
        if line not in seen and (
            (match and float(match[1].rstrip(".") or 0) > MOST_ERROR * 1.01) or _RELAXED.search(text)
        ):
            seen.add(line)
            yield Found(
                "loose-tolerance",
                ((line, " ".join(text.split())[:80]),),
                "likely",
                {"given": match[0] if match else text.strip()[:80]},
            )


def _is_loose(claim: Claim) -> bool:
    if claim.metric not in ACCURATE:
        return False
    if claim.metric == "cosine":
        return (
            claim.value < LEAST_COSINE
            and claim.number.bound != "<"
            and (bool(claim.number.bound) or claim.is_threshold)
        )
    is_limit = claim.number.bound == "<" or (claim.is_threshold and not claim.number.bound)
    return (
        claim.number.dimension == "percent"
        and claim.metric in ("error", "relative", "relative-l2", "mean-relative")
        and is_limit
        and claim.value > MOST_ERROR * 1.01
    )


def _says_limit(report: ReportText, claim: Claim) -> bool:
    return bool(_LOOSE_WORD.search(report.lines[claim.line - 1])) if claim.line <= len(report.lines) else False
