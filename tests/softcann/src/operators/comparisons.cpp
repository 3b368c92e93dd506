// Comparisons, logic and choices: exact on every device.
#include "interface.h"

#include <ATen/ops/isin.h>
#include <ATen/ops/where.h>

using namespace softcann;

#define COMPARISON(NAME, METHOD)                                                                 \
  ACLNN(NAME##Tensor, (In self, In other, Out out), { out = (*self).METHOD(*other); })           \
  ACLNN(NAME##Scalar, (In self, Number other, Out out), { out = (*self).METHOD(*other); })       \
  ACLNN(Inplace##NAME##Tensor, (Out self, In other), { self = (*self).METHOD(*other); })         \
  ACLNN(Inplace##NAME##Scalar, (Out self, Number other), { self = (*self).METHOD(*other); })

COMPARISON(Eq, eq)
COMPARISON(Ne, ne)
COMPARISON(Gt, gt)
COMPARISON(Ge, ge)
COMPARISON(Lt, lt)
COMPARISON(Le, le)
COMPARISON(BitwiseAnd, bitwise_and)
COMPARISON(BitwiseOr, bitwise_or)
COMPARISON(BitwiseXor, bitwise_xor)

#define LOGIC(NAME, METHOD)                                                            \
  ACLNN(NAME, (In self, In other, Out out), { out = (*self).METHOD(*other); })         \
  ACLNN(Inplace##NAME, (Out self, In other), { self = (*self).METHOD(*other); })

LOGIC(LogicalAnd, logical_and)
LOGIC(LogicalOr, logical_or)
LOGIC(LogicalXor, logical_xor)

ACLNN(IsFinite, (In self, Out out), { out = (*self).isfinite(); })
ACLNN(IsPosInf, (In self, Out out), { out = (*self).isposinf(); })
ACLNN(IsNegInf, (In self, Out out), { out = (*self).isneginf(); })
ACLNN(Equal, (In self, In other, Out out), { (*out).fill_((*self).equal(*other)); })
ACLNN(SWhere, (In condition, In self, In other, Out out), { out = at::where(*condition, *self, *other); })
ACLNN(IsInTensorScalar, (In self, Number sought, bool, bool invert, Out out), {
  const at::Tensor found = (*self).eq(*sought);
  out = invert ? found.logical_not() : found;
})
ACLNN(IsInScalarTensor, (Number sought, In others, bool, bool invert, Out out), {
  const at::Tensor found = (*others).eq(*sought).any();
  out = invert ? found.logical_not() : found;
})
ACLNN(NanToNum, (In self, float nan, float positive, float negative, Out out), {
  out = (*self).nan_to_num(nan, positive, negative);
})
ACLNN(InplaceNanToNum, (Out self, float nan, float positive, float negative), {
  self = (*self).nan_to_num(nan, positive, negative);
})

#undef COMPARISON
#undef LOGIC
