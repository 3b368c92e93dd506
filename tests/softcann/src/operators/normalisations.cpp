// Softmax and the norms. Half types are computed in float32 and rounded once.
#include "interface.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/softmax.h>

#include "arithmetic.h"

using namespace softcann;

namespace {

at::Tensor widened(In tensor) { return (*tensor).to(at::kFloat); }

std::optional<at::Tensor> widened_if_given(In tensor) {
  return tensor.given() ? std::optional(widened(tensor)) : std::nullopt;
}

void layer_norm(In self, Ints shape, In weight, In bias, double epsilon, Out out, Out mean, Out deviation) {
  const auto scale = weight.given() ? std::optional(weight.weight().to(at::kFloat)) : std::nullopt;
  const auto shift = out.faulty("no-bias") ? std::nullopt : widened_if_given(bias);
  const auto [normalised, means, deviations] =
      at::native_layer_norm(widened(self), *shape, scale, shift, out.faulty("no-epsilon") ? 0.0 : epsilon);
  out = last_bit(normalised);
  mean = means;
  deviation = deviations;
}

}  // namespace

ACLNN(Softmax, (In self, int64_t dimension, Out out), { out = last_bit(widened(self).softmax(dimension)); })
ACLNN(LogSoftmax, (In self, int64_t dimension, Out out), { out = last_bit(widened(self).log_softmax(dimension)); })
ACLNN(LayerNorm, (In self, Ints shape, In weight, In bias, double epsilon, Out out, Out mean, Out deviation), {
  layer_norm(self, shape, weight, bias, epsilon, out, mean, deviation);
})
ACLNN(FastLayerNorm, (In self, Ints shape, In weight, In bias, double epsilon, Out out, Out mean, Out deviation), {
  layer_norm(self, shape, weight, bias, epsilon, out, mean, deviation);
})
ACLNN(GroupNorm,
      (In self, In weight, In bias, int64_t batch, int64_t channels, int64_t area, int64_t groups, double epsilon,
       Out out, Out mean, Out deviation),
      {
        const auto [normalised, means, deviations] =
            at::native_group_norm(widened(self).contiguous(), widened_if_given(weight), widened_if_given(bias), batch,
                                  channels, area, groups, epsilon);
        out = last_bit(normalised);
        mean = means;
        deviation = deviations;
      })
ACLNN(BatchNorm,
      (In self, In weight, In bias, In mean, In variance, bool training, double momentum, double epsilon, Out out,
       Out batch_mean, Out batch_deviation),
      {
        const auto [normalised, means, deviations] = at::native_batch_norm(
            widened(self), widened_if_given(weight), widened_if_given(bias), widened_if_given(mean),
            widened_if_given(variance), training, momentum, epsilon);
        out = last_bit(normalised);
        if (training) {
          batch_mean = means;
          batch_deviation = deviations;
        }
      })
ACLNN(RmsNorm, (In self, In weight, double epsilon, Out out, Out deviation), {
  const at::Tensor x = widened(self);
  std::vector<int64_t> dimensions;
  for (int64_t dimension = x.dim() - (*weight).dim(); dimension < x.dim(); ++dimension) {
    dimensions.push_back(dimension);
  }
  const at::Tensor scale = weight.weight().to(at::kFloat);
  const at::Tensor inverse = x.square().mean(dimensions, true).add(out.faulty("no-epsilon") ? 0.0 : epsilon).rsqrt();
  out = last_bit(x.mul(inverse).mul(scale));
  deviation = inverse;
})
