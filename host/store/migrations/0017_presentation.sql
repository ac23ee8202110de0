-- What a palette shows of a version of a plugin or function. version_id: that of plugin_versions or function_versions. Icon and
-- documentation are contents; parameters: a JSON Schema as it was written.
CREATE TABLE presentations (
  version_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  icon_hash TEXT,
  icon_format TEXT,
  parameters TEXT,
  documentation_hash TEXT,
  summary TEXT NOT NULL,
  FOREIGN KEY (tenant_id, icon_hash) REFERENCES blobs (tenant_id, content_hash),
  FOREIGN KEY (tenant_id, documentation_hash) REFERENCES blobs (tenant_id, content_hash)
);
CREATE INDEX presentations_by_icon ON presentations (tenant_id, icon_hash);
CREATE INDEX presentations_by_documentation ON presentations (tenant_id, documentation_hash);
