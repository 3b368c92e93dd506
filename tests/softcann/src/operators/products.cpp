// Matrix products, on the matrix unit: operands rounded as it rounds them, sums in float32, one rounding at the end.
#include "interface.h"

#include "arithmetic.h"

using namespace softcann;

namespace {

at::Tensor multiply(const at::Tensor& left, const at::Tensor& right, int8_t cube_math) {
  return product(operand(left, Unit::MATMUL, cube_math), operand(right, Unit::MATMUL, cube_math));
}

// beta * added + alpha * left @ right, in float32.
at::Tensor multiply_add(const at::Tensor& added, const at::Tensor& left, const at::Tensor& right,
                        const at::Scalar& beta, const at::Scalar& alpha, int8_t cube_math) {
  at::Tensor total = multiply(left, right, cube_math);
  if (alpha.toDouble() != 1) {
    total = total.mul(alpha);
  }
  const at::Tensor term = added.to(total.scalar_type());
  return total.add(beta.toDouble() == 1 ? term : term.mul(beta));
}

}  // namespace

#define PRODUCT(NAME) \
  ACLNN(NAME, (In self, In other, Out out, int8_t cube_math), { out = multiply(*self, *other, cube_math); })

PRODUCT(Mm)
PRODUCT(Mv)
PRODUCT(Matmul)
PRODUCT(BatchMatMul)

#define ADDED_PRODUCT(NAME)                                                                              \
  ACLNN(NAME, (In added, In left, In right, Number beta, Number alpha, Out out, int8_t cube_math), {     \
    out = multiply_add(*added, *left, *right, *beta, *alpha, cube_math);                                 \
  })

ADDED_PRODUCT(Addmm)
ADDED_PRODUCT(Baddbmm)
ACLNN(Addmv, (In added, In left, In right, Number alpha, Number beta, Out out, int8_t cube_math), {
  out = multiply_add(*added, *left, *right, *beta, *alpha, cube_math);
})
ACLNN(Addbmm, (In added, In left, In right, Number beta, Number alpha, Out out, int8_t cube_math), {
  const at::Tensor batches = multiply(*left, *right, cube_math).sum(0);
  out = batches.mul(*alpha).add((*added).to(batches.scalar_type()).mul(*beta));
})
ACLNN(Dot, (In self, In other, Out out), { out = multiply(*self, *other, KEEP_DTYPE); })

#undef PRODUCT
#undef ADDED_PRODUCT
