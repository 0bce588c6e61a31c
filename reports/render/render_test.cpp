// Each form against its golden file, and with hostile bytes in every text.
// SPDX-License-Identifier: MIT
#include "reports/render/render.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "reports/render/bytes.h"
#include "reports/render/model.h"
#include "reports/render/test_records.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

// What peers print to break out of a report.
const std::string kHostile =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`;</failure>]]><!--"
    "{{details}} ::error::x %0A|[a](javascript:alert(3)) \x1b[31m\x1b]0;x\x07\r\n\x7f"
    "\xe2\x80\xa8\xe2\x80\xae\xff\xc0\x80";

std::vector<RenderedFile> rendered(const std::string& form, const Records& records,
                                   const std::string& finding = "") {
  for (const Renderer& row : renderers())
    if (row.name == form) return row.render(records, {.finding = finding}).value();
  return {};
}

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void expect_golden(const std::string& name, const std::string& text) {
  const fs::path path = fs::path(GOLDEN) / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, read(path)) << path << ": if this is meant, UPDATE_GOLDEN=1";
}

TEST(Golden, EachFormIsAsItWas) {
  const Records records = test::records();
  expect_golden("report.txt", rendered("text", records)[0].text);
  expect_golden("report.junit.xml", rendered("junit", records)[0].text);
  expect_golden("report.sarif", rendered("sarif", records)[0].text);
  expect_golden("annotations.txt", rendered("github", records)[0].text);
  expect_golden("summary.md", rendered("github", records)[1].text);
  expect_golden("heap_buffer_overflow.casrep", rendered("casrep", records)[1].text);
  expect_golden("lost_signal.perfetto.json", rendered("perfetto", records)[0].text);
  const auto json = nlohmann::ordered_json::parse(rendered("json", records)[0].text);
  expect_golden("lost_signal.json", json["details"]["0123456789ab"].dump(1) + "\n");
}

// Only what a form itself may hold: printable ASCII and newlines.
void expect_printable(const std::string& form, const std::string& text) {
  const auto is_printable = [](char c) { return c == '\n' || c == '\t' || (c >= ' ' && c <= '~'); };
  EXPECT_TRUE(std::ranges::all_of(text, is_printable)) << form;
}

TEST(Hostile, NoFormLetsAByteThroughThatMeansSomething) {
  const Records records = test::records(kHostile);
  for (const Renderer& row : renderers()) {
    const std::string form = row.name;
    for (const RenderedFile& file : rendered(form, records)) {
      if (form != "html") expect_printable(form, file.text);
      EXPECT_EQ(file.name.find_first_of("/<>\n"), std::string::npos) << file.name;
      if (form == "json" || form == "sarif" || form == "casrep" || form == "perfetto")
        EXPECT_TRUE(nlohmann::json::accept(file.text)) << form;
    }
  }
  const std::string junit = rendered("junit", records)[0].text;
  EXPECT_EQ(junit.find("<script"), std::string::npos);
  EXPECT_EQ(junit.find("]]>"), std::string::npos);
  const std::string annotations = rendered("github", records)[0].text;
  std::istringstream lines(annotations);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("::")) << line;
    EXPECT_EQ(line.find("%0A|"), std::string::npos) << line;
  }
  const std::string summary = rendered("github", records)[1].text;
  EXPECT_EQ(summary.find("<script"), std::string::npos);
  EXPECT_EQ(summary.find("](j"), std::string::npos);
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

TEST(Hostile, ThePageHoldsItAsDataOnly) {
  const std::string calm = rendered("html", test::records())[0].text;
  const std::string page = rendered("html", test::records(kHostile))[0].text;
  for (const char* what : {"<script", "</script", "<img", "<!--", "alert(1)</"})
    EXPECT_EQ(count_of(page, what), count_of(calm, what)) << what;
  EXPECT_EQ(count_of(page, "http://") + count_of(page, "https://"),
            count_of(calm, "http://") + count_of(calm, "https://"));
  EXPECT_EQ(page.find("innerHTML"), std::string::npos);
}

TEST(Page, ItsPolicyNamesWhatItHolds) {
  const std::string page = rendered("html", test::records())[0].text;
  EXPECT_NE(page.find("content=\"default-src 'none'; script-src 'sha256-"), std::string::npos);
  EXPECT_EQ(page.find("unsafe-"), std::string::npos);
  EXPECT_EQ(count_of(page.substr(0, page.find("<title>")), "'sha256-"), 5U);
  EXPECT_EQ(count_of(page, "<style>"), 2U);
  Records without = test::records();
  without.samples.clear();
  EXPECT_LT(rendered("html", without)[0].text.size() + 50'000, page.size());
}

Records many(int count) {
  Records all = test::records();
  const FindingRecord one = all.findings[0];
  const FindingRecord other = all.findings[1];
  all.findings.clear();
  for (int i = 0; i < count; ++i) {
    FindingRecord& next = all.findings.emplace_back(i % 2 == 0 ? one : other);
    next.id = std::to_string(100'000'000'000 + i);
    next.target += std::to_string(i % 17);
    next.standing = static_cast<Standing>(i % 4);
  }
  return all;
}

TEST(Bounds, AThousandFindingsAreAPageThatOpens) {
  const std::string page = rendered("html", many(1000))[0].text;
  EXPECT_LT(page.size(), std::size_t{16} << 20);
  EXPECT_EQ(count_of(page, "data-finding="), 1000U);
}

TEST(Bounds, OfALongRunThePartAroundTheFindingIsKept) {
  FindingRecord record = test::lost_wakeup("");
  test::TraceBuilder t{"waiter", "waker"};
  for (int i = 0; i < 5'000; ++i) t.writes("waker", "fifo ./room", "x");
  t.rests("waiter", Call::pause, "");
  record.occurrences[0].artefacts[2].content = to_json_lines(t.trace);
  const auto json = nlohmann::json::parse(details_json(record, Bounds()))["timeline"];
  EXPECT_EQ(json["steps"].size(), 2'000U);
  EXPECT_EQ(json["left_out"], 3'001);
  EXPECT_EQ(json["steps"].back()["e"], "waits");
  EXPECT_EQ(json["before"][0][1]["bytes"], json["first"]);
}

TEST(Timeline, SaysWhatIsInEachObjectAndWhereThePlanStruck) {
  const auto json =
      nlohmann::json::parse(details_json(test::lost_wakeup(""), Bounds()))["timeline"];
  EXPECT_EQ(json["steps"][1]["s"], nlohmann::json::parse(R"([0,{"bytes":2}])"));
  EXPECT_EQ(json["steps"][2]["s"],
            nlohmann::json::parse(R"([1,{"messages":1,"first":["7: \"job 1\""]}])"));
  EXPECT_EQ(json["steps"][5]["s"], nlohmann::json::parse(R"([1,{"messages":0,"first":[]}])"));
  EXPECT_EQ(json["arrows"],
            nlohmann::json::parse(R"([[1,3,"bytes"],[2,5,"message"],[4,7,"signal"]])"));
  EXPECT_EQ(json["deviations"][1]["at"], 8);
  EXPECT_EQ(json["waiting"][0]["holders"], nlohmann::json::parse("[1]"));
}

TEST(Timeline, SaysTheValuesOfSemaphores) {
  FindingRecord record = test::lost_wakeup("");
  test::TraceBuilder t{"clerk"};
  t.does("clerk", Call::semop, "semaphore#1", 0, "0, 7").exits("clerk");
  for (Artefact& one : record.occurrences[0].artefacts)
    if (one.role == "trace") one.content = to_json_lines(t.trace);
  const auto json = nlohmann::json::parse(details_json(record, Bounds()))["timeline"];
  EXPECT_EQ(json["steps"][0]["s"], nlohmann::json::parse(R"([0,{"values":"0, 7"}])"));
}

TEST(Timeline, AWrongTraceIsNoTimeline) {
  FindingRecord record = test::lost_wakeup("");
  record.occurrences[0].artefacts[2].content =
      "{\"pipewrench_trace\":1}\n{\"step\":0,\"task\":9}\n";
  EXPECT_FALSE(nlohmann::json::parse(details_json(record, Bounds())).contains("timeline"));
  EXPECT_FALSE(renderers().back().render({.findings = {record}}, {}));
}

TEST(Chosen, OneByTheBeginningOfItsId) {
  const Records records = test::records();
  EXPECT_EQ(chosen(records, {.finding = "ba9"}).value().at(0)->kind, "heap-buffer-overflow");
  EXPECT_FALSE(chosen(records, {.finding = "f"}));
  Records twice = records;
  twice.findings.push_back(records.findings[1]);
  EXPECT_FALSE(chosen(twice, {.finding = "b"}));
}

TEST(Empty, EachFormSaysThatThereIsNothing) {
  for (const Renderer& row : renderers()) {
    const auto files = row.render({}, {});
    EXPECT_EQ(files.has_value(), std::string(row.name) != "perfetto") << row.name;
  }
}

TEST(Github, AtMostTenOfEachLevel) {
  EXPECT_LE(count_of(rendered("github", many(100))[0].text, "\n"), 30U);
  EXPECT_GT(count_of(rendered("github", many(100))[0].text, "\n"), 10U);
}

// What an exit status counts is what CI sees as failed, in each form.
TEST(Counts, EachFormAgreesWithTheExitStatus) {
  Records all = test::records();
  FindingRecord known = all.findings[1];
  all.findings.resize(1);  // new
  all.samples.clear();
  const auto add = [&](FindingRecord finding, Standing standing, bool note, bool unstable) {
    finding.id.back() = static_cast<char>('a' + all.findings.size());
    finding.standing = standing;
    finding.note = note;
    finding.unstable = unstable;
    all.findings.push_back(std::move(finding));
  };
  add(known, Standing::known, false, false);
  add(known, Standing::regressed, false, false);
  known.occurrences[0].repeated = 2;
  add(known, Standing::new_, false, true);
  add(known, Standing::regressed, false, true);
  add(known, Standing::new_, true, false);
  EXPECT_EQ(std::ranges::count_if(all.findings, counts), 2);
  const std::string junit = rendered("junit", all)[0].text;
  EXPECT_EQ(count_of(junit, "<failure"), 2U) << junit;
  EXPECT_EQ(count_of(junit, "\nWRITE of size 4\n  decode(char const*) targets/frame.cpp:12\n"), 1U);
  EXPECT_EQ(count_of(junit, "message=\"known, first seen in run 1\""), 1U) << junit;
  EXPECT_EQ(count_of(junit, "message=\"unstable: it showed 2 of 5 times\""), 2U) << junit;
  EXPECT_EQ(count_of(junit, "message=\"a note, not a finding\""), 1U) << junit;
  EXPECT_EQ(count_of(rendered("github", all)[0].text, "::error "), 2U);
  EXPECT_EQ(count_of(rendered("github", all)[1].text, "**1** new"), 1U);
  EXPECT_EQ(count_of(rendered("github", all)[1].text, "**2** unstable"), 1U);
  const std::string text = rendered("text", all)[0].text;
  EXPECT_TRUE(text.ends_with("\n1 new, 1 regressed, 2 unstable, 1 known, 1 note\n")) << text;
  const auto json = nlohmann::json::parse(rendered("json", all)[0].text);
  EXPECT_EQ(json["overview"]["findings"][3]["heading"], "unstable");
  const auto sarif = nlohmann::json::parse(rendered("sarif", all)[0].text);
  EXPECT_EQ(sarif["runs"][0]["results"][3]["level"], "note");
  EXPECT_EQ(sarif["runs"][0]["results"][1]["level"], "error");
}

TEST(Kinds, ALongerNameStandsBeforeItsBeginning) {
  EXPECT_EQ(row_of("heap-buffer-overflow").cwe, 122);
  EXPECT_EQ(row_of("deadlock").cwe, 833);
  EXPECT_EQ(row_of("memory-leak").cwe, 401);
  EXPECT_EQ(row_of("never heard of").kind, std::string());
}

TEST(Bytes, ControlBytesBecomeEscapes) {
  EXPECT_EQ(one_line("a\n\x1b\"<\xff"), "a\\n\\x1b\"<\\xff");
  EXPECT_EQ(plain_lines("a\n\tb\r"), "a\n\tb\\x0d");
  EXPECT_EQ(utc(0), "1970-01-01 00:00:00");
}

// Two nights with what does not count, and a search into the same store afterwards.
Records nights() {
  Records all = test::records();
  RunRecord second = all.runs[1];
  second.id = 3;
  all.runs.push_back(second);
  all.runs.push_back({.id = 4, .what = "explore wakeup", .outcome = "ended"});
  const std::vector<Sample> first = all.samples;
  for (Sample sample : first) {
    sample.run = 3;
    sample.edges += 50;
    all.samples.push_back(sample);
  }
  for (const bool note : {false, true}) {
    FindingRecord& other = all.findings.emplace_back(all.findings[0]);
    other.id = note ? "dddddddddddd" : "eeeeeeeeeeee";
    other.note = note;
    other.unstable = !note;
  }
  all.samples.push_back({.run = 4, .target = "wakeup", .engine = "conductor", .at_s = 2.5});
  return all;
}

// For the browser's test: pages on disk. Skipped where nobody asks for them.
TEST(Pages, AreWritten) {
  const char* folder = std::getenv("RENDER_PAGES");
  if (folder == nullptr) GTEST_SKIP() << "RENDER_PAGES is not set";
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(fs::path(folder) / name, std::ios::binary) << text;
  };
  write("calm.html", rendered("html", test::records())[0].text);
  write("nights.html", rendered("html", nights())[0].text);
  write("hostile.html", rendered("html", test::records(kHostile))[0].text);
  write("many.html", rendered("html", many(1000))[0].text);
  write("empty.html", rendered("html", {})[0].text);
  write("hostile.sarif", rendered("sarif", test::records(kHostile))[0].text);
  write("hostile.xml", rendered("junit", test::records(kHostile))[0].text);
}

}  // namespace
}  // namespace pipewrench
