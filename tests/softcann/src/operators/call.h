// The call that runs on this thread: which operator it is, how often it has run, and what goes wrong with it.
#pragma once

#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <string>

#include "acl/acl_base_rt.h"
#include "faults.h"

namespace softcann {

// An operator's failure with an error code of its own.
struct DeviceFailure : std::runtime_error {
  DeviceFailure(aclError code, const std::string& message) : std::runtime_error(message), code(code) {}
  aclError code;
};

struct Call {
  Occurrence occurrence;

  at::Tensor as_read(const at::Tensor& tensor) const { return spoilt_operand(tensor, occurrence); }
  void write(const at::Tensor& target, const at::Tensor& result) const;
  void of_weight(const at::Tensor& weight) { occurrence.layer = layer_of(occurrence.name, weight); }
};

// The innermost running call.
Call& current_call();

// Makes a call the current one as long as this lives. Raises `DeviceFailure` where the device is to fail in it.
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
