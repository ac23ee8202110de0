-- Data sources per environment, keys of secrets.

-- How production reaches a data source. How tests do is in data_sources itself.
CREATE TABLE data_source_bindings (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  properties TEXT NOT NULL,
  secrets TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  PRIMARY KEY (data_source_id, environment),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

-- The last connectivity test of each binding.
CREATE TABLE data_source_tests (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  data_source_id TEXT NOT NULL,
  environment TEXT NOT NULL,
  reachable BIGINT NOT NULL,
  failure TEXT,
  message TEXT NOT NULL,
  elapsed_ms BIGINT NOT NULL,
  tested_by TEXT NOT NULL,
  tested_at_ms BIGINT NOT NULL,
  PRIMARY KEY (data_source_id, environment),
  FOREIGN KEY (tenant_id, project_id, data_source_id) REFERENCES data_sources (tenant_id, project_id, id)
);

-- Keys that secrets are sealed with, by the ids that sealed texts begin with. One is active. While a rotation is under way
-- the new key lies here sealed with the old one, so that other servers learn of it; at its end that text is emptied.
CREATE TABLE secret_keys (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  wrapped TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  retired_at_ms BIGINT,
  holds BIGINT NOT NULL
);

-- Which key each server seals with, as it last said.
CREATE TABLE secret_key_holders (
  worker TEXT PRIMARY KEY,
  key_id TEXT NOT NULL,
  seen_at_ms BIGINT NOT NULL
);
