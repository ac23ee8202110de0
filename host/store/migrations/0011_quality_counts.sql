-- Of the rows that broke a rule: how many were marked, and how many diverted.
ALTER TABLE quality_results ADD COLUMN marked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quality_results ADD COLUMN diverted BIGINT NOT NULL DEFAULT 0;
