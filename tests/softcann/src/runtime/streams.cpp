// Streams and events. Work is done while it is queued, so a stream is always idle and an event is over once recorded;
// what remains of an event is the time of its recording.
#include <chrono>
#include <cstdint>

#include "acl/acl.h"

#include "device_state.h"

namespace softcann {
namespace {

struct Stream {
  int32_t device;
};

struct Event {
  uint64_t nanoseconds;
};

uint64_t now() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

aclError create_stream(aclrtStream* stream) {
  *stream = new Stream{current_device()};
  return device_error();
}

aclError destroy_stream(aclrtStream stream) {
  delete static_cast<Stream*>(stream);
  return ACL_SUCCESS;
}

aclError create_event(aclrtEvent* event) {
  *event = new Event{0};
  return device_error();
}

uint64_t time_of(aclrtEvent event) { return static_cast<Event*>(event)->nanoseconds; }

}  // namespace
}  // namespace softcann

using namespace softcann;

extern "C" {

aclError aclrtCreateStream(aclrtStream* stream) { return create_stream(stream); }
aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t, uint32_t) { return create_stream(stream); }
aclError aclrtDestroyStream(aclrtStream stream) { return destroy_stream(stream); }
aclError aclrtDestroyStreamForce(aclrtStream stream) { return destroy_stream(stream); }
aclError aclrtStreamWaitEvent(aclrtStream, aclrtEvent) { return device_error(); }
aclError aclrtSetStreamFailureMode(aclrtStream, uint64_t) { return ACL_SUCCESS; }

aclError aclrtSynchronizeStream(aclrtStream) { return device_error(); }
aclError aclrtSynchronizeStreamWithTimeout(aclrtStream, int32_t) { return device_error(); }
aclError aclrtSynchronizeDevice() { return device_error(); }
aclError aclrtSynchronizeDeviceWithTimeout(int32_t) { return device_error(); }

aclError aclrtStreamQuery(aclrtStream, aclrtStreamStatus* status) {
  *status = ACL_STREAM_STATUS_COMPLETE;
  return device_error();
}

aclError aclrtCreateEvent(aclrtEvent* event) { return create_event(event); }
aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t) { return create_event(event); }
aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t) { return create_event(event); }

aclError aclrtDestroyEvent(aclrtEvent event) {
  delete static_cast<Event*>(event);
  return ACL_SUCCESS;
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream) {
  static_cast<Event*>(event)->nanoseconds = now();
  return device_error();
}

aclError aclrtResetEvent(aclrtEvent, aclrtStream) { return ACL_SUCCESS; }
aclError aclrtSynchronizeEvent(aclrtEvent) { return device_error(); }

aclError aclrtQueryEventStatus(aclrtEvent, aclrtEventRecordedStatus* status) {
  *status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
  return device_error();
}

aclError aclrtQueryEventWaitStatus(aclrtEvent, aclrtEventWaitStatus* status) {
  *status = ACL_EVENT_WAIT_STATUS_COMPLETE;
  return device_error();
}

aclError aclrtEventElapsedTime(float* milliseconds, aclrtEvent start, aclrtEvent end) {
  *milliseconds = static_cast<float>(static_cast<double>(time_of(end) - time_of(start)) / 1e6);
  return device_error();
}

aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t* microseconds) {
  *microseconds = time_of(event) / 1000;
  return device_error();
}

}  // extern "C"
