#include "call.h"

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

at::Tensor Call::as_read(at::Tensor tensor) { return tensor; }

void Call::write(const at::Tensor& target, const at::Tensor& result) { target.copy_(result); }

Call& current_call() { return *running; }

RunningCall::RunningCall(const char* name) : call_{name}, outer_(running) {
  log_call(name);
  running = &call_;
}

RunningCall::~RunningCall() { running = outer_; }

}  // namespace softcann
