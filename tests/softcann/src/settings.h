// What the environment says about the device to pretend to be. Every variable is described in ../README.md.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace softcann {

inline std::string text_setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

inline int64_t number_setting(const char* name, int64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::strtoll(value, nullptr, 0) : otherwise;
}

}  // namespace softcann
