// The aclnn interface as libopapi.so offers it: what torch_npu hands over, and how an operator is defined.
//
// Every operator is two C functions: aclnnXGetWorkspaceSize takes the arguments and returns an executor, aclnnX runs
// it. torch_npu finds both by name and calls them through casts, so the compiler checks nothing: an operator's
// parameters must be what torch_npu passes, in its order and its types. ACLNN defines both functions; the tests compare
// each operator with the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "acl/acl_base_rt.h"

#define SOFTCANN_API extern "C" __attribute__((visibility("default")))

struct aclTensor {
  void* data;  // of the storage
  at::ScalarType type;
  int64_t offset;  // of the first element, in elements
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};
struct aclScalar {
  at::Scalar value;
};
struct aclIntArray {
  std::vector<int64_t> values;
};
struct aclFloatArray {
  std::vector<float> values;
};
struct aclBoolArray {
  std::vector<bool> values;
};
struct aclTensorList {
  std::vector<const aclTensor*> tensors;
};
struct aclScalarList {
  std::vector<const aclScalar*> scalars;
};
struct aclOpExecutor {
  const char* name;  // "aclnnAdd"
  std::function<void()> body;
};

namespace softcann {

at::ScalarType scalar_type(int acl_type);

// The parameters of an operator. Each is as large as the pointer it stands for, is passed as that pointer is, and gives
// its value by `*`.

struct In {
  const aclTensor* handle;
  bool given() const { return handle != nullptr; }
  at::Tensor operator*() const;                    // undefined where none was given
  at::Tensor weight() const;                       // the same, of the tensor that tells which layer this call is of
  std::optional<at::Tensor> optional() const;      // nothing where none was given
};

struct Out {
  aclTensor* handle;
  bool given() const { return handle != nullptr; }
  at::Tensor operator*() const;                    // to write into or to read from
  void operator=(const at::Tensor& result) const;  // nothing happens where none was given; shapes may differ by ones
  bool faulty(const char* fault) const;            // whether this call is to make this mistake
  void shrink_to(at::IntArrayRef sizes) const;     // for operators whose result has a size of its own
};

struct Number {
  const aclScalar* handle;
  bool given() const { return handle != nullptr; }
  at::Scalar operator*() const { return handle != nullptr ? handle->value : at::Scalar(1); }
};

struct Ints {
  const aclIntArray* handle;
  bool given() const { return handle != nullptr; }
  at::IntArrayRef operator*() const { return handle != nullptr ? at::IntArrayRef(handle->values) : at::IntArrayRef(); }
};

struct Floats {
  const aclFloatArray* handle;
  at::ArrayRef<float> operator*() const { return handle != nullptr ? at::ArrayRef<float>(handle->values) : at::ArrayRef<float>(); }
};

struct Ins {
  const aclTensorList* handle;
  std::vector<at::Tensor> operator*() const;
};

struct Outs {
  const aclTensorList* handle;
  size_t size() const { return handle->tensors.size(); }
  Out operator[](size_t index) const { return {const_cast<aclTensor*>(handle->tensors[index])}; }
};

struct Type {
  int32_t acl_type;
  at::ScalarType operator*() const { return scalar_type(acl_type); }
};

int prepare(const char* name, uint64_t* workspace_bytes, aclOpExecutor** executor, std::function<void()> body);
int execute(aclOpExecutor* executor);

}  // namespace softcann

#define SOFTCANN_LIST(...) __VA_ARGS__

// ACLNN(Name, (parameters), { what it computes })
#define ACLNN(NAME, PARAMETERS, ...)                                                                              \
  SOFTCANN_API int aclnn##NAME##GetWorkspaceSize(SOFTCANN_LIST PARAMETERS, uint64_t* workspace_bytes,             \
                                                 aclOpExecutor** executor) {                                      \
    return softcann::prepare("aclnn" #NAME, workspace_bytes, executor, [=]() __VA_ARGS__);                        \
  }                                                                                                               \
  SOFTCANN_API int aclnn##NAME(void*, uint64_t, aclOpExecutor* executor, void*) { return softcann::execute(executor); }
