// Filling, copying, casting and rearranging: nothing is computed, so a correct device is exact.
#include "interface.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/reflection_pad1d.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/replication_pad1d.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/stack.h>

using namespace softcann;

ACLNN(InplaceCopy, (Out self, In source), { self = *source; })
ACLNN(Cast, (In self, Type, Out out), { out = *self; })
ACLNN(InplaceZero, (Out self), { (*self).zero_(); })
ACLNN(InplaceOne, (Out self), { (*self).fill_(1); })
ACLNN(InplaceFillScalar, (Out self, Number value), { (*self).fill_(*value); })
ACLNN(InplaceFillTensor, (Out self, In value), { (*self).fill_((*value).item()); })

ACLNN(Arange, (Number start, Number end, Number step, Out out), {
  out = at::arange(*start, *end, *step, (*out).options());
})
ACLNN(Range, (Number start, Number end, Number step, Out out), {
  out = at::arange(*start, end.handle->value.toDouble() + 1, *step, (*out).options()).narrow(0, 0, (*out).numel());
})
ACLNN(Linspace, (Number start, Number end, int64_t steps, Out out), {
  out = at::linspace(*start, *end, steps, (*out).options());
})
ACLNN(Eye, (int64_t rows, int64_t columns, Out out), { out = at::eye(rows, columns, (*out).options()); })
ACLNN(OneHot, (In self, int64_t classes, In on, In off, int64_t, Out out), {
  const at::Tensor chosen = at::one_hot(*self, classes).to((*out).scalar_type());
  out = chosen.mul((*on).sub(*off)).add(*off);
})

ACLNN(Cat, (Ins tensors, int64_t dimension, Out out), { out = at::cat(*tensors, dimension); })
ACLNN(Stack, (Ins tensors, int64_t dimension, Out out), { out = at::stack(*tensors, dimension); })
ACLNN(SplitWithSize, (In self, Ints sizes, int64_t dimension, Outs out), {
  const auto parts = (*self).split_with_sizes(*sizes, dimension);
  for (size_t index = 0; index < parts.size(); ++index) {
    out[index] = parts[index];
  }
})
ACLNN(Repeat, (In self, Ints times, Out out), { out = (*self).repeat(*times); })
ACLNN(RepeatInterleaveIntWithDim, (In self, int64_t times, int64_t dimension, int64_t, Out out), {
  out = (*self).repeat_interleave(times, dimension);
})
ACLNN(RepeatInterleaveInt, (In self, int64_t times, int64_t, Out out), { out = (*self).repeat_interleave(times); })
ACLNN(RepeatInterleaveWithDim, (In self, In times, int64_t dimension, int64_t, Out out), {
  out = (*self).repeat_interleave(*times, dimension);
})
ACLNN(RepeatInterleave, (In self, In times, int64_t, Out out), { out = (*self).repeat_interleave(*times); })
ACLNN(Flip, (In self, Ints dimensions, Out out), { out = (*self).flip(*dimensions); })
ACLNN(Roll, (In self, Ints shifts, Ints dimensions, Out out), { out = at::roll(*self, *shifts, *dimensions); })

ACLNN(ConstantPadNd, (In self, Ints pad, Number value, Out out), { out = at::constant_pad_nd(*self, *pad, *value); })
ACLNN(ReflectionPad1d, (In self, Ints pad, Out out), { out = at::reflection_pad1d(*self, *pad); })
ACLNN(ReflectionPad2d, (In self, Ints pad, Out out), { out = at::reflection_pad2d(*self, *pad); })
ACLNN(ReplicationPad1d, (In self, Ints pad, Out out), { out = at::replication_pad1d(*self, *pad); })
ACLNN(ReplicationPad2d, (In self, Ints pad, Out out), { out = at::replication_pad2d(*self, *pad); })

#define TRIANGLE(NAME, METHOD)                                                               \
  ACLNN(NAME, (In self, int64_t diagonal, Out out), { out = (*self).METHOD(diagonal); })     \
  ACLNN(Inplace##NAME, (Out self, int64_t diagonal), { self = (*self).METHOD(diagonal); })

TRIANGLE(Tril, tril)
TRIANGLE(Triu, triu)

#undef TRIANGLE
