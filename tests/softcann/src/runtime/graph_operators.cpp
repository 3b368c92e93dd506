// The older way into CANN: operators compiled as graphs of one node (aclop). torch_npu takes it for an operator that it
// misses in libopapi.so. One is built here, Identity; any other is refused with CANN's own words for it.
#include <cstring>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "acl/acl_op.h"
#include "acl/acl_op_compiler.h"

#include "device_state.h"

struct aclTensorDesc {
  aclDataType type;
  aclFormat format;
  std::vector<int64_t> shape;
};

struct aclDataBuffer {
  void* data;
  size_t bytes;
};

struct aclopAttr {};

namespace softcann {
namespace {

aclError unsupported(const char* name) {
  const std::string text = std::string("EZ3003: No supported Ops kernel and engine are found for [") + name +
                           "], optype [" + name + "].";
  return fail(ACL_ERROR_OP_NOT_FOUND, text.c_str());
}

aclError run(const char* name, int inputs, const aclDataBuffer* const input[], int outputs, aclDataBuffer* const output[]) {
  if (std::strcmp(name, "Identity") != 0 || inputs < 1 || outputs < 1 || input[0]->bytes > output[0]->bytes) {
    return unsupported(name);
  }
  std::memmove(output[0]->data, input[0]->data, input[0]->bytes);
  return device_error();
}

}  // namespace
}  // namespace softcann

extern "C" {

aclTensorDesc* aclCreateTensorDesc(aclDataType type, int dimensions, const int64_t* shape, aclFormat format) {
  return new aclTensorDesc{type, format, {shape, shape + dimensions}};
}
void aclDestroyTensorDesc(const aclTensorDesc* description) { delete description; }
aclDataType aclGetTensorDescType(const aclTensorDesc* description) { return description->type; }
aclFormat aclGetTensorDescFormat(const aclTensorDesc* description) { return description->format; }
size_t aclGetTensorDescNumDims(const aclTensorDesc* description) { return description->shape.size(); }
aclError aclGetTensorDescDimV2(const aclTensorDesc* description, size_t index, int64_t* size) {
  *size = description->shape.at(index);
  return ACL_SUCCESS;
}
void aclSetTensorDescName(aclTensorDesc*, const char*) {}
aclError aclSetTensorFormat(aclTensorDesc*, aclFormat) { return ACL_SUCCESS; }
aclError aclSetTensorShape(aclTensorDesc*, int, const int64_t*) { return ACL_SUCCESS; }
aclError aclSetTensorPlaceMent(aclTensorDesc*, aclMemType) { return ACL_SUCCESS; }

aclDataBuffer* aclCreateDataBuffer(void* data, size_t bytes) { return new aclDataBuffer{data, bytes}; }
aclError aclDestroyDataBuffer(const aclDataBuffer* buffer) {
  delete buffer;
  return ACL_SUCCESS;
}

// Attributes are taken and not read: Identity has none.
aclopAttr* aclopCreateAttr() { return new aclopAttr; }
void aclopDestroyAttr(const aclopAttr* attribute) { delete attribute; }
aclError aclopSetAttrBool(aclopAttr*, const char*, uint8_t) { return ACL_SUCCESS; }
aclError aclopSetAttrInt(aclopAttr*, const char*, int64_t) { return ACL_SUCCESS; }
aclError aclopSetAttrFloat(aclopAttr*, const char*, float) { return ACL_SUCCESS; }
aclError aclopSetAttrString(aclopAttr*, const char*, const char*) { return ACL_SUCCESS; }
aclError aclopSetAttrDataType(aclopAttr*, const char*, aclDataType) { return ACL_SUCCESS; }
aclError aclopSetAttrListBool(aclopAttr*, const char*, int, const uint8_t*) { return ACL_SUCCESS; }
aclError aclopSetAttrListInt(aclopAttr*, const char*, int, const int64_t*) { return ACL_SUCCESS; }
aclError aclopSetAttrListFloat(aclopAttr*, const char*, int, const float*) { return ACL_SUCCESS; }
aclError aclopSetAttrListListInt(aclopAttr*, const char*, int, const int*, const int64_t* const[]) {
  return ACL_SUCCESS;
}

aclError aclopCompileAndExecute(const char* name, int inputs, const aclTensorDesc* const[],
                                const aclDataBuffer* const input[], int outputs, const aclTensorDesc* const[],
                                aclDataBuffer* const output[], const aclopAttr*, aclopEngineType, aclopCompileType,
                                const char*, aclrtStream) {
  return softcann::run(name, inputs, input, outputs, output);
}

aclError aclopCompileAndExecuteV2(const char* name, int inputs, aclTensorDesc* [], aclDataBuffer* input[], int outputs,
                                  aclTensorDesc* [], aclDataBuffer* output[], aclopAttr*, aclopEngineType,
                                  aclopCompileType, const char*, aclrtStream) {
  return softcann::run(name, inputs, input, outputs, output);
}

}  // extern "C"
