"""What the torch functions that a model calls are, for whoever judges their results: a table by name.

`Tensor.add`, `torch.add`, `Tensor.__add__`, `Tensor.__iadd__` and `Tensor.add_` are one operator, "add".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

from npu_adapt.numerics.products import PRODUCTS


class Kind(Enum):
    """How an operator's floating result is judged. Results of integers and booleans are always exact."""

    MOVE = auto()  # data movement and casts: equal to the bit
    EXACT = auto()  # picks or compares values, or rounds to integers: equal in value
    PRODUCT = auto()  # a sum of products of two operands
    ATTENTION = auto()  # fused
    SOFTMAX = auto()
    NORM = auto()  # divides by a standard deviation that is itself a sum
    SUM = auto()  # any other sum
    ELEMENTWISE = auto()  # each element from the elements at its place
    OTHER = auto()


_NAMES: Mapping[Kind, str] = {
    Kind.MOVE: """
        view reshape transpose permute t T mT H mH contiguous clone detach expand expand_as repeat repeat_interleave
        cat concat concatenate stack hstack vstack dstack split split_with_sizes tensor_split chunk unbind narrow
        select getitem setitem squeeze unsqueeze flatten unflatten flip fliplr flipud roll rot90 index_select gather
        take take_along_dim embedding pad tile to float half bfloat16 double type type_as copy fill zero masked_fill
        masked_select masked_scatter where index_put index_copy index_fill scatter tril triu diag diagonal diag_embed
        movedim moveaxis swapaxes swapdims view_as reshape_as unfold pixel_shuffle pixel_unshuffle channel_shuffle
        new_zeros new_ones new_full new_tensor zeros ones full zeros_like ones_like full_like eye tensor
        as_tensor as_strided data broadcast_to broadcast_tensors meshgrid ravel atleast_1d atleast_2d atleast_3d
        adjoint real imag view_as_real view_as_complex slice_scatter select_scatter block_diag cpu resolve_conj""",
    Kind.EXACT: """
        relu abs neg negative positive max min maximum minimum fmax fmin amax amin aminmax clamp clip clamp_min
        clamp_max floor ceil round trunc sign sgn sort msort topk kthvalue median max_pool1d max_pool2d max_pool3d
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d max_pool1d_with_indices max_pool2d_with_indices
        max_pool3d_with_indices relu6 hardtanh threshold dropout dropout1d dropout2d dropout3d alpha_dropout
        feature_dropout feature_alpha_dropout nan_to_num heaviside copysign cummax cummin frac""",
    Kind.PRODUCT: " ".join(PRODUCTS),
    Kind.ATTENTION: "scaled_dot_product_attention",
    Kind.SOFTMAX: "softmax log_softmax special_softmax special_log_softmax",
    Kind.NORM: "layer_norm rms_norm group_norm instance_norm batch_norm",
    Kind.SUM: """
        sum mean nansum nanmean var std var_mean std_mean norm vector_norm linalg_vector_norm linalg_norm cumsum prod
        logsumexp logcumsumexp avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
        adaptive_avg_pool3d weight_norm normalize cosine_similarity outer trapezoid cumprod dist cdist
        pairwise_distance index_add scatter_add scatter_reduce bincount embedding_bag interpolate upsample
        grid_sample stft istft fft rfft irfft ifft""",
    Kind.ELEMENTWISE: """
        add sub mul div truediv true_divide divide multiply subtract rsub rdiv rtruediv reciprocal sqrt rsqrt square
        pow rpow float_power exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh
        sigmoid erf erfc gelu silu mish elu selu celu leaky_relu prelu hardswish hardsigmoid softplus softsign
        logsigmoid tanhshrink softshrink hardshrink addcmul addcdiv lerp hypot fmod remainder floor_divide
        special_expit sinc arange linspace logspace""",
}
KINDS: Mapping[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# They give memory as it is found: a result only once something is written there.
UNWRITTEN = _words("empty empty_like empty_strided empty_permuted new_empty new_empty_strided")
# In place they write a part of a tensor, and the rest may be memory that nobody wrote yet.
WRITING_PARTS = _words("""
    setitem index_put index_copy index_fill index_add scatter scatter_add scatter_reduce masked_fill masked_scatter put
    fill_diagonal""")
# Correctly rounded by IEEE 754; everything else may end a unit in the last place away.
CORRECTLY_ROUNDED = _words("add sub mul multiply subtract rsub square sum arange")
# Inside they add to 1 or subtract from it, so that an error is relative to the argument, not to the result: a sigmoid
# is often computed as (1 + tanh(x / 2)) / 2.
CANCELLING = _words("gelu mish softplus logsigmoid tanhshrink sigmoid special_expit silu")
# They multiply matrices inside, and are called as one: how often, and what is done in between, nobody sees.
COMPOSITES = _words("""
    multi_head_attention_forward lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell bilinear
    cdist chain_matmul linalg_multi_dot""")
# Their integers are places of values; where values tie, any of the places is right.
PLACES = frozenset(
    [
        "argmax",
        "argmin",
        "max",
        "min",
        "sort",
        "argsort",
        "topk",
        "kthvalue",
        "median",
        "mode",
        "msort",
        "cummax",
        "cummin",
    ]
)

_REFLECTED = {"radd": "add", "rmul": "mul", "iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div"}
_ALIASES = {"truediv": "div", "rtruediv": "rdiv", "true_divide": "div", "ipow": "pow", **_REFLECTED}
_IN_PLACE_DUNDERS = {
    f"__{name}__" for name in _words("setitem iadd isub imul itruediv ifloordiv ipow imod iand ior ixor")
}


def operator_name(function: Callable[..., Any]) -> str:
    """The operator that a torch function is: "add", "getitem", "layer_norm"; for a property its name, "T"."""
    name = str(getattr(function, "__name__", type(function).__name__))
    if name == "__get__":
        return str(getattr(getattr(function, "__self__", None), "__name__", "property"))
    bare = name.strip("_")
    return _ALIASES.get(bare, bare) if name.startswith("__") else bare


def kind_of(operator: str) -> Kind:
    """How results of the operator are judged; `Kind.OTHER` for one that the table does not know."""
    return KINDS.get(operator, Kind.OTHER)


def operator_class(operator: str) -> str | None:
    """ "matmul", "conv" or "attention": the class that the operator multiplies in. None: it multiplies no matrices."""
    if operator in PRODUCTS:
        return PRODUCTS[operator].operators
    return "attention" if kind_of(operator) is Kind.ATTENTION else None


def writes_in_place(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call changes its first argument, by torch's rules for names, or by being asked to."""
    name = str(getattr(function, "__name__", ""))
    if name in _IN_PLACE_DUNDERS or kwargs.get("inplace"):
        return True
    return name.endswith("_") and not name.endswith("__")
