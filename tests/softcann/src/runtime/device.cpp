// Initialisation, devices and contexts. A context is a device's number, shifted so that it is no null pointer.
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "acl/error_codes/rt_error_codes.h"

#include "../settings.h"
#include "device_state.h"

namespace softcann {
namespace {

constexpr uintptr_t CONTEXT_BASE = 0x1000;
constexpr size_t MESSAGE_BYTES = 1024;  // beyond it a message is cut

thread_local int32_t chosen_device = -1;
thread_local char message[MESSAGE_BYTES];
aclError lost_with = ACL_SUCCESS;

// ASCEND_RT_VISIBLE_DEVICES as CANN reads it: indices separated by commas, of which those up to the first that does
// not exist count. Not set means all.
uint32_t visible_devices() {
  const auto installed = static_cast<uint32_t>(number_setting("SOFTCANN_DEVICES", 1));
  const char* listed = std::getenv("ASCEND_RT_VISIBLE_DEVICES");
  if (listed == nullptr) {
    return installed;
  }
  uint32_t visible = 0;
  for (const char* next = listed; *next != '\0'; ++visible) {
    char* end = nullptr;
    const auto index = std::strtoul(next, &end, 10);
    if (end == next || index >= installed) {
      break;
    }
    next = *end == ',' ? end + 1 : end;
  }
  return visible;
}

// SOFTCANN_LOST_FILE holds the numbers of devices that are lost for every process, one a line.
bool is_lost(int32_t device) {
  std::ifstream file(text_setting("SOFTCANN_LOST_FILE", ""));
  for (int32_t number = 0; file >> number;) {
    if (number == device) {
      return true;
    }
  }
  return false;
}

}  // namespace

int32_t current_device() { return chosen_device < 0 ? 0 : chosen_device; }

aclError device_error() { return lost_with; }

void lose_device(aclError error) {
  lost_with = error;
  const std::string path = text_setting("SOFTCANN_LOST_FILE", "");
  if (!path.empty()) {
    std::ofstream(path, std::ios::app) << current_device() << '\n';
  }
}

aclError fail(aclError error, const char* text) {
  std::strncpy(message, text, MESSAGE_BYTES - 1);
  return error;
}

}  // namespace softcann

using namespace softcann;

extern "C" {

aclError aclInit(const char*) {
  const auto error = static_cast<aclError>(number_setting("SOFTCANN_INIT_ERROR", 0));
  return error == ACL_SUCCESS ? error : fail(error, "E39999: Inner Error! the software device was told not to start");
}

aclError aclFinalize() { return ACL_SUCCESS; }

const char* aclGetRecentErrMsg() {
  static thread_local std::string last;
  last = message;
  message[0] = '\0';
  return last.empty() ? nullptr : last.c_str();
}

const char* aclrtGetSocName() {
  static const std::string name = text_setting("SOFTCANN_SOC", "Ascend910B4");
  return name.c_str();
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  *count = visible_devices();
  return *count != 0 ? ACL_SUCCESS : fail(ACL_ERROR_RT_NO_DEVICE, "EE1001: no device is visible");
}

aclError aclrtSetDevice(int32_t device) {
  if (device < 0 || static_cast<uint32_t>(device) >= visible_devices()) {
    return fail(ACL_ERROR_RT_INVALID_DEVICEID, "EE1001: the device's number is out of range");
  }
  if (is_lost(device)) {
    return fail(ACL_ERROR_RT_LOST_HEARTBEAT, "EE9999: the device lost its heartbeat");
  }
  chosen_device = device;
  return device_error();
}

aclError aclrtResetDevice(int32_t) { return ACL_SUCCESS; }

aclError aclrtGetDevice(int32_t* device) {
  *device = chosen_device;
  return chosen_device < 0 ? ACL_ERROR_RT_CONTEXT_NULL : ACL_SUCCESS;
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  *context = reinterpret_cast<aclrtContext>(CONTEXT_BASE + static_cast<uintptr_t>(current_device()));
  return ACL_SUCCESS;
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  chosen_device = static_cast<int32_t>(reinterpret_cast<uintptr_t>(context) - CONTEXT_BASE);
  return ACL_SUCCESS;
}

aclError aclrtGetPrimaryCtxState(int32_t, uint32_t* flags, int32_t* active) {
  if (flags != nullptr) {
    *flags = 0;
  }
  *active = 1;
  return ACL_SUCCESS;
}

aclError aclrtDeviceCanAccessPeer(int32_t* can, int32_t, int32_t) {
  *can = 1;
  return ACL_SUCCESS;
}

aclError aclrtDeviceEnablePeerAccess(int32_t, uint32_t) { return ACL_SUCCESS; }

aclError aclrtDeviceGetBareTgid(int32_t* process) {
  *process = 1;
  return ACL_SUCCESS;
}

// The numbers of cores are those of a 910B4: 20 for matrices, 40 for vectors.
aclError aclGetDeviceCapability(uint32_t, aclDeviceInfo asked, int64_t* value) {
  *value = asked == ACL_DEVICE_INFO_AI_CORE_NUM ? 20 : asked == ACL_DEVICE_INFO_VECTOR_CORE_NUM ? 40 : 0;
  return ACL_SUCCESS;
}

}  // extern "C"
