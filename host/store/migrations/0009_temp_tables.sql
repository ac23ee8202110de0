-- Temp tables (TMP-1): intermediate results of jobs, kept in topics that the platform makes.

-- Where a project keeps them.
CREATE TABLE temp_table_settings (
  project_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  partitions BIGINT NOT NULL,
  replication_factor BIGINT NOT NULL,
  retention_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

CREATE TABLE temp_tables (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  physical_name TEXT NOT NULL UNIQUE,
  columns_json TEXT NOT NULL,
  format_json TEXT NOT NULL,
  retention_ms BIGINT NOT NULL,
  owner TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

-- Which version of a job writes or reads which temp table. direction: read or write.
CREATE TABLE temp_table_uses (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  temp_table_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  direction TEXT NOT NULL,
  PRIMARY KEY (temp_table_id, version_id, direction),
  FOREIGN KEY (tenant_id, project_id, temp_table_id) REFERENCES temp_tables (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id, version_id) REFERENCES job_versions (tenant_id, project_id, id)
);
CREATE INDEX temp_table_uses_by_version ON temp_table_uses (version_id);
