-- Approvals, databases and tables with their published states, data permissions.

-- project_id is where deciders hold their role, NULL: in the tenant; for_project_id is on whose behalf it was asked.
-- open_key names what is asked for: only one approval for the same waits at a time.
CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  project_id TEXT,
  number BIGINT NOT NULL,
  kind TEXT NOT NULL,
  environment TEXT,
  subject TEXT NOT NULL,
  subject_name TEXT NOT NULL,
  open_key TEXT NOT NULL,
  for_project_id TEXT,
  applicant TEXT NOT NULL,
  applicant_name TEXT NOT NULL,
  reason TEXT NOT NULL,
  payload_json TEXT NOT NULL,
  decided_with TEXT NOT NULL,
  state TEXT NOT NULL,
  opinion TEXT,
  decided_by TEXT,
  decided_by_name TEXT,
  result_json TEXT,
  created_at_ms BIGINT NOT NULL,
  due_at_ms BIGINT NOT NULL,
  remind_at_ms BIGINT NOT NULL,
  reminded_at_ms BIGINT,
  ended_at_ms BIGINT,
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, for_project_id) REFERENCES projects (tenant_id, id)
);
CREATE UNIQUE INDEX approvals_open ON approvals (tenant_id, kind, open_key) WHERE state = 'pending';
CREATE INDEX approvals_by_applicant ON approvals (tenant_id, applicant, id);
CREATE INDEX approvals_by_decider ON approvals (tenant_id, decided_by, id);
CREATE INDEX approvals_by_state ON approvals (state, tenant_id, id);

CREATE TABLE approval_history (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  event TEXT NOT NULL,
  state TEXT NOT NULL,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  note TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, approval_id) REFERENCES approvals (tenant_id, id)
);
CREATE INDEX approval_history_by_approval ON approval_history (approval_id, id);

-- A database groups tables of one system; topics need none.
CREATE TABLE databases (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  physical_name TEXT NOT NULL,
  data_source_id TEXT,
  description TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

-- The design of tables and topics. Made anew because SQLite cannot drop the NOT NULL of data_source_id: what is only
-- designed need not be bound to any system yet.
CREATE TABLE topics_designed (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  physical_name TEXT NOT NULL,
  data_source_id TEXT,
  database_id TEXT,
  description TEXT NOT NULL,
  columns_json TEXT NOT NULL,
  format_json TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, database_id) REFERENCES databases (tenant_id, project_id, id)
);
INSERT INTO topics_designed (id, tenant_id, project_id, name, physical_name, data_source_id, description, columns_json, format_json,
  revision, created_by, created_at_ms, updated_at_ms)
SELECT id, tenant_id, project_id, name, physical_name, data_source_id, description, columns_json, format_json, revision, '',
  created_at_ms, updated_at_ms FROM topics;
DROP TABLE topics;
ALTER TABLE topics_designed RENAME TO topics;
CREATE INDEX topics_by_tenant ON topics (tenant_id, id);

-- What was approved for an environment: immutable, numbered; the greatest number that is not retired is in force.
CREATE TABLE table_publications (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  table_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  number BIGINT NOT NULL,
  data_source_id TEXT NOT NULL,
  database_id TEXT,
  physical_name TEXT NOT NULL,
  description TEXT NOT NULL,
  columns_json TEXT NOT NULL,
  format_json TEXT NOT NULL,
  design_revision BIGINT NOT NULL,
  published_by TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  retired_at_ms BIGINT,
  UNIQUE (table_id, environment, number),
  FOREIGN KEY (tenant_id, project_id, table_id) REFERENCES topics (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, approval_id) REFERENCES approvals (tenant_id, id)
);
CREATE INDEX table_publications_by_environment ON table_publications (tenant_id, environment, id);

CREATE TABLE database_publications (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  database_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  number BIGINT NOT NULL,
  data_source_id TEXT NOT NULL,
  physical_name TEXT NOT NULL,
  published_by TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  retired_at_ms BIGINT,
  UNIQUE (database_id, environment, number),
  FOREIGN KEY (tenant_id, project_id, database_id) REFERENCES databases (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, approval_id) REFERENCES approvals (tenant_id, id)
);

-- Who may use a table of another project. grantee is the id of a project or user, empty for everyone; column_name is
-- empty for the whole table.
CREATE TABLE table_grants (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  table_id TEXT NOT NULL,
  grantee_kind TEXT NOT NULL,
  grantee TEXT NOT NULL,
  permission TEXT NOT NULL,
  column_name TEXT NOT NULL,
  expires_at_ms BIGINT,
  granted_by TEXT NOT NULL,
  approval_id TEXT,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (table_id, grantee_kind, grantee, permission, column_name),
  FOREIGN KEY (tenant_id, project_id, table_id) REFERENCES topics (tenant_id, project_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, approval_id) REFERENCES approvals (tenant_id, id)
);
CREATE INDEX table_grants_by_grantee ON table_grants (tenant_id, grantee_kind, grantee);

-- What happens to running instances when a permission on the table ends; stop_running unless there is a row.
CREATE TABLE table_policies (
  table_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  revocation TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id, table_id) REFERENCES topics (tenant_id, project_id, id) ON DELETE CASCADE
);

-- Who has started an instance last: their personal permissions count while it runs.
ALTER TABLE instances ADD COLUMN started_by TEXT;
