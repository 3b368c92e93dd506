// The call that runs on this thread: which operator it is, how often it has run, and what goes wrong with it.
#pragma once

#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <string>

#include "acl/acl_base_rt.h"

namespace softcann {

// An operator's failure with an error code of its own.
struct DeviceFailure : std::runtime_error {
  DeviceFailure(aclError code, const std::string& message) : std::runtime_error(message), code(code) {}
  aclError code;
};

struct Call {
  const char* name;
  at::Tensor as_read(at::Tensor tensor);
  void write(const at::Tensor& target, const at::Tensor& result);
};

// The innermost running call.
Call& current_call();

// Makes a call the current one as long as this lives.
class RunningCall {
 public:
  explicit RunningCall(const char* name);
  ~RunningCall();
  RunningCall(const RunningCall&) = delete;
  RunningCall& operator=(const RunningCall&) = delete;

 private:
  Call call_;
  Call* outer_;
};

}  // namespace softcann
