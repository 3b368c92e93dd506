// Fused attention: softmax(scale * Q K^T + mask) V, computed whole or, as flash attention does, in blocks of keys.
#include "interface.h"

#include <ATen/ops/maximum.h>
#include <ATen/ops/ones.h>

#include <limits>

#include "arithmetic.h"

using namespace softcann;

namespace {

constexpr int64_t KEYS_IN_A_BLOCK = 32;
constexpr double MASKED = -std::numeric_limits<double>::infinity();
constexpr double MASKED_BY_BLOCK = -1e30;  // finite, since a block may be hidden as a whole

// sparseMode of aclnn: what the mask means.
enum Sparse : int64_t { AS_GIVEN = 0, ALL = 1, CAUSAL_FROM_FIRST = 2, CAUSAL_FROM_LAST = 3 };

// True where a query may not look, batch x heads x queries x keys up to expansion; undefined where all may look everywhere.
at::Tensor hidden(In mask, int64_t sparse, int64_t queries, int64_t keys) {
  switch (sparse) {
    case AS_GIVEN:
    case ALL: return mask.given() ? (*mask).to(at::kBool) : at::Tensor();
    case CAUSAL_FROM_FIRST: return at::ones({queries, keys}, at::kBool).triu(1);
    case CAUSAL_FROM_LAST: return at::ones({queries, keys}, at::kBool).triu(1 + keys - queries);
    default: throw std::runtime_error("sparse mode " + std::to_string(sparse) + " is not supported");
  }
}

// A layout of queries, keys and values as batch x heads x positions x width, and back.
at::Tensor by_head(const at::Tensor& tensor, const std::string& layout, int64_t heads) {
  if (layout == "BNSD") {
    return tensor;
  }
  if (layout == "BSND") {
    return tensor.transpose(1, 2);
  }
  const at::Tensor split = tensor.reshape({tensor.size(0), tensor.size(1), heads, tensor.size(2) / heads});
  if (layout == "BSH") {
    return split.transpose(1, 2);
  }
  if (layout == "SBH") {
    return split.permute({1, 2, 0, 3});
  }
  throw std::runtime_error("the layout " + layout + " is not supported");
}

at::Tensor in_layout(const at::Tensor& tensor, const std::string& layout) {
  if (layout == "BNSD") {
    return tensor;
  }
  if (layout == "SBH") {
    return tensor.permute({2, 0, 1, 3}).flatten(2);
  }
  const at::Tensor by_position = tensor.transpose(1, 2);
  return layout == "BSH" ? by_position.flatten(2) : by_position;
}

// Keys and values of grouped queries, one for each query's head.
at::Tensor repeated(const at::Tensor& tensor, int64_t heads) {
  return tensor.size(1) == heads ? tensor : tensor.repeat_interleave(heads / tensor.size(1), 1);
}

struct Operands {
  at::Tensor query;
  at::Tensor key;
  at::Tensor value;
  at::Tensor bias;    // added to the scaled scores; undefined: nothing
  at::Tensor hidden;  // undefined: nothing
  double scale;
};

at::Tensor part_of(const at::Tensor& tensor, int64_t start, int64_t end) {
  return tensor.size(-1) == 1 ? tensor : tensor.slice(-1, start, end);
}

// The scaled scores of the keys from `start` to `end`.
at::Tensor scores_of(const Operands& of, int64_t start, int64_t end, double masked) {
  at::Tensor scores = product(of.query, of.key.slice(-2, start, end).transpose(-2, -1)).mul(of.scale);
  if (of.bias.defined()) {
    scores = scores.add(part_of(of.bias, start, end));
  }
  return of.hidden.defined() ? scores.masked_fill(part_of(of.hidden, start, end), masked) : scores;
}

// A query that may look nowhere gets zeros.
at::Tensor whole(const Operands& of) {
  const at::Tensor scores = scores_of(of, 0, of.key.size(-2), MASKED);
  const at::Tensor weights = last_bit(scores.softmax(-1)).nan_to_num(0.0);
  return product(operand(weights, Unit::MATMUL, KEEP_DTYPE), of.value);
}

// Milakov and Gimelshein, "Online normalizer calculation for softmax": running maximum, sum and weighted values.
at::Tensor in_blocks(const Operands& of) {
  at::Tensor highest;
  at::Tensor sum;
  at::Tensor weighted;
  for (int64_t start = 0; start < of.key.size(-2); start += KEYS_IN_A_BLOCK) {
    const int64_t end = std::min(of.key.size(-2), start + KEYS_IN_A_BLOCK);
    const at::Tensor scores = scores_of(of, start, end, MASKED_BY_BLOCK);
    const at::Tensor peak = scores.amax(-1, true);
    const at::Tensor newest = highest.defined() ? at::maximum(highest, peak) : peak;
    const at::Tensor weights = scores.sub(newest).exp();
    const at::Tensor block = product(operand(weights, Unit::MATMUL, KEEP_DTYPE), of.value.slice(-2, start, end));
    if (highest.defined()) {
      const at::Tensor shrink = highest.sub(newest).exp();
      sum = sum.mul(shrink).add(weights.sum(-1, true));
      weighted = weighted.mul(shrink).add(block);
    } else {
      sum = weights.sum(-1, true);
      weighted = block;
    }
    highest = newest;
  }
  return weighted.div(sum);
}

}  // namespace

ACLNN(FlashAttentionScore,
      (In query, In key, In value, In bias, In, In, In mask, Ints, double scale, double, int64_t, int64_t,
       int64_t heads, char* layout_name, int64_t, int64_t sparse, Out, Out, Out, Out out),
      {
        const std::string layout = layout_name;
        const auto prepared = [&](const In& tensor) {
          const at::Tensor rounded = operand(*tensor, Unit::MATMUL, KEEP_DTYPE);
          return repeated(by_head(rounded, layout, heads), heads);
        };
        Operands of{prepared(query), prepared(key), prepared(value), {}, {}, scale};
        if (out.faulty("wrong-scale")) {
          of.scale *= 1.02;
        }
        if (!out.faulty("no-mask")) {
          of.bias = bias.given() ? (*bias).to(at::kFloat) : at::Tensor();
          of.hidden = hidden(mask, sparse, of.query.size(-2), of.key.size(-2));
        }
        out = in_layout(flash_attention() ? in_blocks(of) : whole(of), layout);
      })
