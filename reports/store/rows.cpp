// SPDX-License-Identifier: MIT
#include "reports/store/rows.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "reports/store/stacks_json.h"

namespace pipewrench {

constexpr std::array kMarks = {"open", "known", "fixed", "ignored"};
constexpr std::array kStandings = {"new", "known", "fixed", "regressed", "ignored"};

const char* name(Mark mark) { return kMarks.at(static_cast<std::size_t>(mark)); }
const char* name(Standing standing) { return kStandings.at(static_cast<std::size_t>(standing)); }

const char* heading(const FindingRecord& finding) {
  if (finding.note) return "note";
  return finding.unstable && !is_settled(finding) ? "unstable" : name(finding.standing);
}

namespace rows {
namespace {

// A statement with its values bound in order; texts may hold any byte.
class Query {
 public:
  template <class... Values>
  Query(SQLite::Database& database, const char* sql, const Values&... values)
      : statement_(database, sql) {
    (bind(values), ...);
  }
  bool next() { return statement_.executeStep(); }
  void run() { statement_.exec(); }
  std::int64_t number(int column) { return statement_.getColumn(column).getInt64(); }
  std::uint64_t count(int column) { return static_cast<std::uint64_t>(number(column)); }
  double real(int column) { return statement_.getColumn(column).getDouble(); }
  std::string text(int column) { return statement_.getColumn(column).getString(); }

 private:
  void bind(const std::string& value) { statement_.bind(++bound_, value); }
  void bind(const char* value) { statement_.bind(++bound_, value); }
  void bind(double value) { statement_.bind(++bound_, value); }
  template <class Number>
    requires std::is_integral_v<Number>
  void bind(Number value) {
    statement_.bind(++bound_, static_cast<std::int64_t>(value));
  }

  SQLite::Statement statement_;
  int bound_ = 0;
};

Mark mark_of(const std::string& text) {
  const auto* const found = std::ranges::find(kMarks, text);
  return found == kMarks.end() ? Mark::open : static_cast<Mark>(found - kMarks.begin());
}

struct Seen {
  std::int64_t last = 0;
  std::int64_t newest = 0;      // run of the same `what` as the first
  std::int64_t told_after = 0;  // the newest run of all when one of those ended; 0: none has
  std::int64_t marked_after = 0;
};

Standing standing_of(Mark mark, const Seen& seen) {
  switch (mark) {
    case Mark::ignored:
      return Standing::ignored;
    case Mark::known:
      return Standing::known;
    case Mark::fixed:
      return seen.last > seen.marked_after ? Standing::regressed : Standing::fixed;
    case Mark::open:
      break;
  }
  const bool was_told = seen.told_after != 0 && seen.newest > seen.told_after;
  return was_told ? Standing::known : Standing::new_;
}

// finding, first run, last run, newest run of the same kind, mark, why, marked after, occurrences,
// told after
constexpr const char* kSeen = R"(
  SELECT seen.finding, first, last,
         (SELECT max(r.id) FROM runs r WHERE r.what = (SELECT what FROM runs WHERE id = first)),
         coalesce(mark, 'open'), coalesce(why, ''), coalesce(after_run, 0), times,
         (SELECT told_after FROM findings WHERE id = seen.finding)
  FROM (SELECT finding, min(run) AS first, max(run) AS last, count(*) AS times
        FROM occurrences WHERE cause = '' AND (?1 = '' OR finding = ?1) GROUP BY finding) AS seen
  LEFT JOIN marks ON marks.id = (SELECT max(id) FROM marks m WHERE m.finding = seen.finding))";

void fill_in_seen(Query& query, FindingRecord& finding) {
  finding.first_run = query.number(1);
  finding.last_run = query.number(2);
  finding.mark = mark_of(query.text(4));
  finding.why = query.text(5);
  finding.times = query.count(7);
  finding.standing = standing_of(finding.mark, {.last = finding.last_run,
                                                .newest = query.number(3),
                                                .told_after = query.number(8),
                                                .marked_after = query.number(6)});
}

void add_occurrence(SQLite::Database& database, const std::string& finding,
                    const Occurrence& occurrence, const std::string& cause) {
  Query(database,
        "INSERT INTO occurrences (finding, run, at_ms, tool, sanitizer, source, repeated, tried, "
        "size, cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        finding, occurrence.run, occurrence.at_ms, occurrence.tool, occurrence.sanitizer,
        occurrence.source, occurrence.repeated, occurrence.tried, occurrence.size, cause)
      .run();
  const std::int64_t row = database.getLastInsertRowid();
  for (const Artefact& artefact : occurrence.artefacts)
    Query(database, "INSERT INTO artefacts VALUES (?, ?, ?, ?, ?)", row, artefact.role,
          artefact.name, artefact.hash, artefact.bytes)
        .run();
}

std::vector<Artefact> artefacts_of(SQLite::Database& database, std::int64_t occurrence) {
  std::vector<Artefact> artefacts;
  Query query(database,
              "SELECT role, name, hash, bytes FROM artefacts WHERE occurrence = ? ORDER BY rowid",
              occurrence);
  while (query.next())
    artefacts.push_back({.role = query.text(0),
                         .name = query.text(1),
                         .hash = query.text(2),
                         .bytes = query.count(3)});
  return artefacts;
}

// The smallest that repeated best first, then the newest.
std::vector<Occurrence> occurrences_of(SQLite::Database& database, const std::string& finding) {
  std::vector<Occurrence> occurrences;
  Query query(database, R"(
      SELECT id, run, at_ms, tool, sanitizer, source, repeated, tried, size FROM occurrences
      WHERE finding = ?1 AND cause = '' ORDER BY id = (SELECT id FROM occurrences
        WHERE finding = ?1 AND cause = ''
        ORDER BY repeated < tried, size, id LIMIT 1) DESC, id DESC LIMIT ?2)",
              finding, kMostOccurrences);
  while (query.next())
    occurrences.push_back({.run = query.number(1),
                           .at_ms = query.number(2),
                           .tool = query.text(3),
                           .sanitizer = query.text(4),
                           .source = query.text(5),
                           .repeated = static_cast<std::uint32_t>(query.number(6)),
                           .tried = static_cast<std::uint32_t>(query.number(7)),
                           .size = query.count(8),
                           .artefacts = artefacts_of(database, query.number(0))});
  return occurrences;
}

std::vector<FindingRecord> read_findings(SQLite::Database& database) {
  std::map<std::string, FindingRecord> findings;
  Query query(database,
              "SELECT id, kind, signature, target, cause, peers, stacks, realism, replay, gdb, "
              "note, unstable FROM findings WHERE id IN (SELECT finding FROM occurrences WHERE "
              "cause = '')");
  while (query.next())
    findings[query.text(0)] = {.id = query.text(0),
                               .kind = query.text(1),
                               .signature = query.text(2),
                               .target = query.text(3),
                               .cause = query.text(4),
                               .peers = names_of(query.text(5)),
                               .stacks = stacks_of(query.text(6)),
                               .realism = query.text(7),
                               .replay = query.text(8),
                               .gdb = query.text(9),
                               .note = query.number(10) != 0,
                               .unstable = query.number(11) != 0};
  Query seen(database, kSeen, "");
  while (seen.next()) fill_in_seen(seen, findings[seen.text(0)]);
  std::vector<FindingRecord> all;
  for (auto& [id, finding] : findings) {
    finding.occurrences = occurrences_of(database, id);
    all.push_back(std::move(finding));
  }
  constexpr std::array kWorst = {0, 2, 3, 1, 4};  // of Standing: new, regressed, known, fixed
  std::ranges::sort(all, [&](const FindingRecord& a, const FindingRecord& b) {
    const auto rank = [&](const FindingRecord& finding) {
      return std::tuple(finding.note, kWorst.at(static_cast<std::size_t>(finding.standing)),
                        -finding.first_run, finding.target, finding.id);
    };
    return rank(a) < rank(b);
  });
  return all;
}

}  // namespace

std::int64_t add(SQLite::Database& database, const RunRecord& run) {
  Query(database,
        "INSERT INTO runs (what, git_commit, seed, flags, started_ms) VALUES (?, ?, ?, ?, ?)",
        run.what, run.commit, run.seed, run.flags, run.started_ms)
      .run();
  return database.getLastInsertRowid();
}

void update(SQLite::Database& database, const RunRecord& run) {
  Query(database,
        "UPDATE runs SET seconds = ?, outcome = ?, executions = max(?, (SELECT "
        "coalesce(sum(executions), 0) FROM samples WHERE run = runs.id)) WHERE id = ?",
        run.seconds, run.outcome, run.executions, run.id)
      .run();
  Query(database, R"(
      UPDATE findings SET told_after = (SELECT max(id) FROM runs)
      WHERE told_after = 0 AND (SELECT what FROM runs WHERE id = (SELECT min(run) FROM occurrences
        WHERE finding = findings.id AND cause = '')) = (SELECT what FROM runs WHERE id = ?))",
        run.id)
      .run();
}

void add(SQLite::Database& database, const Sample& sample) {
  Query(database, "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", sample.run,
        sample.target, sample.engine, sample.sanitizer, sample.at_s, sample.executions,
        sample.per_second, sample.edges, sample.corpus)
      .run();
}

void take(SQLite::Database& database, const FindingRecord& finding, const std::string& cause) {
  const Occurrence& occurrence = finding.occurrences.at(0);
  // What repeats and counts gives the details, before what is smaller.
  Query(database, R"(
      INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
      ON CONFLICT (id) DO UPDATE SET
        cause = excluded.cause, peers = excluded.peers, stacks = excluded.stacks,
        realism = excluded.realism, replay = excluded.replay, gdb = excluded.gdb,
        note = excluded.note, unstable = excluded.unstable, size = excluded.size
      WHERE (excluded.unstable, excluded.note, excluded.size)
        < (findings.unstable, findings.note, findings.size))",
        finding.id, finding.kind, finding.signature, finding.target, finding.cause,
        to_json(finding.peers), to_json(finding.stacks), finding.realism, finding.replay,
        finding.gdb, finding.note, finding.unstable, occurrence.size)
      .run();
  add_occurrence(database, finding.id, occurrence, cause);
}

bool is_there(SQLite::Database& database, const std::string& id) {
  return Query(database, kSeen, id).next();
}

bool has(SQLite::Database& database, const std::string& id, const std::string& role,
         const std::string& hash) {
  return Query(database,
               "SELECT 1 FROM artefacts JOIN occurrences ON occurrences.id = occurrence WHERE "
               "finding = ? AND cause = '' AND role = ? AND hash = ?",
               id, role, hash)
      .next();
}

Standing standing_of(SQLite::Database& database, const std::string& id) {
  Query query(database, kSeen, id);
  FindingRecord finding;
  if (query.next()) fill_in_seen(query, finding);
  return finding.standing;
}

std::vector<std::string> ids_of(SQLite::Database& database, const std::string& start) {
  // A symptom's directory, "hang-575f04bf2316", has an id of its own. What only ever was seen with
  // another cause goes by that one's name too.
  Query query(
      database,
      "SELECT DISTINCT CASE WHEN EXISTS (SELECT 1 FROM occurrences WHERE finding = f.id AND "
      "cause = '') THEN f.id ELSE (SELECT cause FROM occurrences WHERE finding = f.id ORDER "
      "BY id DESC LIMIT 1) END, note FROM findings f WHERE substr(id, 1, length(?1)) = ?1 "
      "OR id IN (SELECT finding FROM occurrences WHERE substr(source, -13, 1) = '-' AND "
      "substr(source, -12, length(?1)) = ?1)",
      start);
  std::vector<std::string> findings, notes;
  while (query.next()) (query.number(1) != 0 ? notes : findings).push_back(query.text(0));
  return findings.empty() ? notes : findings;
}

void mark(SQLite::Database& database, const std::string& id, Mark mark, const std::string& why,
          std::int64_t at_ms) {
  Query(database,
        "INSERT INTO marks (finding, mark, why, at_ms, after_run) VALUES (?, ?, ?, ?, "
        "(SELECT coalesce(max(id), 0) FROM runs))",
        id, name(mark), why, at_ms)
      .run();
}

Records read(SQLite::Database& database) {
  Records records;
  Query runs(database,
             "SELECT id, what, git_commit, seed, flags, started_ms, seconds, executions, outcome "
             "FROM runs ORDER BY id");
  while (runs.next())
    records.runs.push_back({.id = runs.number(0),
                            .what = runs.text(1),
                            .commit = runs.text(2),
                            .seed = runs.text(3),
                            .flags = runs.text(4),
                            .started_ms = runs.number(5),
                            .seconds = runs.real(6),
                            .executions = runs.count(7),
                            .outcome = runs.text(8)});
  records.findings = read_findings(database);
  Query samples(database,
                "SELECT run, target, engine, sanitizer, at_s, executions, per_second, edges, "
                "corpus FROM samples ORDER BY run, target, at_s");
  while (samples.next())
    records.samples.push_back({.run = samples.number(0),
                               .target = samples.text(1),
                               .engine = samples.text(2),
                               .sanitizer = samples.text(3),
                               .at_s = samples.real(4),
                               .executions = samples.count(5),
                               .per_second = samples.real(6),
                               .edges = samples.count(7),
                               .corpus = samples.count(8)});
  return records;
}

}  // namespace rows
}  // namespace pipewrench
