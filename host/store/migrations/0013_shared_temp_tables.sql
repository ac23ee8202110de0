-- Permissions on temp tables, and readers of temp tables in other projects. SQLite changes no constraints: the tables are
-- made anew. table_id is the id of a table or of a temp table.
CREATE TABLE table_grants_of_all (
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
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, approval_id) REFERENCES approvals (tenant_id, id)
);
INSERT INTO table_grants_of_all SELECT id, tenant_id, project_id, table_id, grantee_kind, grantee, permission, column_name,
  expires_at_ms, granted_by, approval_id, created_at_ms, updated_at_ms FROM table_grants;
DROP TABLE table_grants;
ALTER TABLE table_grants_of_all RENAME TO table_grants;
CREATE INDEX table_grants_by_grantee ON table_grants (tenant_id, grantee_kind, grantee);

CREATE TABLE table_policies_of_all (
  table_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  revocation TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
INSERT INTO table_policies_of_all SELECT table_id, tenant_id, project_id, revocation, updated_at_ms FROM table_policies;
DROP TABLE table_policies;
ALTER TABLE table_policies_of_all RENAME TO table_policies;

-- project_id is the project of the temp table; the version may be of another.
CREATE TABLE temp_table_uses_of_all (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  temp_table_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  direction TEXT NOT NULL,
  PRIMARY KEY (temp_table_id, version_id, direction),
  FOREIGN KEY (tenant_id, project_id, temp_table_id) REFERENCES temp_tables (tenant_id, project_id, id),
  FOREIGN KEY (version_id) REFERENCES job_versions (id)
);
INSERT INTO temp_table_uses_of_all SELECT tenant_id, project_id, temp_table_id, version_id, direction FROM temp_table_uses;
DROP TABLE temp_table_uses;
ALTER TABLE temp_table_uses_of_all RENAME TO temp_table_uses;
CREATE INDEX temp_table_uses_by_version ON temp_table_uses (version_id);
