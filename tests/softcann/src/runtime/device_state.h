// What the runtime (libascendcl.so) and the operators (libopapi.so) both know: the current device, whether it still
// lives, and the message of the last error.
#pragma once

#include "acl/acl_base_rt.h"

#define SOFTCANN_SHARED __attribute__((visibility("default")))

namespace softcann {

// The device that this thread has set, 0 before it has set one. A number among the visible devices.
SOFTCANN_SHARED int32_t current_device();

// ACL_SUCCESS, or the error that every call returns since the device was lost.
SOFTCANN_SHARED aclError device_error();

// From now on the device answers every call with `error`.
SOFTCANN_SHARED void lose_device(aclError error);

// What aclGetRecentErrMsg of this thread says next. Returns `error`, so that a failing call can end with it.
SOFTCANN_SHARED aclError fail(aclError error, const char* message);

}  // namespace softcann
