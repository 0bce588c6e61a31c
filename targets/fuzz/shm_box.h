// Three clients on one mailbox in shared memory, through the library, against the models. Clients
// die at every phase, leave segments half made, and scribble: after that only bounds are compared.
// A client without a mailbox opens it first.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "targets/fuzz/shm_step.h"
#include "targets/ipc/mailbox.h"
#include "targets/model/mailbox.h"
#include "targets/model/segment.h"

namespace fuzz::shm {

// A segment and what is in it.
struct Box {
  model::Mailbox mail{};
  int id = -1;    // the kernel's
  int twin = -1;  // the model's
  std::size_t layout = 0;
  bool has_creator = true;  // alive
  bool is_made = true;
  bool is_named = true;    // the creator's name is in the header
  bool is_spoilt = false;  // the message in it is not what was written
};

// What a record tells an operation, for the report of a step.
std::string message_of(const pipewrench::Record& record);
std::string opening_of(const pipewrench::Record& record);
std::string sequence_of(const pipewrench::Record& record);
std::string death_of(const pipewrench::Record& record);
std::string word_of(const pipewrench::Record& record);

class Boxes {
 public:
  struct Client {
    std::optional<ipc::Mailbox> mailbox;
    std::shared_ptr<Box> box;  // none: opened after a scribble
  };
  using Record = pipewrench::Record;

  explicit Boxes(Setting& setting) : setting_(setting) {}

  Client& client(std::size_t number) { return clients_[number]; }
  void write(Client& client, const Record& record);
  void read(Client& client, const Record& record);
  void clear(Client& client, const Record& record);
  void look(Client& client, const Record& record);
  void open(Client& client, const Record& record);
  void close(Client& client, const Record& record);
  void remove(Client& client, const Record& record);
  // The client's process ends without a word, in the middle of something.
  void die(Client& client, const Record& record);
  // A peer overwrites the message in the box.
  void spoil(Client& client, const Record& record);
  // Any word, any value: from now on nothing is known but bounds.
  void scribble(Client& client, const Record& record);
  // After each operation: the kernel's segment is the model's. Asks only after one that made,
  // attached, detached or removed a segment, and at the end.
  void compare();
  void finish();

 private:
  // What open() must give: a kind of failure, the segment that is there, or a new one.
  enum class Open { fails, joins, takes_over, makes };
  struct Expected {
    Open open;
    ipc::Kind kind = ipc::Kind::system;
  };

  bool is_open(Client& client);
  // For what `segment` is the library's result.
  Expected expect(const ipc::Result<ipc::Segment>& segment, bool creates, bool opens,
                  ipc::Segment::OnStale on_stale, std::size_t layout, const Record& record);
  template <class T>
  bool is_loss(Client& client, const ipc::Result<T>& result);
  ipc::Kind late_at(Client& client, const Record& record);
  void drop_current();

  Setting& setting_;
  std::array<Client, kClients> clients_;
  model::Segments segments_;
  std::shared_ptr<Box> current_;  // what the key names
  std::vector<int> ids_;
  bool is_wild_ = false;
  bool may_differ_ = false;  // the kernel has been told something since the last compare()
};

}  // namespace fuzz::shm
