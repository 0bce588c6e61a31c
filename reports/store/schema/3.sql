-- Version 3: what a part of an occurrence's smallest input shows may be its cause: then it counts as
-- that finding's, which has an occurrence of the part.
ALTER TABLE occurrences ADD COLUMN cause TEXT NOT NULL DEFAULT '';  -- a finding; '': its own
