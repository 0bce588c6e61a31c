-- Version 3: findings that have one cause. A symptom leads to what a part of its smallest input shows.
CREATE TABLE links (
  finding TEXT NOT NULL REFERENCES findings,
  leads_to TEXT NOT NULL REFERENCES findings,
  times INTEGER NOT NULL,
  PRIMARY KEY (finding, leads_to)
) STRICT, WITHOUT ROWID;

-- Where the links of a finding end; made anew with each link.
CREATE TABLE ends (
  finding TEXT PRIMARY KEY REFERENCES findings,
  cause TEXT NOT NULL REFERENCES findings
) STRICT, WITHOUT ROWID;
-- What counts for reports: each occurrence, by cause.
CREATE VIEW seen_by_cause AS
  SELECT o.*, coalesce(e.cause, o.finding) AS cause
  FROM occurrences o LEFT JOIN ends e ON e.finding = o.finding;
-- Of what came with a link both ends have an occurrence.
CREATE VIEW twice AS
  SELECT a.cause AS cause, sum(l.times) AS times
  FROM links l JOIN ends a ON a.finding = l.finding LEFT JOIN ends b ON b.finding = l.leads_to
  WHERE a.cause = coalesce(b.cause, l.leads_to) GROUP BY a.cause;
