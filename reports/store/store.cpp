// SPDX-License-Identifier: MIT
#include "reports/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/core/fd.h"
#include "reports/store/artefacts.h"
#include "reports/store/rows.h"
#include "reports/store/schema.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr int kApplicationId = 0x50495045;  // "PIPE": application_id of our databases

bool is_bad_input(const SQLite::Exception& error) {
  const int code = error.getErrorCode();
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_MISMATCH;
}

// SQLite calls a full disk an input/output error where it only maps the file (sqlite.org/wal.html).
std::string reason(const std::string& path, const SQLite::Exception& error) {
  struct statvfs disk{};
  const bool is_full = ::statvfs(path.c_str(), &disk) == 0 && disk.f_bavail == 0;
  return path + ": " + (is_full ? "No space left on device" : error.what());
}

// Runs `action`, with SQLite's exceptions turned into values: none crosses this folder.
template <class Action>
auto guarded(const std::string& path, Action action) -> Stored<decltype(action())> {
  try {
    if constexpr (std::is_void_v<decltype(action())>) {
      action();
      return {};
    } else {
      return action();
    }
  } catch (const SQLite::Exception& error) {
    return std::unexpected(StoreError{is_bad_input(error), reason(path, error)});
  }
}

// Brings the database to our version; the lock is held from the look at the version on, so that two
// that start at once do not both do it.
void migrate(SQLite::Database& database) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  for (int step = version; step < static_cast<int>(kSchema.size()); ++step)
    database.exec(kSchema[static_cast<std::size_t>(step)]);
  database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version = " + std::to_string(kSchema.size()));
  transaction.commit();
}

// What keeps it from being ours; empty: nothing.
std::string stranger(SQLite::Database& database) {
  const SQLite::Transaction one_moment(database);
  const int id = database.execAndGet("PRAGMA application_id").getInt();
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  const int tables = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
  if (id != kApplicationId && tables > 0) return "a database of another program";
  if (version > static_cast<int>(kSchema.size()))
    return "made by a newer Pipewrench (version " + std::to_string(version) + ", this one knows " +
           std::to_string(kSchema.size()) + ")";
  return "";
}

}  // namespace

struct FindingStore::Impl {
  std::string path;
  ArtefactFolder artefacts;
  SQLite::Database database;
};

FindingStore::FindingStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FindingStore::FindingStore(FindingStore&& other) noexcept = default;
FindingStore& FindingStore::operator=(FindingStore&& other) noexcept = default;
FindingStore::~FindingStore() = default;

Stored<FindingStore> FindingStore::open(const std::string& folder, Missing missing) {
  const std::string path = folder + "/findings.db";
  std::error_code error;
  if (missing == Missing::is_an_error && !fs::exists(path, error))
    return std::unexpected(StoreError{true, path + ": there is no such store"});
  fs::create_directories(folder, error);
  if (error) return std::unexpected(StoreError{false, folder + ": " + error.message()});
  const ArtefactFolder artefacts(folder + "/artefacts");
  if (const auto ready = artefacts.prepare(); !ready)
    return std::unexpected(StoreError{false, ready.error()});
  // One after the other: making WAL of a journal needs the database alone and does not wait for it.
  const Fd alone(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (::flock(alone.get(), LOCK_EX) != 0)
    if (errno != EINTR) return std::unexpected(StoreError{false, folder + ": " + strerror(errno)});
  auto opened = guarded(path, [&] {
    SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusy_ms);
    std::string why = stranger(database);
    if (!why.empty()) return std::pair(std::unique_ptr<Impl>(), std::move(why));
    database.exec("PRAGMA journal_mode = WAL");
    // What was reported outlives kill -9. A power cut may take back the newest transactions, never
    // more (sqlite.org/wal.html).
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA foreign_keys = ON");
    migrate(database);
    return std::pair(std::make_unique<Impl>(path, artefacts, std::move(database)), std::string());
  });
  if (!opened) return std::unexpected(opened.error());
  if (!opened->first) return std::unexpected(StoreError{true, path + ": " + opened->second});
  return FindingStore(std::move(opened->first));
}

Stored<std::int64_t> FindingStore::begin(const RunRecord& run) {
  return guarded(impl_->path, [&] { return rows::add(impl_->database, run); });
}

Stored<void> FindingStore::end(const RunRecord& run) {
  return guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    rows::update(impl_->database, run);
    transaction.commit();
  });
}

Stored<void> FindingStore::add(const Sample& sample) {
  return guarded(impl_->path, [&] { rows::add(impl_->database, sample); });
}

Stored<Standing> FindingStore::take(const FindingRecord& given, const std::string& cause) {
  FindingRecord finding = given;
  if (finding.id.empty()) finding.id = finding_id(finding);
  for (Artefact& artefact : finding.occurrences.at(0).artefacts) {
    auto hash = impl_->artefacts.write(artefact.content);
    if (!hash) return std::unexpected(StoreError{false, hash.error()});
    artefact.hash = std::move(*hash);
    artefact.bytes = artefact.content.size();
  }
  return guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    rows::take(impl_->database, finding, cause);
    const Standing standing =
        rows::standing_of(impl_->database, cause.empty() ? finding.id : cause);
    transaction.commit();
    return standing;
  });
}

Stored<std::string> FindingStore::id_for(const FindingRecord& finding) {
  if (finding.former_id.empty()) return finding.id;
  return guarded(impl_->path, [&] {
    const bool is_there = rows::is_there(impl_->database, finding.id);
    const bool was_there = rows::is_there(impl_->database, finding.former_id);
    return !is_there && was_there ? finding.former_id : finding.id;
  });
}

Stored<bool> FindingStore::was_told(const FindingRecord& finding) {
  for (const Artefact& artefact : finding.occurrences.at(0).artefacts) {
    if (artefact.role != "input" && artefact.role != "plan") continue;
    return guarded(impl_->path, [&] {
      const std::string hash = content_hash(artefact.content);
      return rows::has(impl_->database, finding.id, artefact.role, hash) &&
             rows::standing_of(impl_->database, finding.id) != Standing::new_;
    });
  }
  return false;
}

Stored<bool> FindingStore::is_there(const std::string& id) {
  return guarded(impl_->path, [&] { return rows::is_there(impl_->database, id); });
}

Stored<std::string> FindingStore::mark(const std::string& id, Mark mark, const std::string& why,
                                       std::int64_t at_ms) {
  const auto whole = id_of(id);
  if (!whole) return whole;
  const auto marked = guarded(impl_->path, [&] {
    rows::mark(impl_->database, *whole, mark, why, at_ms);
    return true;
  });
  if (!marked) return std::unexpected(marked.error());
  return whole;
}

Stored<std::string> FindingStore::id_of(const std::string& id) {
  const auto found = guarded(impl_->path, [&] { return rows::ids_of(impl_->database, id); });
  if (!found) return std::unexpected(found.error());
  if (found->size() == 1) return found->front();
  return std::unexpected(StoreError{
      true, impl_->path +
                (found->empty() ? ": no finding has the id '" : ": more than one id is '") + id +
                "'"});
}

Stored<Records> FindingStore::read(Contents contents) {
  auto records = guarded(impl_->path, [&] {
    const SQLite::Transaction one_moment(impl_->database);
    return rows::read(impl_->database);
  });
  if (!records || contents == Contents::are_left) return records;
  for (FindingRecord& finding : records->findings) {
    if (finding.occurrences.empty()) continue;
    for (Artefact& artefact : finding.occurrences.front().artefacts) {
      auto text = content(artefact);
      if (text)
        artefact.content = std::move(*text);
      else
        artefact.damage = text.error().text;
    }
  }
  return records;
}

Stored<std::string> FindingStore::content(const Artefact& artefact) const {
  auto text = impl_->artefacts.read(artefact.hash, kMostContent_bytes);
  if (!text) return std::unexpected(StoreError{true, text.error()});
  return std::move(*text);
}

}  // namespace pipewrench
