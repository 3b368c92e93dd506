"""A configuration made small by reading its fields, those of nested configurations too; no architecture is named.

Five ways, from the smallest to the most careful. What a field is, its name tells; what values belong together, that
they are equal, or each a multiple of the other. Where a way breaks a relation that a model needs, the next is tried.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Fields: TypeAlias = Mapping[str, Any]
HEADS, LAYERS, WORDS = 4, 2, 160
MOST_LAYERS = 4  # so that each kind of layer of a mixed model is there
PICTURE = 64  # pixels a side, or the next multiple of the patches below
POSITIONS = 512
COLOURS = 4  # channels of a picture at most
_COMPUTED = ("stage_names", "out_features")  # from the layers and `out_indices`
_PLAIN = ("id2label", "label2id", "task_specific_params")  # tables that hold no sizes


@dataclass(frozen=True)
class Way:
    """How much is taken away."""

    name: str
    head_dim: int = 0  # of four heads, which give all other widths; 0: widths keep their relations
    divisor: int = 1  # of all widths then; the heads are kept
    small_pictures: bool = False
    whole: bool = True  # with the model type's own processor of several parts; False: with the parts alone

    @property
    def keeps_all(self) -> bool:
        """Whether nothing but layers is taken away."""
        return not self.head_dim and self.divisor == 1

    @property
    def width(self) -> int:
        return HEADS * self.head_dim


WAYS = (
    Way("tiny", head_dim=16, small_pictures=True),
    Way("heads of 64", head_dim=64),
    Way("heads of 128", head_dim=128),
    Way("divided", divisor=8),
    Way("shallow"),
)


@dataclass(frozen=True)
class Around:
    """What a field's new value depends on besides its old one."""

    name: str
    fields: Fields  # of the same configuration
    way: Way
    count: int  # of layers, before; 0: it is said stage by stage, or not at all
    kept: tuple[int, ...]  # the layers that stay

    @property
    def staged(self) -> bool:
        return any(isinstance(self.fields.get(name), (list, tuple)) for name in ("depths", "hidden_sizes"))


@dataclass(frozen=True)
class Rule:
    """What becomes of a whole number, or of a list of them, by the field's name: the first rule that fits."""

    names: str
    number: Callable[[int, Around], int]
    but: str = r"^$"  # names that only look like it
    fixed: bool = False  # only where widths get fixed values

    def fits(self, name: str, way: Way) -> bool:
        right = re.search(self.names, name) is not None and re.search(self.but, name) is None
        return right and (way.head_dim > 0 or not self.fixed)


def shrunk(fields: Fields, way: Way) -> dict[str, Any]:
    """The fields of a configuration, as its `to_dict` gives them, made small."""
    count = _layer_count(fields)
    kept = _layers_kept(fields, count)
    derived = isinstance(fields.get("out_indices"), (list, tuple))
    return {
        name: _field(value, Around(name, fields, way, count, kept))
        for name, value in fields.items()
        if not (derived and name in _COMPUTED)
    }


def _layer_count(fields: Fields) -> int:
    for name in ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "depth", "encoder_layers"):
        if isinstance(fields.get(name), int) and not isinstance(fields.get("depths"), (list, tuple)):
            return int(fields[name])
    return 0


def _layers_kept(fields: Fields, count: int) -> tuple[int, ...]:
    """Which layers stay: one of each kind, so that no branch of a mixed model is lost, and all that are pointed at."""
    places = [len(value) for name, value in fields.items() if _PLACES.search(name) and _are_places(value, count)]
    least = min(MOST_LAYERS, max([LAYERS, *places]))
    tables = [tuple(value) for value in fields.values() if isinstance(value, (list, tuple)) and len(value) == count]
    kinds = list(zip(*tables, strict=True)) if tables and count > 1 else []
    first = sorted({kind: number for number, kind in reversed(list(enumerate(map(str, kinds))))}.values())[:MOST_LAYERS]
    more = [number for number in range(count) if number not in first]
    return tuple(sorted([*first, *more[: max(0, least - len(first))]]))


_PLACES = re.compile(r"indices|indexes|layer(_\w+)?$|layers$|_ids$|_idx$")


def _are_places(value: Any, count: int) -> bool:
    """Whether a list holds numbers of layers."""
    return (
        isinstance(value, (list, tuple)) and bool(value) and all(type(each) is int and each <= count for each in value)
    )


def _field(value: Any, around: Around) -> Any:
    if isinstance(value, Mapping):
        if around.name in _PLAIN:
            return value
        if value and all(str(key).isdigit() for key in value):
            return _by_layer(value, around) if all(int(key) < around.count for key in value) else value
        return shrunk(value, around.way)
    if isinstance(value, (list, tuple)):
        return _listed(list(value), around)
    if value is None:
        return _absent(around)
    return value if isinstance(value, bool) or not isinstance(value, int) else _number(value, around)


def _by_layer(table: Mapping[Any, Any], around: Around) -> dict[Any, Any]:
    """What is said of some layers by their numbers, for those that stay."""
    of = {str(key): value for key, value in table.items()}
    places = ((place, of[str(number)]) for place, number in enumerate(around.kept) if str(number) in of)
    return {type(next(iter(table)))(place): shrunk(value, around.way) for place, value in places}


def _absent(around: Around) -> Any:
    """What a default configuration leaves open, and its model cannot do without."""
    if around.name in _KINDS:
        return [_KINDS[around.name]] * len(around.kept) or None
    if around.name == "vocab_size":
        return WORDS
    if around.name == "num_experts_per_tok":
        return 2
    if around.name == "prediction_length":
        return 8
    computed = around.name == "head_dim" and around.way.head_dim and "num_attention_heads" in around.fields
    return around.way.head_dim if computed else None


_KINDS = {"layer_types": "full_attention", "mlp_layer_types": "dense"}


def _number(value: int, around: Around) -> int:
    if around.name == "hidden_size" and {"architecture", "do_pooling"} <= around.fields.keys():
        return value  # of a tower of timm, whose name tells its width
    rule = next((rule for rule in RULES if rule.fits(around.name, around.way)), None)
    return value if rule is None else rule.number(value, around)


def _listed(values: list[Any], around: Around) -> list[Any]:
    """Lists of one entry a layer are cut with the layers; lists of one entry a stage keep their length."""
    if around.count > LAYERS and len(values) == around.count:
        return [values[number] for number in around.kept]
    if around.name.endswith("feature_sizes"):
        return _of_pictures(values, around.fields, around.way)
    of_timm = around.name == "backbone_channel_list" and "timm" in str(around.fields.get("backbone_config"))
    if of_timm or "block_configs" in around.fields:  # not made smaller, or its widths are written out
        return values
    if not _are_numbers(values):
        return [shrunk(value, around.way) if isinstance(value, Mapping) else value for value in values]
    if around.count > LAYERS and _PLACES.search(around.name) and _are_places(values, around.count):
        first = 1 if around.name == "out_indices" else 0  # the stem is a stage too
        return [first + number for number in range(min(len(values), len(around.kept)))]
    rule = next((pattern for pattern in LIST_RULES if re.search(pattern, around.name)), None)
    return values if rule is None else LIST_RULES[rule](values, around)


def _of_pictures(sizes: list[Any], fields: Fields, way: Way) -> list[Any]:
    """Heights and widths of maps of a picture, smaller as the picture is."""
    old, new = next(_picture_sizes(fields, way), (1, 1))
    return [[side * new // old for side in size] if isinstance(size, (list, tuple)) else size for size in sizes]


def _picture_sizes(fields: Fields, way: Way) -> Iterator[tuple[int, int]]:
    """The size of the pictures before and after, wherever in the configuration it is said."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _picture_sizes(value, way)
        side = value[0] if name == "image_size" and _are_numbers(value) else value
        if name == "image_size" and type(side) is int:
            yield side, picture_size(side, Around(name, fields, way, 0, ()))


def _layers(value: int, around: Around) -> int:
    return value if around.staged else min(value, len(around.kept) or LAYERS)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(type(each) is int for each in value)


def _heads(value: int, around: Around) -> int:
    """Four heads; fewer heads of keys and values than of queries stay fewer."""
    names = ("num_attention_heads", "n_head", "num_heads", "n_heads")
    queries = next((around.fields[name] for name in names if isinstance(around.fields.get(name), int)), value)
    grouped = 1 < value < queries and re.search("kv|key", around.name)
    return HEADS // 2 if grouped else min(value, HEADS)


def _head_dim(value: int, around: Around) -> int:
    """The heads of a state space model share its expanded width."""
    parts = [around.fields.get(f"qk_{part}_head_dim") for part in ("nope", "rope")]
    if around.name in ("head_dim", "qk_head_dim") and all(type(part) is int for part in parts) and sum(parts) == value:  # type: ignore[arg-type]
        return 2 * min(value, around.way.head_dim)
    expands = around.fields.get("mamba_expand", around.fields.get("expand"))
    of_states = "mamba" in around.name or "num_attention_heads" not in around.fields
    return around.way.head_dim * int(expands) if expands and of_states else min(value, around.way.head_dim)


def _width(value: int, around: Around) -> int:
    """The one width of all; of stages the first one's, from which the others are computed."""
    if around.way.head_dim == 0:
        return max(8, value // around.way.divisor) if value >= 8 * around.way.divisor else value
    stages = next((each for name, each in around.fields.items() if re.match(STAGED, name) and _are_numbers(each)), ())
    if value in stages and around.name not in ("embed_dim", "embedding_size"):
        return _stages(stages, around)[list(stages).index(value)]
    if isinstance(around.fields.get("depths"), (list, tuple)):
        return {"embed_dim": 16, "embedding_size": 16, "hidden_size": value}.get(
            around.name, min(value, around.way.width)
        )
    return min(value, around.way.width)


def picture_size(value: int, around: Around) -> int:
    """A small picture: a multiple of four patches a side, since models put neighbours together by twos and fours."""
    patch = around.fields.get("patch_size") or 1
    patch = patch[0] if isinstance(patch, (list, tuple)) else patch
    if not around.way.small_pictures or not isinstance(patch, int) or value <= PICTURE:
        return value
    return 4 * patch * math.ceil(PICTURE / (4 * patch))


def _at_most(limit: int) -> Callable[[int, Around], int]:
    return lambda value, around: min(value, limit)


def _patches(value: int, around: Around) -> int:
    """How many patches a picture is high."""
    old, new = next(_picture_sizes(around.fields, around.way), (1, 1))
    return value * new // old


RULES = (
    Rule(r"_token_(id|index)$", _at_most(WORDS - 1)),
    Rule(r"upsample_groups$", _width),
    Rule(r"^downsample_hidden_size$", _at_most(16), fixed=True),  # of convolutions over a whole spectrogram
    Rule(r"(^|_)n_?groups$", _at_most(1), fixed=True),  # of heads of states, which are fewer now
    Rule(r"^num_groups$", _at_most(HEADS), fixed=True),
    Rule(r"image_embedding_size$", _patches),
    Rule(r"(^|_)(vocab(ulary)?_size|num_embeddings|n_words|n_vocab)$|vocab_size_\w+$|group_vocab$", _at_most(WORDS)),
    Rule(
        r"(^|_)(n_?layers?|num_layer|(\w+_)?layers|num_(\w+_)?blocks|depths?)$",
        _layers,
        but=r"conv_layers|feat_extract|upsample|num_adapter|first_k|"
        r"feature_layer|select_layer|share|window_layers|aux|index",
    ),
    Rule(
        r"max_(?!source|2d)(\w+_)?position(_embedding)?s?|n_positions|n_ctx|max_seq(uence)?_len(gth)?$",
        _at_most(POSITIONS),
    ),
    Rule(r"(^|_)image_size$", picture_size),
    Rule(r"(^|_)(num_(\w+_)?experts|n_(routed_)?experts)$", _at_most(4), fixed=True),
    Rule(r"experts_per_tok|^top_?k(_experts)?$|moe_(top_?)?k|num_selected_experts", _at_most(2), fixed=True),
    Rule(r"num_kv_shared_layers$", _at_most(0)),
    Rule(r"num_pos_feats$", lambda value, around: min(value, around.way.width // 2), fixed=True),  # of two axes
    Rule(r"num_queries$|two_stage_num_proposals", _at_most(8)),
    Rule(r"tokens_per_image$", _at_most(4)),
    Rule(r"^(n|topk|num_expert)_group$", _at_most(1), fixed=True),
    Rule(r"(^|_)(n_?heads?|(\w+_)?heads|num_(\w+_)?head)$", _heads, fixed=True),
    Rule(r"head_?(dim|size)$|^(d_kv|kv_channels|head_width|mamba_d_head)$", _head_dim, fixed=True),
    Rule(
        r"(size|dim|width|rank|channels|dimension)s?(_global)?$|^(d_\w+|n_embd|n_inner|hidden|d_latents)$",
        _width,
        but=r"image|patch|window|vocab|kernel|chunk|block|pool|num_|in_channels$|input_size$|projection_input_dim$|spec_size|rope|codebook_size|codebooks|state|ssm|group"
        r"|d_conv|conv_size|sample|^size$|crop|frame|batch|mel|bins|stack|queue|max_size|box|memory|beam|merge|temporal",
    ),
)  # fmt: skip


def _stages(values: Sequence[int], around: Around) -> list[int]:
    """Widths of stages by one divisor, so that lists that name each other's widths still agree."""
    if len(values) > 1 and len(set(values)) == 1:
        return [_width(value, around) for value in values]
    wide = [value for value in values if value > COLOURS]
    divides = around.way.small_pictures and all(value % 8 == 0 and value >= 32 for value in wide)
    return [value // 8 if divides and value in wide else value for value in values]


def _stage_heads(values: Sequence[int], around: Around) -> list[int]:
    least = max(1, min(values))
    return [max(1, value // least) if around.way.head_dim and value else value for value in values]


def sections(values: Sequence[int], around: Around) -> list[int]:
    """The parts of a rotary embedding in about the same shares of another sum."""
    total = around.way.head_dim // 2 or sum(values)
    found = [max(1, value * total // max(1, sum(values))) for value in values]
    found[-1] += total - sum(found)
    return found


STAGED = r"hidden_sizes|embed_dims|embed_dim_per_stage|channel_list"
LIST_RULES: dict[str, Callable[[Sequence[int], Around], list[int]]] = {
    r"section": sections,
    r"^(layers|num_blocks)$|depths$": lambda values, around: [min(value, 1) for value in values],
    r"^image_size$": lambda values, around: [picture_size(value, around) for value in values],
    r"heads$": _stage_heads,
    STAGED: _stages,
    r"^dims?$|channels$|conv_dim|neck_hidden|decoder_hidden": _stages,
}
