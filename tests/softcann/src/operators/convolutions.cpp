// Convolutions, on the matrix unit too, whose float32 operands a 910B rounds to HF32 unless it is told not to.
#include "interface.h"

#include <ATen/ops/convolution.h>
#include <ATen/ops/im2col.h>

#include "arithmetic.h"

using namespace softcann;

ACLNN(Convolution,
      (In input, In weight, In bias, Ints stride, Ints padding, Ints dilation, bool transposed, Ints output_padding,
       int64_t groups, Out out, int8_t cube_math),
      {
        const at::Tensor rounded = operand(*input, Unit::CONVOLUTION, cube_math);
        const at::Tensor kernel = operand(*weight, Unit::CONVOLUTION, cube_math);
        const auto added = bias.given() ? std::optional((*bias).to(rounded.scalar_type())) : std::nullopt;
        out = at::convolution(rounded, kernel, added, *stride, *padding, *dilation, transposed, *output_padding, groups);
      })
ACLNN(ConvDepthwise2d,
      (In input, In weight, Ints, In bias, Ints stride, Ints padding, Ints dilation, Out out, int8_t cube_math), {
        const at::Tensor rounded = operand(*input, Unit::CONVOLUTION, cube_math);
        const at::Tensor kernel = operand(*weight, Unit::CONVOLUTION, cube_math);
        const auto added = bias.given() ? std::optional((*bias).to(rounded.scalar_type())) : std::nullopt;
        const std::vector<int64_t> none((*stride).size(), 0);
        out = at::convolution(rounded, kernel, added, *stride, *padding, *dilation, false, none, rounded.size(1));
      })
ACLNN(Im2col, (In self, Ints kernel, Ints dilation, Ints padding, Ints stride, Out out), {
  out = at::im2col(*self, *kernel, *dilation, *padding, *stride);
})
