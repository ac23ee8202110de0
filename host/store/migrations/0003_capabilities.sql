-- What tenants and plugins may do beyond computing. Values of secrets are sealed.
CREATE TABLE tenant_capabilities (
  tenant_id TEXT PRIMARY KEY REFERENCES tenants (id),
  capabilities TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL
);

CREATE TABLE plugin_capabilities (
  plugin_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id, plugin_id) REFERENCES plugins (tenant_id, project_id, id) ON DELETE CASCADE
);
