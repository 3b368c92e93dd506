// Reading and writing elements by their places: nothing is computed, so a correct device is exact.
#include "interface.h"

#include <ATen/ops/embedding.h>

using namespace softcann;

namespace {

using Places = c10::List<std::optional<at::Tensor>>;

// Nothing where every index is empty. Otherwise an empty one stands for a dimension that is taken whole.
std::optional<Places> places(Ins indices) {
  Places list;
  bool any = false;
  for (const at::Tensor& index : *indices) {
    const bool empty = !index.defined() || index.numel() == 0;
    any = any || !empty;
    list.push_back(empty ? std::nullopt : std::optional(index.scalar_type() == at::kInt ? index.to(at::kLong) : index));
  }
  return any ? std::optional(list) : std::nullopt;
}

}  // namespace

ACLNN(Embedding, (In weight, In indices, Out out), {
  const at::Tensor table = weight.weight();
  const at::Tensor rows = out.faulty("next-row") ? (*indices).add(1).remainder(table.size(0)) : *indices;
  out = at::embedding(table, rows);
})
ACLNN(Index, (In self, Ins indices, Out out), {
  if (const auto found = places(indices)) {
    out = (*self).index(*found);
  }
})
ACLNN(IndexPutImpl, (Out self, Ins indices, In values, bool accumulate, bool), {
  if (const auto found = places(indices)) {
    self = (*self).index_put(*found, *values, accumulate);
  }
})
ACLNN(IndexSelect, (In self, int64_t dimension, In index, Out out), { out = (*self).index_select(dimension, *index); })
ACLNN(IndexFillTensor, (In self, int64_t dimension, Ints index, Number value, Out out), {
  at::Tensor filled = (*self).clone();
  for (const int64_t place : *index) {
    filled.select(dimension, place).fill_(*value);
  }
  out = filled;
})
ACLNN(Gather, (In self, int64_t dimension, In index, Out out), { out = (*self).gather(dimension, *index); })
ACLNN(Take, (In self, In index, Out out), { out = (*self).take(*index); })
ACLNN(ScatterAdd, (In self, int64_t dimension, In index, In source, Out out), {
  out = (*self).scatter_add(dimension, *index, *source);
})

// How a scattered value meets the one that is there, by its number.
at::Tensor scattered(const at::Tensor& self, int64_t dimension, const at::Tensor& index, const at::Tensor& source,
                     int64_t reduction) {
  switch (reduction) {
    case 0: return self.scatter(dimension, index, source);
    case 1: return self.scatter(dimension, index, source, "add");
    case 2: return self.scatter(dimension, index, source, "multiply");
    default: throw std::runtime_error("this reduction of a scatter is not supported");
  }
}

ACLNN(Scatter, (In self, int64_t dimension, In index, In source, int64_t reduction, Out out), {
  out = scattered(*self, dimension, *index, *source, reduction);
})
ACLNN(InplaceScatter, (Out self, int64_t dimension, In index, In source, int64_t reduction), {
  self = scattered(*self, dimension, *index, *source, reduction);
})
ACLNN(ScatterValue, (In self, int64_t dimension, In index, Number value, int64_t, Out out), {
  out = (*self).scatter(dimension, *index, *value);
})
ACLNN(InplaceScatterValue, (Out self, int64_t dimension, In index, Number value, int64_t), {
  self = (*self).scatter(dimension, *index, *value);
})
ACLNN(InplaceMaskedFillScalar, (Out self, In mask, Number value), {
  self = (*self).masked_fill((*mask).to(at::kBool), *value);
})
ACLNN(InplaceMaskedFillTensor, (Out self, In mask, In value), {
  self = (*self).masked_fill((*mask).to(at::kBool), (*value).item());
})
ACLNN(InplaceMaskedScatter, (Out self, In mask, In source), { self = (*self).masked_scatter(*mask, *source); })
ACLNN(MaskedSelect, (In self, In mask, Out out), {
  const at::Tensor chosen = (*self).masked_select(*mask);
  out.shrink_to(chosen.sizes());
  out = chosen;
})
ACLNN(Nonzero, (In self, Out out), {
  const at::Tensor found = (*self).nonzero();
  out.shrink_to(found.sizes());
  out = found;
})
ACLNN(NonzeroV2, (In self, Out out), {
  const at::Tensor found = (*self).nonzero().t();
  out.shrink_to(found.sizes());
  out = found;
})
