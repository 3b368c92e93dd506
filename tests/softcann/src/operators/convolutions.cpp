// Convolutions, on the matrix unit too, whose float32 operands a 910B rounds to HF32 unless it is told not to.
#include "interface.h"

#include <ATen/ops/convolution.h>
#include <ATen/ops/im2col.h>

#include "arithmetic.h"

using namespace softcann;

namespace {

struct Window {
  at::IntArrayRef stride;
  at::IntArrayRef padding;
  at::IntArrayRef dilation;
  bool transposed;
  at::IntArrayRef output_padding;
  int64_t groups;
};

at::Tensor slide(const at::Tensor& input, const at::Tensor& kernel, const Window& window) {
  return at::convolution(input, kernel, std::nullopt, window.stride, window.padding, window.dilation,
                         window.transposed, window.output_padding, window.groups);
}

// Where products are not summed as the CPU does it, the second half of the channels is summed first.
at::Tensor summed(const at::Tensor& input, const at::Tensor& kernel, const Window& window) {
  const int64_t half = kernel.size(1) / 2;
  if (sums_as_the_cpu() || window.transposed || window.groups != 1 || half == 0) {
    return slide(input, kernel, window);
  }
  const int64_t rest = kernel.size(1) - half;
  const at::Tensor second = slide(input.narrow(1, half, rest), kernel.narrow(1, half, rest), window);
  return second.add(slide(input.narrow(1, 0, half), kernel.narrow(1, 0, half), window));
}

at::Tensor convolve(In input, In weight, In bias, const Window& window, const Out& out, int8_t cube_math) {
  const at::Tensor rounded = operand(*input, Unit::CONVOLUTION, cube_math);
  const at::Tensor kernel = operand(weight.weight(), Unit::CONVOLUTION, cube_math);
  const at::Tensor result = summed(rounded, kernel, window);
  if (!bias.given() || out.faulty("no-bias")) {
    return result;
  }
  std::vector<int64_t> by_channel(result.dim(), 1);
  by_channel[1] = -1;
  return result.add((*bias).to(result.scalar_type()).reshape(by_channel));
}

}  // namespace

ACLNN(Convolution,
      (In input, In weight, In bias, Ints stride, Ints padding, Ints dilation, bool transposed, Ints output_padding,
       int64_t groups, Out out, int8_t cube_math),
      {
        const Window window{*stride, *padding, *dilation, transposed, *output_padding, groups};
        out = convolve(input, weight, bias, window, out, cube_math);
      })
ACLNN(ConvDepthwise2d,
      (In input, In weight, Ints, In bias, Ints stride, Ints padding, Ints dilation, Out out, int8_t cube_math), {
        const std::vector<int64_t> none((*stride).size(), 0);
        const Window window{*stride, *padding, *dilation, false, none, (*input).size(1)};
        out = convolve(input, weight, bias, window, out, cube_math);
      })
ACLNN(Im2col, (In self, Ints kernel, Ints dilation, Ints padding, Ints stride, Out out), {
  out = at::im2col(*self, *kernel, *dilation, *padding, *stride);
})
