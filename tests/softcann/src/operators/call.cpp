#include "call.h"

#include <cstring>
#include <fstream>
#include <mutex>

#include "../settings.h"

namespace softcann {
namespace {

thread_local Call* running = nullptr;
std::mutex lock;

// SOFTCANN_CALLS names a file that gets the name of every operator as it runs, one a line.
void log_call(const char* name) {
  static const std::string path = text_setting("SOFTCANN_CALLS", "");
  if (!path.empty()) {
    const std::lock_guard<std::mutex> guard(lock);
    std::ofstream(path, std::ios::app) << name << '\n';
  }
}

}  // namespace

void Call::write(const at::Tensor& target, const at::Tensor& result) const {
  target.copy_(spoilt_result(result.to(target.scalar_type()), occurrence));
}

Call& current_call() { return *running; }

RunningCall::RunningCall(const char* name) : call_{{name + std::strlen("aclnn"), 0, -1}}, outer_(running) {
  log_call(name);
  call_.occurrence.call = count_call(call_.occurrence.name);
  fail_if_asked(call_.occurrence);
  running = &call_;
}

RunningCall::~RunningCall() { running = outer_; }

}  // namespace softcann
