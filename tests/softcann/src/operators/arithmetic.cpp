#include "arithmetic.h"

#include <ATen/ops/full_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/nextafter.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

#include "../settings.h"

namespace softcann {
namespace {

using Rounding = std::function<at::Tensor(const at::Tensor&)>;

Rounding to_mantissa(int bits) {
  return [bits](const at::Tensor& tensor) { return round_mantissa(tensor, bits); };
}

Rounding through(at::ScalarType type) {
  return [type](const at::Tensor& tensor) { return tensor.to(type).to(at::kFloat); };
}

const std::map<std::string, Rounding>& roundings() {
  static const std::map<std::string, Rounding> table = {
      {"float32", [](const at::Tensor& tensor) { return tensor; }},
      {"hf32", to_mantissa(11)},
      {"tf32", to_mantissa(10)},
      {"float16", through(at::kHalf)},
      {"bfloat16", through(at::kBFloat16)},
  };
  return table;
}

// What a 910B does with a float32 operand.
const char* default_rounding(int8_t cube_math) {
  switch (cube_math) {
    case KEEP_DTYPE: return "float32";
    case ALLOW_FP32_DOWN_PRECISION: return "hf32";
    case USE_FP16: return "float16";
    case USE_HF32: return "hf32";
    default: throw std::runtime_error("cubeMathType " + std::to_string(cube_math) + " does not exist");
  }
}

const Rounding& named_rounding(const std::string& name) {
  const auto found = roundings().find(name);
  if (found == roundings().end()) {
    throw std::runtime_error("there is no arithmetic called " + name);
  }
  return found->second;
}

using Sum = std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>;

// Partial products over slices of the inner dimension, added one after the other as a matrix unit adds its tiles.
Sum in_slices(int64_t width) {
  return [width](const at::Tensor& left, const at::Tensor& right) {
    const int64_t inner = left.size(-1);
    if (right.dim() < 2 || inner <= width) {
      return at::matmul(left, right);
    }
    at::Tensor total;
    for (int64_t start = 0; start < inner; start += width) {
      const int64_t end = std::min(inner, start + width);
      const at::Tensor part = at::matmul(left.slice(-1, start, end), right.slice(-2, start, end));
      total = total.defined() ? total.add_(part) : part;
    }
    return total;
  };
}

at::Tensor reversed(const at::Tensor& left, const at::Tensor& right) {
  const int64_t inner = right.dim() < 2 ? -1 : -2;
  return at::matmul(left.flip({-1}), right.flip({inner}));
}

const std::map<std::string, Sum>& sums() {
  static const std::map<std::string, Sum> table = {
      {"cpu", [](const at::Tensor& left, const at::Tensor& right) { return at::matmul(left, right); }},
      {"reversed", reversed},
      {"tiles", in_slices(64)},
      {"small-tiles", in_slices(16)},
  };
  return table;
}

}  // namespace

at::Tensor round_mantissa(const at::Tensor& tensor, int bits) {
  const int dropped = 23 - bits;
  const at::Tensor image = tensor.contiguous().view(at::kInt);
  const at::Tensor last_kept = image.bitwise_right_shift(dropped).bitwise_and(1);
  const at::Tensor rounded =
      image.add((1 << (dropped - 1)) - 1).add(last_kept).bitwise_right_shift(dropped).bitwise_left_shift(dropped);
  return at::where(tensor.isfinite(), rounded.view(at::kFloat), tensor);
}

at::Tensor operand(const at::Tensor& tensor, Unit unit, int8_t cube_math) {
  if (tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16) {
    return tensor.to(at::kFloat);
  }
  if (tensor.scalar_type() != at::kFloat) {
    return tensor;
  }
  const char* variable = unit == Unit::MATMUL ? "SOFTCANN_MATMUL" : "SOFTCANN_CONV";
  const std::string name = text_setting(variable, default_rounding(cube_math));
  return named_rounding(name)(tensor);
}

const std::string& order_of_sums() {
  static const std::string name = text_setting("SOFTCANN_SUMS", "cpu");
  return name;
}

bool sums_as_the_cpu() { return order_of_sums() == "cpu"; }

at::Tensor product(const at::Tensor& left, const at::Tensor& right) {
  const std::string& name = order_of_sums();
  const auto found = sums().find(name);
  if (found == sums().end()) {
    throw std::runtime_error("there is no order of sums called " + name);
  }
  return found->second(left, right);
}

at::Tensor last_bit(const at::Tensor& result) {
  static const std::string name = text_setting("SOFTCANN_VECTOR", "cpu");
  if (name == "cpu" || result.scalar_type() != at::kFloat || result.numel() == 0) {
    return result;
  }
  // Which elements move is decided by their own bits, so that the same value is always given the same way.
  const at::Tensor image = result.contiguous().view(at::kInt);
  const at::Tensor hash = image.mul(-1640531527).bitwise_right_shift(29).bitwise_and(3);
  const at::Tensor up = at::full_like(result, std::numeric_limits<float>::infinity());
  const at::Tensor moved = at::where(hash.eq(0), at::nextafter(result, up), at::where(hash.eq(1), at::nextafter(result, up.neg()), result));
  return at::where(result.isfinite().logical_and(result.ne(0)), moved, result);
}

bool flash_attention() {
  static const bool flash = text_setting("SOFTCANN_ATTENTION", "cpu") == "flash";
  return flash;
}

}  // namespace softcann
