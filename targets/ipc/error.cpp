// SPDX-License-Identifier: MIT
#include "targets/ipc/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace ipc {

const char* name(Kind kind) {
  switch (kind) {
    case Kind::would_block:
      return "would_block";
    case Kind::timed_out:
      return "timed_out";
    case Kind::interrupted:
      return "interrupted";
    case Kind::peer_gone:
      return "peer_gone";
    case Kind::removed:
      return "removed";
    case Kind::exists:
      return "exists";
    case Kind::not_found:
      return "not_found";
    case Kind::too_big:
      return "too_big";
    case Kind::no_space:
      return "no_space";
    case Kind::permission:
      return "permission";
    case Kind::stale:
      return "stale";
    case Kind::corrupt:
      return "corrupt";
    case Kind::truncated:
      return "truncated";
    case Kind::wrong_type:
      return "wrong_type";
    case Kind::bad_argument:
      return "bad_argument";
    case Kind::system:
      return "system";
  }
  return "unknown";
}

Kind kind_of(int error_number) {
  switch (error_number) {
    case EAGAIN:
    case ENOMSG:
      return Kind::would_block;
    case ETIMEDOUT:
      return Kind::timed_out;
    case EINTR:
      return Kind::interrupted;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
    case ESRCH:
      return Kind::peer_gone;
    case EIDRM:
      return Kind::removed;
    case EEXIST:
      return Kind::exists;
    case ENOENT:
      return Kind::not_found;
    case E2BIG:
    case EMSGSIZE:
      return Kind::too_big;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ETOOMANYREFS:
    case EDQUOT:
      return Kind::no_space;
    case EACCES:
    case EPERM:
    case EROFS:
      return Kind::permission;
    case EINVAL:
    case EFAULT:
    case EBADF:
    case ENAMETOOLONG:
      return Kind::bad_argument;
    case ENOTDIR:
    case EISDIR:
    case ENOTSOCK:
      return Kind::wrong_type;
    default:
      return Kind::system;
  }
}

std::string Error::describe() const {
  std::string text = call;
  text += '(';
  const char* separator = "";
  for (const Argument& argument : arguments) {
    if (argument.name == nullptr) continue;
    text += separator;
    text += argument.name;
    text += '=';
    text += std::to_string(argument.value);
    separator = ", ";
  }
  text += ')';
  if (number != 0) {
    const char* symbol = ::strerrorname_np(number);
    text += ": ";
    text += symbol != nullptr ? symbol : std::to_string(number);
    text += ": ";
    text += ::strerrordesc_np(number) != nullptr ? ::strerrordesc_np(number) : "unknown error";
  }
  if (!subject.empty()) {
    text += ": ";
    text += subject;
  }
  text += " [";
  text += name(kind);
  text += ']';
  return text;
}

Failure fail(const char* call, std::array<Argument, 4> arguments, std::string subject) {
  const int error_number = errno;
  return fail(kind_of(error_number), error_number, call, arguments, std::move(subject));
}

Failure fail(Kind kind, int error_number, const char* call, std::array<Argument, 4> arguments,
             std::string subject) {
  return Failure(Error{.kind = kind,
                       .number = error_number,
                       .call = call,
                       .arguments = arguments,
                       .subject = std::move(subject)});
}

}  // namespace ipc
