-- One text for SQLite and PostgreSQL; {bytes} becomes BLOB or BYTEA. Ids and JSON are TEXT, times are milliseconds
-- since the epoch, flags are 0 or 1. Project data carries tenant_id and project_id in every table, and composite
-- foreign keys keep a row from pointing into another tenant.

CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL
);

CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  archived_at_ms BIGINT,
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id)
);

-- tenant_id is NULL for users of the platform. kind: person or service.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  tenant_id TEXT REFERENCES tenants (id),
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL
);

-- tenant_id NULL: the whole platform; project_id NULL: the whole tenant.
CREATE TABLE role_grants (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  tenant_id TEXT REFERENCES tenants (id),
  project_id TEXT,
  created_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
CREATE INDEX role_grants_by_user ON role_grants (user_id);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  tenant_id TEXT REFERENCES tenants (id),
  name TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  expires_at_ms BIGINT,
  last_used_at_ms BIGINT,
  revoked_at_ms BIGINT
);
CREATE INDEX tokens_by_tenant ON tokens (tenant_id, id);

CREATE TABLE data_sources (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  description TEXT NOT NULL,
  properties TEXT NOT NULL,
  secrets TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);

-- environment: design, test or production (TOP-1 to TOP-4).
CREATE TABLE topics (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  name TEXT NOT NULL,
  physical_name TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  description TEXT NOT NULL,
  columns_json TEXT NOT NULL,
  format_json TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, environment, name),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

-- Uploaded components by content; kept per tenant, so that nobody learns what another tenant has uploaded.
CREATE TABLE blobs (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  content_hash TEXT NOT NULL,
  content {bytes} NOT NULL,
  PRIMARY KEY (tenant_id, content_hash)
);

CREATE TABLE plugins (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);

CREATE TABLE plugin_versions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  plugin_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  content_hash TEXT NOT NULL,
  world TEXT NOT NULL,
  wit_version TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (plugin_id, number),
  FOREIGN KEY (tenant_id, project_id, plugin_id) REFERENCES plugins (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, content_hash) REFERENCES blobs (tenant_id, content_hash)
);
CREATE INDEX plugin_versions_by_content ON plugin_versions (tenant_id, content_hash);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  folder TEXT NOT NULL,
  description TEXT NOT NULL,
  draft_json TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  deleted_at_ms BIGINT,
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
-- The name of a removed job is free again; its versions and savepoints stay.
CREATE UNIQUE INDEX jobs_by_name ON jobs (project_id, name) WHERE deleted_at_ms IS NULL;

CREATE TABLE job_versions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  graph_json TEXT NOT NULL,
  pins_json TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  description TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (job_id, number),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, job_id) REFERENCES jobs (tenant_id, project_id, id)
);

-- run counts starts by a user, attempt counts claims by workers and fences older ones.
CREATE TABLE instances (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  state TEXT NOT NULL,
  stop_with_savepoint BIGINT NOT NULL,
  start_json TEXT NOT NULL,
  parameters_json TEXT NOT NULL,
  run BIGINT NOT NULL,
  worker TEXT,
  lease_until_ms BIGINT,
  attempt BIGINT NOT NULL,
  restart_count BIGINT NOT NULL,
  last_failure_json TEXT,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  started_at_ms BIGINT,
  ended_at_ms BIGINT,
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, job_id) REFERENCES jobs (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, version_id) REFERENCES job_versions (tenant_id, project_id, id)
);
CREATE INDEX instances_by_job ON instances (job_id, id);
CREATE INDEX instances_by_state ON instances (state);

CREATE TABLE savepoints (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  state TEXT NOT NULL,
  location TEXT,
  checkpoint BIGINT,
  size_bytes BIGINT,
  failure TEXT,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  ended_at_ms BIGINT,
  FOREIGN KEY (tenant_id, project_id, instance_id) REFERENCES instances (tenant_id, project_id, id)
);
CREATE INDEX savepoints_by_instance ON savepoints (instance_id, id);

CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  tenant_id TEXT,
  project_id TEXT,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail_json TEXT NOT NULL,
  request_id TEXT,
  at_ms BIGINT NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant_id, id);
CREATE INDEX audit_by_object ON audit (object, id);
