// Faults that the environment asks for: SOFTCANN_FAULTS is a list of rules, separated by semicolons. A rule is the name
// of an operator, the name of a fault, and what narrows it down: "Addmm no-bias layer=3; * bad-element call=40".
// ../../README.md lists the faults.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace softcann {

struct Rule {
  std::vector<std::string> operators;  // names without "aclnn"; "*" is any
  std::string fault;
  std::map<std::string, std::string> options;

  bool has(const char* option) const { return options.count(option) != 0; }
  int64_t number(const char* option, int64_t otherwise) const;
  double real(const char* option, double otherwise) const;
};

// What a rule may be narrowed down to.
struct Occurrence {
  std::string name;  // "Addmm"
  int64_t call;      // how many calls of this operator came before
  int64_t layer;     // how many other weights this operator had seen before this one; -1: it has none
};

// The first rule with this fault for this occurrence and shape; none: a null pointer. One that is found is logged.
const Rule* fired(const char* fault, const Occurrence& occurrence, at::IntArrayRef shape);

// An operand that a fault has spoilt on its way in, or as it was.
at::Tensor spoilt_operand(const at::Tensor& operand, const Occurrence& occurrence);

// A result that a fault has spoilt on its way out, or as it was.
at::Tensor spoilt_result(const at::Tensor& result, const Occurrence& occurrence);

// Raises what the device is to fail with in this call, or waits for good; returns where it is not to fail.
void fail_if_asked(const Occurrence& occurrence);

// How often each operator has run and which weights it has seen.
int64_t count_call(const std::string& name);
int64_t layer_of(const std::string& name, const at::Tensor& weight);

}  // namespace softcann
