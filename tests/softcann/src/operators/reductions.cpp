// Sums, means, extremes and orders along dimensions.
#include "interface.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/var_mean.h>

using namespace softcann;

namespace {

at::OptionalIntArrayRef dimensions_or_all(Ints dimensions) {
  return dimensions.given() && !(*dimensions).empty() ? at::OptionalIntArrayRef(*dimensions) : at::OptionalIntArrayRef();
}

}  // namespace

ACLNN(Mean, (In self, Ints dimensions, bool keep, Type type, Out out), {
  out = (*self).mean(dimensions_or_all(dimensions), keep, *type);
})
ACLNN(ReduceSum, (In self, Ints dimensions, bool keep, Type type, Out out), {
  out = (*self).sum(dimensions_or_all(dimensions), keep, *type);
})
ACLNN(Prod, (In self, Type type, Out out), { out = (*self).prod(*type); })
ACLNN(ProdDim, (In self, int64_t dimension, bool keep, Type type, Out out), {
  out = (*self).prod(dimension, keep, *type);
})
ACLNN(All, (In self, Ints dimensions, bool keep, Out out), { out = (*self).all(dimensions_or_all(dimensions), keep); })
ACLNN(Any, (In self, Ints dimensions, bool keep, Out out), { out = (*self).any(dimensions_or_all(dimensions), keep); })
ACLNN(Max, (In self, Out out), { out = (*self).max(); })
ACLNN(Min, (In self, Out out), { out = (*self).min(); })
ACLNN(Amax, (In self, Ints dimensions, bool keep, Out out), { out = (*self).amax(*dimensions, keep); })
ACLNN(Amin, (In self, Ints dimensions, bool keep, Out out), { out = (*self).amin(*dimensions, keep); })
ACLNN(ArgMax, (In self, int64_t dimension, bool keep, Out out), { out = (*self).argmax(dimension, keep); })
ACLNN(ArgMin, (In self, int64_t dimension, bool keep, Out out), { out = (*self).argmin(dimension, keep); })

#define EXTREME(NAME, METHOD)                                                                   \
  ACLNN(NAME, (In self, int64_t dimension, bool keep, Out values, Out indices), {               \
    const auto [found, places] = (*self).METHOD(dimension, keep);                               \
    values = found;                                                                             \
    indices = places;                                                                           \
  })

EXTREME(MaxDim, max)
EXTREME(MinDim, min)

ACLNN(Topk, (In self, int64_t count, int64_t dimension, bool largest, bool sorted, Out values, Out indices), {
  const auto [found, places] = at::topk(*self, count, dimension, largest, sorted);
  values = found;
  indices = places;
})
ACLNN(Sort, (In self, bool stable, int64_t dimension, bool descending, Out values, Out indices), {
  const auto [sorted, places] = at::sort(*self, stable, dimension, descending);
  values = sorted;
  indices = places;
})
ACLNN(Cumsum, (In self, int64_t dimension, Type type, Out out), { out = (*self).cumsum(dimension, *type); })
ACLNN(Cumprod, (In self, Number dimension, Type type, Out out), { out = (*self).cumprod((*dimension).toLong(), *type); })
ACLNN(VarMean, (In self, Ints dimensions, int64_t correction, bool keep, Out variance, Out mean), {
  const auto [variances, means] = at::var_mean(*self, dimensions_or_all(dimensions), at::Scalar(correction), keep);
  variance = variances;
  mean = means;
})
ACLNN(VarCorrection, (In self, Ints dimensions, int64_t correction, bool keep, Out out), {
  out = (*self).var(dimensions_or_all(dimensions), at::Scalar(correction), keep);
})
ACLNN(Std, (In self, Ints dimensions, int64_t correction, bool keep, Out out), {
  out = (*self).std(dimensions_or_all(dimensions), at::Scalar(correction), keep);
})
ACLNN(LinalgVectorNorm, (In self, Number order, Ints dimensions, bool keep, Type type, Out out), {
  out = at::linalg_vector_norm(*self, *order, dimensions_or_all(dimensions), keep, *type);
})
ACLNN(Norm, (In self, Number order, Ints dimensions, bool keep, Out out), {
  out = at::linalg_vector_norm(*self, *order, dimensions_or_all(dimensions), keep);
})

#undef EXTREME
