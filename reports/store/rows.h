// Rows: the SQL, one function for each thing that is asked. Throws SQLite::Exception, which ends in
// store.cpp. Opens no transaction.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/store/records.h"

namespace SQLite {
class Database;
}

namespace pipewrench::rows {

std::int64_t add(SQLite::Database& database, const RunRecord& run);
void update(SQLite::Database& database, const RunRecord& run);
void add(SQLite::Database& database, const Sample& sample);
// `cause`: id of another; empty: none.
void take(SQLite::Database& database, const FindingRecord& finding, const std::string& cause);
// With an occurrence that has no other cause.
bool is_there(SQLite::Database& database, const std::string& id);
// And a file of this content.
bool has(SQLite::Database& database, const std::string& id, const std::string& role,
         const std::string& hash);
Standing standing_of(SQLite::Database& database, const std::string& id);
// Whose own id or a symptom's begins so; notes only if no finding's does.
std::vector<std::string> ids_of(SQLite::Database& database, const std::string& start);
void mark(SQLite::Database& database, const std::string& id, Mark mark, const std::string& why,
          std::int64_t at_ms);
Records read(SQLite::Database& database);

}  // namespace pipewrench::rows
