// The arithmetics that a correct device may have: how matrix units round their operands, in which order they sum, how
// attention is computed and how vector units round. Chosen by the environment; see ../../README.md.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace softcann {

// cubeMathType of aclnn: what a matrix operator may do to float32 operands.
enum CubeMath : int8_t { KEEP_DTYPE = 0, ALLOW_FP32_DOWN_PRECISION = 1, USE_FP16 = 2, USE_HF32 = 3 };

enum class Unit { MATMUL, CONVOLUTION };

// An operand as the unit uses it: float32, rounded to what the environment says or else to what `cube_math` allows.
// Operands of a half type are widened, since the units sum in float32.
at::Tensor operand(const at::Tensor& tensor, Unit unit, int8_t cube_math);

// left @ right in float32, of operands that `operand` made, summed in the order that the environment says.
at::Tensor product(const at::Tensor& left, const at::Tensor& right);

// Whether the environment leaves the order of sums to the CPU.
bool sums_as_the_cpu();

// The result of a vector operator whose last bit a correct device may give otherwise (exponential, division, root …).
at::Tensor last_bit(const at::Tensor& result);

bool flash_attention();

at::Tensor round_mantissa(const at::Tensor& tensor, int bits);

}  // namespace softcann
