-- Builds of online code and JARs. state: queued, running, succeeded, failed, cancelled. worker: the server that builds
-- it. request_hash: what was asked and the tools that answer it; of builds with the same one the newest answers again.
CREATE TABLE builds (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  state TEXT NOT NULL,
  world TEXT NOT NULL,
  language TEXT NOT NULL,
  class TEXT,
  plugin TEXT,
  plugin_version BIGINT,
  request_hash TEXT,
  reused BIGINT NOT NULL,
  step TEXT,
  steps_json TEXT NOT NULL,
  diagnostics_json TEXT NOT NULL,
  log TEXT NOT NULL,
  failure TEXT,
  content_hash TEXT,
  size_bytes BIGINT,
  component {bytes},
  worker TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  started_at_ms BIGINT,
  ended_at_ms BIGINT,
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
CREATE INDEX builds_by_project ON builds (tenant_id, project_id, id);
CREATE INDEX builds_by_request ON builds (tenant_id, project_id, request_hash);
