// Matrix products, on the matrix unit: operands rounded as it rounds them, sums in float32, one rounding at the end.
#include "interface.h"

#include "arithmetic.h"

using namespace softcann;

namespace {

constexpr int64_t TAIL = 8;  // of the inner dimension, which the fault "no-tail" leaves out

at::Tensor multiply(In self, In other, const Out& out, int8_t cube_math) {
  at::Tensor left = operand(*self, Unit::MATMUL, cube_math);
  at::Tensor right = operand(other.weight(), Unit::MATMUL, cube_math);
  if (out.faulty("no-tail") && left.size(-1) > TAIL) {
    left = left.slice(-1, 0, -TAIL);
    right = right.slice(right.dim() < 2 ? -1 : -2, 0, -TAIL);
  }
  return product(left, right);
}

// beta * added + alpha * left @ right, in float32.
at::Tensor multiply_add(In added, In left, In right, const at::Scalar& beta, const at::Scalar& alpha, const Out& out,
                        int8_t cube_math) {
  at::Tensor total = multiply(left, right, out, cube_math);
  if (alpha.toDouble() != 1) {
    total = total.mul(alpha);
  }
  if (out.faulty("no-bias")) {
    return total;
  }
  const at::Tensor term = (*added).to(total.scalar_type());
  return total.add(beta.toDouble() == 1 ? term : term.mul(beta));
}

}  // namespace

#define PRODUCT(NAME) \
  ACLNN(NAME, (In self, In other, Out out, int8_t cube_math), { out = multiply(self, other, out, cube_math); })

PRODUCT(Mm)
PRODUCT(Mv)
PRODUCT(Matmul)
PRODUCT(BatchMatMul)

#define ADDED_PRODUCT(NAME)                                                                              \
  ACLNN(NAME, (In added, In left, In right, Number beta, Number alpha, Out out, int8_t cube_math), {     \
    out = multiply_add(added, left, right, *beta, *alpha, out, cube_math);                                 \
  })

ADDED_PRODUCT(Addmm)
ADDED_PRODUCT(Baddbmm)
ACLNN(Addmv, (In added, In left, In right, Number alpha, Number beta, Out out, int8_t cube_math), {
  out = multiply_add(added, left, right, *beta, *alpha, out, cube_math);
})
ACLNN(Addbmm, (In added, In left, In right, Number beta, Number alpha, Out out, int8_t cube_math), {
  const at::Tensor batches = multiply(left, right, out, cube_math).sum(0);
  out = batches.mul(*alpha).add((*added).to(batches.scalar_type()).mul(*beta));
})
ACLNN(Dot, (In self, In other, Out out), { out = multiply(self, other, out, KEEP_DTYPE); })

#undef PRODUCT
#undef ADDED_PRODUCT
