-- The life of a job: edit locks, kept drafts, folders, releases, production instances, log lines of instances.

-- Who edits a job, while somebody does. lock_json: holder, since, until, who asks for it. draft_json: what the holder
-- has not saved, made from revision draft_revision.
CREATE TABLE job_locks (
  job_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  lock_json TEXT NOT NULL,
  draft_json TEXT,
  draft_revision BIGINT,
  FOREIGN KEY (tenant_id, project_id, job_id) REFERENCES jobs (tenant_id, project_id, id)
);

-- Drafts of people who lost the lock before they had saved. reason: taken, given, unanswered, expired.
CREATE TABLE kept_drafts (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  draft_json TEXT NOT NULL,
  base_revision BIGINT,
  reason TEXT NOT NULL,
  lost_to TEXT,
  created_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id, job_id) REFERENCES jobs (tenant_id, project_id, id)
);
CREATE INDEX kept_drafts_by_owner ON kept_drafts (job_id, owner, id);

-- Folders that are there without a job in them; all others follow from the jobs.
CREATE TABLE job_folders (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  path TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (project_id, path),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
CREATE INDEX jobs_by_folder ON jobs (project_id, folder);

-- A version's way to production. approval_id: the request that decides it. instance_id: its production instance.
CREATE TABLE releases (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  test_instance_id TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  approval_id TEXT,
  opinion TEXT,
  decided_by TEXT,
  instance_id TEXT,
  allocation_json TEXT,
  revision BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_by_name TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  published_at_ms BIGINT,
  online_at_ms BIGINT,
  FOREIGN KEY (tenant_id, project_id, job_id) REFERENCES jobs (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, version_id) REFERENCES job_versions (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, test_instance_id) REFERENCES instances (tenant_id, project_id, id)
);
CREATE INDEX releases_by_job ON releases (job_id, id);
CREATE INDEX releases_by_project ON releases (tenant_id, project_id, id);

-- kind: test or production. start_after: the instance that has to have ended before this one starts by itself.
-- restart_json: the restart policy of this instance instead of its job's.
ALTER TABLE instances ADD COLUMN kind TEXT NOT NULL DEFAULT 'test';
ALTER TABLE instances ADD COLUMN release_id TEXT;
ALTER TABLE instances ADD COLUMN allocation_json TEXT;
ALTER TABLE instances ADD COLUMN restart_json TEXT;
ALTER TABLE instances ADD COLUMN start_after TEXT;
CREATE INDEX instances_by_start_after ON instances (start_after) WHERE start_after IS NOT NULL;

-- What tenant code and the engine say while an instance runs; the newest lines of each instance are kept.
CREATE TABLE instance_logs (
  id TEXT PRIMARY KEY,
  instance_id TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  level TEXT NOT NULL,
  level_rank BIGINT NOT NULL,
  origin TEXT NOT NULL,
  node TEXT,
  message TEXT NOT NULL
);
CREATE INDEX instance_logs_by_instance ON instance_logs (instance_id, id);
