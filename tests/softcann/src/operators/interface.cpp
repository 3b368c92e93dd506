// Making and freeing what torch_npu passes to operators, and running them.
#include "interface.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/strides.h>

#include <memory>

#include "../runtime/device_state.h"
#include "acl/acl_base.h"
#include "call.h"

namespace softcann {
namespace {

constexpr int ACLNN_RUN_FAILED = 561000;  // ACLNN_ERR_INNER of aclnn/acl_meta.h

int inner_error(const char* name, const char* what) {
  return fail(ACLNN_RUN_FAILED, (std::string("EZ9999: Inner Error! ") + name + ": " + what).c_str());
}

template <typename Value>
Value read(const void* value) {
  return *static_cast<const Value*>(value);
}

at::Scalar scalar(const void* value, at::ScalarType type) {
  switch (type) {
    case at::kFloat: return read<float>(value);
    case at::kDouble: return read<double>(value);
    case at::kHalf: return static_cast<float>(read<at::Half>(value));
    case at::kBFloat16: return static_cast<float>(read<at::BFloat16>(value));
    case at::kLong: return read<int64_t>(value);
    case at::kInt: return read<int32_t>(value);
    case at::kShort: return read<int16_t>(value);
    case at::kChar: return read<int8_t>(value);
    case at::kByte: return read<uint8_t>(value);
    case at::kBool: return read<bool>(value);
    case at::kComplexFloat: return read<c10::complex<float>>(value);
    case at::kComplexDouble: return read<c10::complex<double>>(value);
    default: throw std::runtime_error("a scalar of this type is not supported");
  }
}

at::Tensor view_of(const aclTensor* tensor) {
  if (tensor == nullptr) {
    return {};
  }
  char* first = static_cast<char*>(tensor->data) + tensor->offset * static_cast<int64_t>(c10::elementSize(tensor->type));
  return at::from_blob(first, tensor->sizes, tensor->strides, at::TensorOptions().dtype(tensor->type));
}

}  // namespace

at::ScalarType scalar_type(int acl_type) {
  switch (acl_type) {
    case ACL_FLOAT: return at::kFloat;
    case ACL_FLOAT16: return at::kHalf;
    case ACL_BF16: return at::kBFloat16;
    case ACL_DOUBLE: return at::kDouble;
    case ACL_INT8: return at::kChar;
    case ACL_INT16: return at::kShort;
    case ACL_INT32: return at::kInt;
    case ACL_INT64: return at::kLong;
    case ACL_UINT8: return at::kByte;
    case ACL_BOOL: return at::kBool;
    case ACL_COMPLEX64: return at::kComplexFloat;
    case ACL_COMPLEX128: return at::kComplexDouble;
    default: throw std::runtime_error("element type " + std::to_string(acl_type) + " is not supported");
  }
}

at::Tensor In::operator*() const { return current_call().as_read(view_of(handle)); }

at::Tensor In::weight() const {
  const at::Tensor tensor = view_of(handle);
  if (tensor.defined()) {
    current_call().of_weight(tensor);
  }
  return current_call().as_read(tensor);
}

std::optional<at::Tensor> In::optional() const { return given() ? std::optional(**this) : std::nullopt; }

at::Tensor Out::operator*() const { return view_of(handle); }

void Out::operator=(const at::Tensor& result) const {
  if (!given()) {
    return;
  }
  const at::Tensor target = view_of(handle);
  const bool same_elements = result.numel() == target.numel();
  current_call().write(target, same_elements ? result.reshape(target.sizes()) : result.expand(target.sizes()));
}

bool Out::faulty(const char* fault) const {
  return fired(fault, current_call().occurrence, handle->sizes) != nullptr;
}

void Out::shrink_to(at::IntArrayRef sizes) const {
  handle->sizes = sizes.vec();
  const auto strides = c10::contiguous_strides(sizes);
  handle->strides.assign(strides.begin(), strides.end());
}

std::vector<at::Tensor> Ins::operator*() const {
  std::vector<at::Tensor> tensors;
  for (const aclTensor* tensor : handle->tensors) {
    tensors.push_back(*In{tensor});
  }
  return tensors;
}

int prepare(const char* name, uint64_t* workspace_bytes, aclOpExecutor** executor, std::function<void()> body) {
  *workspace_bytes = 0;
  *executor = new aclOpExecutor{name, std::move(body)};
  return ACL_SUCCESS;
}

int execute(aclOpExecutor* executor) {
  const std::unique_ptr<aclOpExecutor> owned(executor);
  if (device_error() != ACL_SUCCESS) {
    return device_error();
  }
  try {
    const at::AutoDispatchBelowADInplaceOrView without_gradients;
    const RunningCall running(owned->name);
    owned->body();
    return device_error();
  } catch (const DeviceFailure& failure) {
    return fail(failure.code, failure.what());
  } catch (const c10::Error& error) {
    return inner_error(owned->name, error.what_without_backtrace());
  } catch (const std::exception& error) {
    return inner_error(owned->name, error.what());
  }
}

}  // namespace softcann

using softcann::scalar_type;

// These are called by torch_npu while it prepares a call; what they throw passes through it as an error of its own.

SOFTCANN_API aclTensor* aclCreateTensor(const int64_t* sizes, uint64_t dimensions, int type, const int64_t* strides,
                                        int64_t offset, int, const int64_t*, uint64_t, void* data) {
  return new aclTensor{data, scalar_type(type), offset, {sizes, sizes + dimensions}, {strides, strides + dimensions}};
}
SOFTCANN_API aclScalar* aclCreateScalar(void* value, int type) {
  return new aclScalar{softcann::scalar(value, scalar_type(type))};
}
SOFTCANN_API aclIntArray* aclCreateIntArray(const int64_t* values, uint64_t size) {
  return new aclIntArray{{values, values + size}};
}
SOFTCANN_API aclFloatArray* aclCreateFloatArray(const float* values, uint64_t size) {
  return new aclFloatArray{{values, values + size}};
}
SOFTCANN_API aclBoolArray* aclCreateBoolArray(const bool* values, uint64_t size) {
  return new aclBoolArray{std::vector<bool>(values, values + size)};
}
SOFTCANN_API aclTensorList* aclCreateTensorList(const aclTensor* const* tensors, uint64_t size) {
  return new aclTensorList{{tensors, tensors + size}};
}
SOFTCANN_API aclScalarList* aclCreateScalarList(const aclScalar* const* scalars, uint64_t size) {
  return new aclScalarList{{scalars, scalars + size}};
}

template <typename Handle>
int destroy(const Handle* handle) {
  delete handle;
  return ACL_SUCCESS;
}

SOFTCANN_API int aclDestroyTensor(const aclTensor* tensor) { return destroy(tensor); }
SOFTCANN_API int aclDestroyScalar(const aclScalar* scalar) { return destroy(scalar); }
SOFTCANN_API int aclDestroyIntArray(const aclIntArray* array) { return destroy(array); }
SOFTCANN_API int aclDestroyFloatArray(const aclFloatArray* array) { return destroy(array); }
SOFTCANN_API int aclDestroyBoolArray(const aclBoolArray* array) { return destroy(array); }
SOFTCANN_API int aclDestroyTensorList(const aclTensorList* list) {
  if (list != nullptr) {
    for (const aclTensor* tensor : list->tensors) {
      delete tensor;
    }
  }
  return destroy(list);
}
SOFTCANN_API int aclDestroyScalarList(const aclScalarList* list) {
  if (list != nullptr) {
    for (const aclScalar* scalar : list->scalars) {
      delete scalar;
    }
  }
  return destroy(list);
}

// The size of a result that only its operator knows; the caller frees it by `delete[]`.
SOFTCANN_API int aclGetViewShape(const aclTensor* tensor, int64_t** sizes, uint64_t* dimensions) {
  *dimensions = tensor->sizes.size();
  *sizes = new int64_t[tensor->sizes.size()];
  std::copy(tensor->sizes.begin(), tensor->sizes.end(), *sizes);
  return ACL_SUCCESS;
}
