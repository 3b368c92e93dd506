// Device memory is host memory, with what each device has given out counted, so that a device can run out of it.
#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "acl/acl.h"
#include "acl/error_codes/rt_error_codes.h"

#include "../settings.h"
#include "device_state.h"

namespace softcann {
namespace {

constexpr size_t ALIGNMENT = 512;  // of CANN's own blocks; torch_npu counts on it
constexpr size_t MAXIMUM_DEVICES = 16;

// In front of every block, in an aligned area of its own.
struct Header {
  size_t bytes;
  int32_t device;
};
static_assert(sizeof(Header) <= ALIGNMENT);

std::mutex lock;
std::array<size_t, MAXIMUM_DEVICES> given_out{};

size_t total_bytes() { return static_cast<size_t>(number_setting("SOFTCANN_MEMORY_MIB", 32768)) << 20; }

// What other processes are meant to use of the device.
size_t foreign_bytes() { return static_cast<size_t>(number_setting("SOFTCANN_FOREIGN_MEMORY_MIB", 0)) << 20; }

size_t free_bytes(int32_t device) {
  const size_t taken = given_out.at(device) + foreign_bytes();
  return taken < total_bytes() ? total_bytes() - taken : 0;
}

Header* header_of(void* block) { return reinterpret_cast<Header*>(static_cast<char*>(block) - ALIGNMENT); }

aclError out_of_memory(size_t bytes) {
  const std::string text = "EL0004: [PID: 0] Failed to allocate memory. Size: " + std::to_string(bytes);
  return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, text.c_str());
}

aclError copy(void* to, size_t room, const void* from, size_t bytes) {
  if (bytes > room) {
    return fail(ACL_ERROR_INVALID_PARAM, "EE1001: a copy is longer than its destination");
  }
  if (device_error() == ACL_SUCCESS) {
    std::memmove(to, from, bytes);
  }
  return device_error();
}

}  // namespace
}  // namespace softcann

using namespace softcann;

extern "C" {

aclError aclrtMalloc(void** block, size_t bytes, aclrtMemMallocPolicy) {
  const std::lock_guard<std::mutex> guard(lock);
  const int32_t device = current_device();
  void* area = nullptr;
  if (bytes > free_bytes(device) || posix_memalign(&area, ALIGNMENT, bytes + ALIGNMENT) != 0) {
    return out_of_memory(bytes);
  }
  given_out.at(device) += bytes;
  *static_cast<Header*>(area) = {bytes, device};
  *block = static_cast<char*>(area) + ALIGNMENT;
  return device_error();
}

aclError aclrtMallocAlign32(void** block, size_t bytes, aclrtMemMallocPolicy policy) {
  return aclrtMalloc(block, bytes, policy);
}

aclError aclrtFree(void* block) {
  if (block != nullptr) {
    const std::lock_guard<std::mutex> guard(lock);
    Header* header = header_of(block);
    given_out.at(header->device) -= header->bytes;
    std::free(header);
  }
  return ACL_SUCCESS;
}

aclError aclrtGetMemInfo(aclrtMemAttr, size_t* free, size_t* total) {
  const std::lock_guard<std::mutex> guard(lock);
  *free = free_bytes(current_device());
  *total = total_bytes();
  return device_error();
}

aclError aclrtMallocHost(void** block, size_t bytes) {
  return posix_memalign(block, ALIGNMENT, bytes == 0 ? ALIGNMENT : bytes) == 0 ? ACL_SUCCESS : out_of_memory(bytes);
}

aclError aclrtFreeHost(void* block) {
  std::free(block);
  return ACL_SUCCESS;
}

aclError aclrtMemcpy(void* to, size_t room, const void* from, size_t bytes, aclrtMemcpyKind) {
  return copy(to, room, from, bytes);
}

aclError aclrtMemcpyAsync(void* to, size_t room, const void* from, size_t bytes, aclrtMemcpyKind, aclrtStream) {
  return copy(to, room, from, bytes);
}

aclError aclrtMemset(void* to, size_t room, int32_t value, size_t bytes) {
  if (bytes > room) {
    return fail(ACL_ERROR_INVALID_PARAM, "EE1001: a fill is longer than its destination");
  }
  std::memset(to, value, bytes);
  return device_error();
}

aclError aclrtMemsetAsync(void* to, size_t room, int32_t value, size_t bytes, aclrtStream) {
  return aclrtMemset(to, room, value, bytes);
}

aclError aclrtPointerGetAttributes(const void*, aclrtPtrAttributes* attributes) {
  std::memset(attributes, 0, sizeof *attributes);
  return ACL_SUCCESS;
}

}  // extern "C"
