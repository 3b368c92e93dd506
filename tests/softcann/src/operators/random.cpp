// Random numbers from the CPU's generator, seeded by what torch_npu passes: repeatable, and not an NPU's sequence.
#include "interface.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>

using namespace softcann;

namespace {

at::Generator generator(int64_t seed, int64_t offset) {
  return at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed) ^ (static_cast<uint64_t>(offset) << 32));
}

}  // namespace

ACLNN(InplaceNormal, (Out self, float mean, float deviation, int64_t seed, int64_t offset), {
  (*self).normal_(mean, deviation, generator(seed, offset));
})
ACLNN(InplaceUniform, (Out self, double low, double high, int64_t seed, int64_t offset), {
  (*self).uniform_(low, high, generator(seed, offset));
})
ACLNN(InplaceRandom, (Out self, int64_t low, int64_t high, int64_t seed, int64_t offset), {
  (*self).random_(low, high, generator(seed, offset));
})
ACLNN(Randperm, (int64_t count, int64_t seed, int64_t offset, Out out), {
  out = at::randperm(count, generator(seed, offset), (*out).options());
})
