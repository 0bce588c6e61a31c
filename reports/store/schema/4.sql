-- Version 4: a finding is new until a run of its kind has ended, and the next of that kind has begun.
-- The newest run of the moment at which the first such run ended; 0: none has, all were killed.
ALTER TABLE findings ADD COLUMN told_after INTEGER NOT NULL DEFAULT 0;
UPDATE findings SET told_after = coalesce((
  SELECT min(ended.id) FROM runs first JOIN runs ended ON ended.what = first.what AND ended.id >= first.id
  WHERE first.id = (SELECT min(run) FROM occurrences WHERE finding = findings.id AND cause = '')
    AND ended.outcome != ''), 0);
