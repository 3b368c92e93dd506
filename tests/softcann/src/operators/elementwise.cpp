// Arithmetic and functions of single elements, on vector units.
#include "interface.h"

#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/glu.h>
#include <ATen/ops/hardsigmoid.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softplus.h>

#include "arithmetic.h"

using namespace softcann;

// Sums, products and quotients of two operands, the second a tensor or a number, into a result or in place.
#define SUM(NAME, METHOD)                                                                                             \
  ACLNN(NAME, (In self, In other, Number alpha, Out out), { out = (*self).METHOD(*other, *alpha); })                  \
  ACLNN(NAME##s, (In self, Number other, Number alpha, Out out), { out = (*self).METHOD(*other, *alpha); })           \
  ACLNN(Inplace##NAME, (Out self, In other, Number alpha), { self = (*self).METHOD(*other, *alpha); })                \
  ACLNN(Inplace##NAME##s, (Out self, Number other, Number alpha), { self = (*self).METHOD(*other, *alpha); })

SUM(Add, add)
SUM(Sub, sub)
ACLNN(AddV3, (Number self, In other, Number alpha, Out out), {
  out = at::scalar_tensor(*self, (*other).options()).add(*other, *alpha);
})
ACLNN(Rsub, (In self, In other, Number alpha, Out out), { out = (*other).sub(*self, *alpha); })
ACLNN(Rsubs, (In self, Number other, Number alpha, Out out), { out = at::rsub(*self, *other, *alpha); })

#define BINARY(NAME, SCALAR_NAME, METHOD)                                                            \
  ACLNN(NAME, (In self, In other, Out out), { out = (*self).METHOD(*other); })                       \
  ACLNN(SCALAR_NAME, (In self, Number other, Out out), { out = (*self).METHOD(*other); })            \
  ACLNN(Inplace##NAME, (Out self, In other), { self = (*self).METHOD(*other); })                     \
  ACLNN(Inplace##SCALAR_NAME, (Out self, Number other), { self = (*self).METHOD(*other); })

BINARY(Mul, Muls, mul)
BINARY(Div, Divs, div)
BINARY(FloorDivide, FloorDivides, floor_divide)
BINARY(RemainderTensorTensor, RemainderTensorScalar, remainder)
BINARY(FmodTensor, FmodScalar, fmod)
BINARY(PowTensorTensor, PowTensorScalar, pow)
ACLNN(PowScalarTensor, (Number self, In exponent, Out out), { out = at::pow(*self, *exponent); })

// The rounding of a quotient by its number: 1 cuts off, 2 rounds down.
const char* rounding_mode(int mode) { return mode == 1 ? "trunc" : "floor"; }

ACLNN(DivMod, (In self, In other, int mode, Out out), { out = (*self).div(*other, rounding_mode(mode)); })
ACLNN(DivMods, (In self, Number other, int mode, Out out), { out = (*self).div(*other, rounding_mode(mode)); })

ACLNN(Maximum, (In self, In other, Out out), { out = (*self).maximum(*other); })
ACLNN(Minimum, (In self, In other, Out out), { out = (*self).minimum(*other); })
ACLNN(Addcmul, (In self, In one, In other, Number value, Out out), { out = (*self).addcmul(*one, *other, *value); })
ACLNN(Addcdiv, (In self, In one, In other, Number value, Out out), { out = (*self).addcdiv(*one, *other, *value); })
ACLNN(Lerp, (In self, In end, In weight, Out out), { out = (*self).lerp(*end, *weight); })
ACLNN(Lerps, (In self, In end, Number weight, Out out), { out = (*self).lerp(*end, *weight); })

std::optional<at::Scalar> limit(Number number) { return number.given() ? std::optional(*number) : std::nullopt; }

ACLNN(Clamp, (In self, Number low, Number high, Out out), { out = (*self).clamp(limit(low), limit(high)); })
ACLNN(ClampMin, (In self, Number low, Out out), { out = (*self).clamp_min(*low); })
ACLNN(ClampMax, (In self, Number high, Out out), { out = (*self).clamp_max(*high); })
ACLNN(ClampTensor, (In self, In low, In high, Out out), { out = (*self).clamp(low.optional(), high.optional()); })
ACLNN(ClampMinTensor, (In self, In low, Out out), { out = (*self).clamp_min(*low); })
ACLNN(ClampMaxTensor, (In self, In high, Out out), { out = (*self).clamp_max(*high); })
ACLNN(InplaceClampMax, (Out self, Number high), { self = (*self).clamp_max(*high); })
ACLNN(InplaceClampMinTensor, (Out self, In low), { self = (*self).clamp_min(*low); })
ACLNN(InplaceClampMaxTensor, (Out self, In high), { self = (*self).clamp_max(*high); })

// Functions of one operand, into a result or in place.
#define UNARY(NAME, RESULT)                                          \
  ACLNN(NAME, (In self, Out out), {                                  \
    const at::Tensor x = *self;                                      \
    out = RESULT;                                                    \
  })                                                                 \
  ACLNN(Inplace##NAME, (Out self), {                                 \
    const at::Tensor x = *self;                                      \
    self = RESULT;                                                   \
  })

// Exact on every device: without rounding, or with the one that IEEE 754 fixes.
UNARY(Abs, x.abs())
UNARY(Neg, x.neg())
UNARY(Relu, x.relu())
UNARY(Ceil, x.ceil())
UNARY(Floor, x.floor())
UNARY(Round, x.round())
UNARY(Trunc, x.trunc())
UNARY(Sign, x.sign())
UNARY(Sqrt, x.sqrt())
UNARY(BitwiseNot, x.bitwise_not())
UNARY(LogicalNot, x.logical_not())

// Correct devices differ in the last bit of these.
UNARY(Exp, last_bit(x.exp()))
UNARY(Exp2, last_bit(x.exp2()))
UNARY(Expm1, last_bit(x.expm1()))
UNARY(Log, last_bit(x.log()))
UNARY(Log2, last_bit(x.log2()))
UNARY(Log10, last_bit(x.log10()))
UNARY(Log1p, last_bit(x.log1p()))
UNARY(Rsqrt, last_bit(x.rsqrt()))
UNARY(Reciprocal, last_bit(x.reciprocal()))
UNARY(Sin, last_bit(x.sin()))
UNARY(Cos, last_bit(x.cos()))
UNARY(Tan, last_bit(x.tan()))
UNARY(Atan, last_bit(x.atan()))
UNARY(Tanh, last_bit(x.tanh()))
UNARY(Sigmoid, last_bit(x.sigmoid()))
UNARY(Erf, last_bit(x.erf()))
UNARY(Silu, last_bit(at::silu(x)))
UNARY(Mish, last_bit(at::mish(x)))
UNARY(Hardswish, at::hardswish(x))
UNARY(Hardsigmoid, at::hardsigmoid(x))
UNARY(LogSigmoid, last_bit(at::log_sigmoid(x)))
ACLNN(LogSigmoidForward, (In self, Out out, Out), { out = last_bit(at::log_sigmoid(*self)); })

ACLNN(Atan2, (In self, In other, Out out), { out = last_bit((*self).atan2(*other)); })
// torch_npu 2.13 calls this one for either form that F.gelu offers.
ACLNN(Gelu, (In self, Out out), { out = last_bit(at::gelu(*self, out.faulty("tanh-formula") ? "tanh" : "none")); })
ACLNN(GeluV2, (In self, int64_t approximate, Out out), {
  const bool by_tanh = (approximate == 1) != out.faulty("tanh-formula");
  out = last_bit(at::gelu(*self, by_tanh ? "tanh" : "none"));
})
ACLNN(LeakyRelu, (In self, Number slope, Out out), { out = at::leaky_relu(*self, *slope); })
ACLNN(Hardtanh, (In self, Number low, Number high, Out out), { out = at::hardtanh(*self, *low, *high); })
ACLNN(Elu, (In self, Number alpha, Number scale, Number input_scale, Out out), {
  out = last_bit(at::elu(*self, *alpha, *scale, *input_scale));
})
ACLNN(Softplus, (In self, Number beta, Number threshold, Out out), {
  out = last_bit(at::softplus(*self, *beta, *threshold));
})
ACLNN(Glu, (In self, int64_t dimension, Out out), { out = last_bit(at::glu(*self, dimension)); })

#undef SUM
#undef BINARY
#undef UNARY
