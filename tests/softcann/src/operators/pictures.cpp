// Pooling and resampling of pictures and sounds.
#include "interface.h"

#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/_upsample_nearest_exact2d.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/max_pool2d_with_indices.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/upsample_nearest1d.h>
#include <ATen/ops/upsample_nearest2d.h>

using namespace softcann;

namespace {

// A scale of zero or less stands for one that follows from the sizes.
std::optional<double> scale(double given) { return given > 0 ? std::optional(given) : std::nullopt; }

}  // namespace

#define RESIZED(NAME, FUNCTION)                                                                                   \
  ACLNN(NAME, (In self, Ints size, bool align_corners, double height_scale, double width_scale, Out out), {       \
    out = FUNCTION((*self).to(at::kFloat), *size, align_corners, scale(height_scale), scale(width_scale));        \
  })

RESIZED(UpsampleBicubic2d, at::upsample_bicubic2d)
RESIZED(UpsampleBilinear2d, at::upsample_bilinear2d)
RESIZED(UpsampleBicubic2dAA, at::_upsample_bicubic2d_aa)
RESIZED(UpsampleBilinear2dAA, at::_upsample_bilinear2d_aa)
ACLNN(UpsampleLinear1d, (In self, Ints size, bool align_corners, double width_scale, Out out), {
  out = at::upsample_linear1d((*self).to(at::kFloat), *size, align_corners, scale(width_scale));
})
ACLNN(UpsampleNearest1d, (In self, Ints size, Out out), { out = at::upsample_nearest1d(*self, *size); })
ACLNN(UpsampleNearest2d, (In self, Ints size, Out out), { out = at::upsample_nearest2d(*self, *size); })
ACLNN(UpsampleNearest2dV2, (In self, Ints size, float height_scale, float width_scale, Out out), {
  out = at::upsample_nearest2d(*self, *size, scale(height_scale), scale(width_scale));
})
ACLNN(UpsampleNearestExact2d, (In self, Ints size, double height_scale, double width_scale, Out out), {
  out = at::_upsample_nearest_exact2d(*self, *size, scale(height_scale), scale(width_scale));
})
ACLNN(GridSampler2D, (In self, In grid, int64_t interpolation, int64_t padding, bool align_corners, Out out), {
  out = at::grid_sampler_2d((*self).to(at::kFloat), (*grid).to(at::kFloat), interpolation, padding, align_corners);
})

ACLNN(AdaptiveAvgPool2d, (In self, Ints size, Out out), { out = at::adaptive_avg_pool2d(*self, *size); })
ACLNN(AvgPool2d,
      (In self, Ints kernel, Ints stride, Ints padding, bool ceil, bool count_padding, int64_t divisor, int8_t, Out out),
      {
        const auto by = divisor != 0 ? std::optional(divisor) : std::nullopt;
        out = at::avg_pool2d(*self, *kernel, *stride, *padding, ceil, count_padding, by);
      })
// The second result is a mask in a form of the hardware's own, of use to the backward pass only; it is left as it is.
ACLNN(MaxPool2dWithMask, (In self, Ints kernel, Ints stride, Ints padding, Ints dilation, bool ceil, Out out, Out), {
  out = std::get<0>(at::max_pool2d_with_indices(*self, *kernel, *stride, *padding, *dilation, ceil));
})
ACLNN(MaxPool2dWithIndices,
      (In self, Ints kernel, Ints stride, Ints padding, Ints dilation, bool ceil, Out out, Out indices), {
        const auto [largest, places] =
            at::max_pool2d_with_indices(*self, *kernel, *stride, *padding, *dilation, ceil);
        out = largest;
        indices = places;
      })

#undef RESIZED
