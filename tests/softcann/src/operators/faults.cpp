#include "faults.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <limits>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "../runtime/device_state.h"
#include "../settings.h"
#include "acl/error_codes/rt_error_codes.h"
#include "arithmetic.h"
#include "call.h"

namespace softcann {
namespace {

constexpr int64_t TILE = 16;  // rows and columns of a matrix unit's tile
constexpr int ACLNN_UNSUPPORTED = 561103;  // ACLNN_ERR_INNER_NULLPTR: what a call without a kernel ends with

std::recursive_mutex lock;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts;
}

using Spoil = std::function<at::Tensor(const at::Tensor& result, const Rule& rule, const Occurrence& occurrence)>;

at::Tensor last_tile(const at::Tensor& result) {
  at::Tensor tile = result;
  for (int64_t dimension = std::max<int64_t>(0, result.dim() - 2); dimension < result.dim(); ++dimension) {
    tile = tile.narrow(dimension, std::max<int64_t>(0, result.size(dimension) - TILE),
                       std::min(TILE, result.size(dimension)));
  }
  return tile;
}

// What stood in the tile when this operator last gave a result of this shape; zeros at the first time.
at::Tensor stale_tile(const at::Tensor& result, const Rule&, const Occurrence& occurrence) {
  static std::map<std::pair<std::string, std::vector<int64_t>>, at::Tensor> results;
  at::Tensor& before = results[{occurrence.name, result.sizes().vec()}];
  const at::Tensor right = result.clone();
  last_tile(result).copy_(before.defined() ? last_tile(before) : at::zeros_like(last_tile(result)));
  before = right;
  return result;
}

at::Tensor zero_tile(const at::Tensor& result, const Rule&, const Occurrence&) {
  last_tile(result).zero_();
  return result;
}

at::Tensor bad_element(const at::Tensor& result, const Rule& rule, const Occurrence&) {
  const at::Tensor flat = result.flatten();
  const int64_t place = rule.number("element", flat.numel() / 2) % flat.numel();
  const double size = flat.abs().max().to(at::kDouble).item().toDouble();
  flat[place].add_(rule.real("size", 0.5) * (size > 0 ? size : 1.0));
  return result;
}

at::Tensor swapped_rows(const at::Tensor& result, const Rule&, const Occurrence&) {
  const int64_t dimension = result.dim() >= 2 ? result.dim() - 2 : 0;
  if (result.size(dimension) < 2) {
    return result.flip({-1});
  }
  const at::Tensor first = result.select(dimension, 0).clone();
  result.select(dimension, 0).copy_(result.select(dimension, 1));
  result.select(dimension, 1).copy_(first);
  return result;
}

at::Tensor shifted(const at::Tensor& result, const Rule&, const Occurrence&) {
  return result.roll(1, -1);
}

at::Tensor scaled(const at::Tensor& result, const Rule& rule, const Occurrence&) {
  return result.mul(rule.real("factor", 1.01));
}

// Relative errors of one size, their signs from the bits of the values: the same for the same values.
at::Tensor noise(const at::Tensor& result, const Rule& rule, const Occurrence&) {
  const at::Tensor image = result.to(at::kFloat).contiguous().view(at::kInt);
  const at::Tensor sign = image.mul(-1640531527).bitwise_right_shift(31).mul(2).add(1);
  return result.mul(sign.to(at::kFloat).mul(rule.real("size", 1e-3)).add(1));
}

at::Tensor not_a_number(const at::Tensor& result, const Rule& rule, const Occurrence&) {
  const at::Tensor flat = result.flatten();
  flat[rule.number("element", flat.numel() / 2) % flat.numel()].fill_(std::numeric_limits<double>::quiet_NaN());
  return result;
}

at::Tensor saturated(const at::Tensor& result, const Rule& rule, const Occurrence&) {
  const double bound = rule.real("bound", 1.0);
  return result.clamp(-bound, bound);
}

const std::map<std::string, Spoil>& results() {
  static const std::map<std::string, Spoil> table = {
      {"stale-tile", stale_tile}, {"zero-tile", zero_tile}, {"bad-element", bad_element},
      {"swapped-rows", swapped_rows}, {"shifted", shifted}, {"scaled", scaled},
      {"noise", noise}, {"nan", not_a_number}, {"saturated", saturated},
  };
  return table;
}

at::Tensor half_and_back(const at::Tensor& operand) { return operand.to(at::kHalf).to(operand.scalar_type()); }
at::Tensor bfloat16_and_back(const at::Tensor& operand) { return operand.to(at::kBFloat16).to(operand.scalar_type()); }

const std::map<std::string, std::function<at::Tensor(const at::Tensor&)>>& operands() {
  static const std::map<std::string, std::function<at::Tensor(const at::Tensor&)>> table = {
      {"float16-inside", half_and_back},
      {"bfloat16-inside", bfloat16_and_back},
  };
  return table;
}

struct Failure {
  aclError code;
  const char* message;
  bool for_good;  // no call works after it
};

const std::map<std::string, Failure>& failures() {
  static const std::map<std::string, Failure> table = {
      {"unsupported", {ACLNN_UNSUPPORTED, "EZ3002: Optype [%] of Ops kernel is unsupported.", false}},
      {"out-of-memory", {ACL_ERROR_RT_MEMORY_ALLOCATION, "EL0004: Failed to allocate memory for the workspace of %", false}},
      {"device-lost", {ACL_ERROR_RT_LOST_HEARTBEAT, "EE9999: the device lost its heartbeat in %", true}},
      {"aicore-exception", {ACL_ERROR_RT_AICORE_EXCEPTION, "EZ9999: an aicore exception occurred in %", true}},
  };
  return table;
}

// Faults that are part of an operator's own formula, where `Out::faulty` asks for them.
const std::set<std::string> FORMULAS = {"no-bias",  "no-epsilon",   "tanh-formula", "no-tail",
                                        "no-mask",  "wrong-scale",  "next-row"};

bool known(const std::string& fault) {
  return fault == "hang" || fault == "crash" || FORMULAS.count(fault) || results().count(fault) || operands().count(fault) ||
         failures().count(fault);
}

Rule parse(const std::string& text) {
  const auto words = split(text, ' ');
  if (words.size() < 2 || !known(words[1])) {
    throw std::runtime_error("SOFTCANN_FAULTS: not an operator and a fault that exists: " + text);
  }
  Rule rule{split(words[0], '|'), words[1], {}};
  for (size_t index = 2; index < words.size(); ++index) {
    const auto parts = split(words[index], '=');
    if (parts.size() != 2) {
      throw std::runtime_error("SOFTCANN_FAULTS: not a name and a value: " + words[index]);
    }
    rule.options[parts[0]] = parts[1];
  }
  return rule;
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> parsed = [] {
    std::vector<Rule> list;
    for (const std::string& text : split(text_setting("SOFTCANN_FAULTS", ""), ';')) {
      if (text.find_first_not_of(' ') != std::string::npos) {
        list.push_back(parse(text));
      }
    }
    return list;
  }();
  return parsed;
}

std::string written(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape) {
    text += (text.empty() ? "" : "x") + std::to_string(size);
  }
  return text;
}

// "2x*x8": a star stands for any size.
bool has_shape(const std::string& pattern, at::IntArrayRef shape) {
  const auto sizes = split(pattern, 'x');
  bool same = sizes.size() == shape.size();
  for (size_t index = 0; same && index < sizes.size(); ++index) {
    same = sizes[index] == "*" || sizes[index] == std::to_string(shape[index]);
  }
  return same;
}

bool concerns(const Rule& rule, const Occurrence& occurrence, at::IntArrayRef shape) {
  bool named = false;
  for (const std::string& name : rule.operators) {
    named = named || name == "*" || name == occurrence.name;
  }
  return named && (!rule.has("call") || rule.number("call", 0) == occurrence.call) &&
         (!rule.has("from") || rule.number("from", 0) <= occurrence.call) &&
         (!rule.has("every") || occurrence.call % rule.number("every", 1) == rule.number("phase", 0)) &&
         (!rule.has("layer") || rule.number("layer", 0) == occurrence.layer) &&
         (!rule.has("shape") || has_shape(rule.options.at("shape"), shape));
}

// SOFTCANN_FAULT_LOG names a file that gets a line for every fault that fired: one that did not proves nothing.
void log_fault(const Rule& rule, const Occurrence& occurrence, at::IntArrayRef shape) {
  static const std::string path = text_setting("SOFTCANN_FAULT_LOG", "");
  if (!path.empty()) {
    std::ofstream(path, std::ios::app) << "fault=" << rule.fault << " operator=" << occurrence.name
                                       << " call=" << occurrence.call << " layer=" << occurrence.layer
                                       << " shape=" << written(shape) << '\n';
  }
}

}  // namespace

int64_t Rule::number(const char* option, int64_t otherwise) const {
  return has(option) ? std::stoll(options.at(option)) : otherwise;
}

double Rule::real(const char* option, double otherwise) const {
  return has(option) ? std::stod(options.at(option)) : otherwise;
}

const Rule* fired(const char* fault, const Occurrence& occurrence, at::IntArrayRef shape) {
  const std::lock_guard<std::recursive_mutex> guard(lock);
  for (const Rule& rule : rules()) {
    if (rule.fault == fault && concerns(rule, occurrence, shape)) {
      log_fault(rule, occurrence, shape);
      return &rule;
    }
  }
  return nullptr;
}

at::Tensor spoilt_operand(const at::Tensor& operand, const Occurrence& occurrence) {
  if (rules().empty() || !operand.defined() || !operand.is_floating_point()) {
    return operand;
  }
  for (const auto& [name, spoil] : operands()) {
    if (fired(name.c_str(), occurrence, operand.sizes()) != nullptr) {
      return spoil(operand);
    }
  }
  return operand;
}

at::Tensor spoilt_result(const at::Tensor& result, const Occurrence& occurrence) {
  if (rules().empty() || result.numel() == 0) {
    return result;
  }
  at::Tensor spoilt = result;
  for (const auto& [name, spoil] : results()) {
    if (const Rule* rule = fired(name.c_str(), occurrence, result.sizes())) {
      const at::Tensor copy = at::empty_like(spoilt, at::MemoryFormat::Contiguous).copy_(spoilt);
      const std::lock_guard<std::recursive_mutex> guard(lock);
      spoilt = spoil(copy, *rule, occurrence);
    }
  }
  return spoilt;
}

void fail_if_asked(const Occurrence& occurrence) {
  if (rules().empty()) {
    return;
  }
  for (const auto& [name, failure] : failures()) {
    if (fired(name.c_str(), occurrence, {}) != nullptr) {
      if (failure.for_good) {
        lose_device(failure.code);
      }
      std::string text = failure.message;
      text.replace(text.find('%'), 1, occurrence.name);
      throw DeviceFailure(failure.code, text);
    }
  }
  if (fired("crash", occurrence, {}) != nullptr) {
    std::raise(SIGSEGV);
  }
  if (fired("hang", occurrence, {}) != nullptr) {
    std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

int64_t count_call(const std::string& name) {
  const std::lock_guard<std::recursive_mutex> guard(lock);
  static std::map<std::string, int64_t> calls;
  return calls[name]++;
}

// Weights are told apart by a sample of their values, so that a copy of a weight is the same layer.
int64_t layer_of(const std::string& name, const at::Tensor& weight) {
  if (rules().empty()) {
    return -1;
  }
  constexpr int64_t SAMPLED = 64;
  const at::Tensor flat = weight.reshape({-1});
  const int64_t stride = std::max<int64_t>(1, flat.numel() / SAMPLED);
  const at::Tensor sample = flat.slice(0, 0, flat.numel(), stride).to(at::kFloat).contiguous();
  const std::string key(static_cast<const char*>(sample.data_ptr()), sample.nbytes());
  const std::lock_guard<std::recursive_mutex> guard(lock);
  static std::map<std::string, std::map<std::string, int64_t>> seen;
  auto& layers = seen[name];
  return layers.emplace(key, static_cast<int64_t>(layers.size())).first->second;
}

}  // namespace softcann
