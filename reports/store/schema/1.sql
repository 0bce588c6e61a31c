-- Version 1: findings, and how they were found. Times in ms since 1970.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  what TEXT NOT NULL,
  git_commit TEXT NOT NULL,
  seed TEXT NOT NULL,
  flags TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  executions INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE findings (
  id TEXT PRIMARY KEY,    -- of target, kind and signature
  kind TEXT NOT NULL,
  signature TEXT NOT NULL,
  target TEXT NOT NULL,
  cause TEXT NOT NULL,
  peers TEXT NOT NULL,    -- JSON array of names
  stacks TEXT NOT NULL,   -- JSON array, see README.md
  realism TEXT NOT NULL,
  replay TEXT NOT NULL,
  gdb TEXT NOT NULL,
  note INTEGER NOT NULL,
  unstable INTEGER NOT NULL,
  size INTEGER NOT NULL   -- of the occurrence that these details are of
) STRICT, WITHOUT ROWID;

CREATE TABLE occurrences (
  id INTEGER PRIMARY KEY,
  finding TEXT NOT NULL REFERENCES findings,
  run INTEGER NOT NULL REFERENCES runs,
  at_ms INTEGER NOT NULL,
  tool TEXT NOT NULL,
  sanitizer TEXT NOT NULL,
  source TEXT NOT NULL,
  repeated INTEGER NOT NULL,
  tried INTEGER NOT NULL,
  size INTEGER NOT NULL
) STRICT;
CREATE INDEX occurrences_of_finding ON occurrences (finding, run);

-- The content is in artefacts/HH/HASH beside the database.
CREATE TABLE artefacts (
  occurrence INTEGER NOT NULL REFERENCES occurrences,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX artefacts_of_occurrence ON artefacts (occurrence);

-- What people said; the newest counts. `after_run` is the newest run of that moment.
CREATE TABLE marks (
  id INTEGER PRIMARY KEY,
  finding TEXT NOT NULL REFERENCES findings,
  mark TEXT NOT NULL CHECK (mark IN ('open', 'known', 'fixed', 'ignored')),
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  after_run INTEGER NOT NULL
) STRICT;
CREATE INDEX marks_of_finding ON marks (finding, id);
