-- The newest checkpoint of an instance that is known to be complete, and the run that took it: a run that has one never begins
-- without its state because the checkpoints cannot be found any more.
ALTER TABLE instances ADD COLUMN checkpoint_run BIGINT;
ALTER TABLE instances ADD COLUMN checkpoint BIGINT;

-- What is written to see whether the database can be written; rows never stay.
CREATE TABLE write_probes (
  id TEXT PRIMARY KEY,
  filler TEXT NOT NULL
);
