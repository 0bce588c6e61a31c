-- Version 2: how far a run had come, for charts.
CREATE TABLE samples (
  run INTEGER NOT NULL REFERENCES runs,
  target TEXT NOT NULL,
  engine TEXT NOT NULL,
  sanitizer TEXT NOT NULL,
  at_s REAL NOT NULL,
  executions INTEGER NOT NULL,
  per_second REAL NOT NULL,
  edges INTEGER NOT NULL,
  corpus INTEGER NOT NULL
) STRICT;
CREATE INDEX samples_of_run ON samples (run, target, at_s);
