// Versions, attributes and options: what torch_npu asks about the installation, and what it sets without reading back.
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "acl/acl.h"
#include "acl/acl_op_compiler.h"
#include "acl/error_codes/rt_error_codes.h"

#include "../settings.h"
#include "device_state.h"

namespace softcann {
namespace {

constexpr size_t VERSION_ROOM = 128;  // what torch_npu's buffers hold

std::string cann_version() { return text_setting("SOFTCANN_CANN_VERSION", SOFTCANN_CANN); }
std::string driver_version() { return text_setting("SOFTCANN_DRIVER_VERSION", SOFTCANN_DRIVER); }

void put(char* room, const std::string& text, size_t bytes) {
  std::strncpy(room, text.c_str(), bytes - 1);
  room[bytes - 1] = '\0';
}

std::mutex lock;
std::map<int, std::string> compile_options;
std::map<int, int64_t> system_options;

aclError set_system_option(aclSysParamOpt option, int64_t value) {
  const std::lock_guard<std::mutex> guard(lock);
  system_options[option] = value;
  return ACL_SUCCESS;
}

aclError get_system_option(aclSysParamOpt option, int64_t* value) {
  const std::lock_guard<std::mutex> guard(lock);
  *value = system_options[option];
  return ACL_SUCCESS;
}

}  // namespace
}  // namespace softcann

using namespace softcann;

extern "C" {

aclError aclsysGetCANNVersion(aclCANNPackageName package, aclCANNPackageVersion* version) {
  std::memset(version, 0, sizeof *version);
  put(version->version, package == ACL_PKG_NAME_DRIVER ? driver_version() : cann_version(), sizeof version->version);
  return ACL_SUCCESS;
}

aclError aclsysGetVersionStr(char* package, char* version) {
  put(version, std::strcmp(package, "driver") == 0 ? driver_version() : cann_version(), VERSION_ROOM);
  return ACL_SUCCESS;
}

aclError aclGetCannAttribute(aclCannAttr, int32_t* value) {
  *value = 1;
  return ACL_SUCCESS;
}

aclError aclSetCompileopt(aclCompileOpt option, const char* value) {
  const std::lock_guard<std::mutex> guard(lock);
  compile_options[option] = value;
  return ACL_SUCCESS;
}

size_t aclGetCompileoptSize(aclCompileOpt option) {
  const std::lock_guard<std::mutex> guard(lock);
  return compile_options.emplace(option, "disable").first->second.size() + 1;
}

aclError aclGetCompileopt(aclCompileOpt option, char* value, size_t bytes) {
  const std::lock_guard<std::mutex> guard(lock);
  put(value, compile_options.emplace(option, "disable").first->second, bytes);
  return ACL_SUCCESS;
}

aclError aclrtSetSysParamOpt(aclSysParamOpt option, int64_t value) { return set_system_option(option, value); }
aclError aclrtGetSysParamOpt(aclSysParamOpt option, int64_t* value) { return get_system_option(option, value); }
aclError aclrtCtxSetSysParamOpt(aclSysParamOpt option, int64_t value) { return set_system_option(option, value); }
aclError aclrtCtxGetSysParamOpt(aclSysParamOpt option, int64_t* value) { return get_system_option(option, value); }

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode) { return ACL_SUCCESS; }
aclError aclrtSetStreamOverflowSwitch(aclrtStream, uint32_t) { return ACL_SUCCESS; }
aclError aclrtSetOpWaitTimeout(uint32_t) { return ACL_SUCCESS; }
aclError aclrtSetOpExecuteTimeOut(uint32_t) { return ACL_SUCCESS; }
aclError aclrtSetExceptionInfoCallback(aclrtExceptionInfoCallback) { return ACL_SUCCESS; }

aclError aclrtSetOpExecuteTimeOutV2(uint64_t asked, uint64_t* granted) {
  if (granted != nullptr) {
    *granted = asked;
  }
  return ACL_SUCCESS;
}

// torch_npu's own log: as on a machine with CANN it goes to standard output only when that was asked for.
void aclAppLog(aclLogLevel level, const char*, const char*, uint32_t, const char* format, ...) {
  if (number_setting("ASCEND_SLOG_PRINT_TO_STDOUT", 0) == 0) {
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  std::printf("[acl %d] ", static_cast<int>(level));
  std::vprintf(format, arguments);
  std::printf("\n");
  va_end(arguments);
}

}  // extern "C"
