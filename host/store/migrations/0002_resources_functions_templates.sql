-- Contents of any size, who needs them, and what is made of them: resources, functions, templates, quotas.

-- The first piece of a content stays in `blobs`; what does not fit into it follows in pieces counted from 1.
ALTER TABLE blobs ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE blobs SET size_bytes = LENGTH(content);

CREATE TABLE blob_pieces (
  tenant_id TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  position BIGINT NOT NULL,
  content {bytes} NOT NULL,
  PRIMARY KEY (tenant_id, content_hash, position),
  FOREIGN KEY (tenant_id, content_hash) REFERENCES blobs (tenant_id, content_hash) ON DELETE CASCADE
);

-- Who needs a content. user_kind: plugin, function, job, build; user_name says which, with the number of its version.
-- project_id is NULL for what belongs to the whole tenant.
CREATE TABLE blob_uses (
  tenant_id TEXT NOT NULL,
  project_id TEXT,
  content_hash TEXT NOT NULL,
  user_kind TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  PRIMARY KEY (tenant_id, content_hash, user_kind, user_id),
  FOREIGN KEY (tenant_id, content_hash) REFERENCES blobs (tenant_id, content_hash)
);
INSERT INTO blob_uses (tenant_id, project_id, content_hash, user_kind, user_id, user_name)
  SELECT v.tenant_id, v.project_id, v.content_hash, 'plugin', v.id, p.name || ' version ' || CAST(v.number AS TEXT)
  FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id;
INSERT INTO blob_uses (tenant_id, project_id, content_hash, user_kind, user_id, user_name)
  SELECT v.tenant_id, v.project_id, b.content_hash, 'job', v.id, j.name || ' version ' || CAST(v.number AS TEXT)
  FROM job_versions v JOIN jobs j ON j.id = v.job_id
  JOIN blobs b ON b.tenant_id = v.tenant_id AND v.pins_json LIKE '%' || b.content_hash || '%';

-- What the platform's administrator has said; without a row the default holds.
CREATE TABLE tenant_quotas (
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  allowed BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, name)
);

CREATE TABLE resources (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (project_id, name),
  UNIQUE (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);

CREATE TABLE resource_versions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  content_hash TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  detail_json TEXT NOT NULL,
  preview_json TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (resource_id, number),
  FOREIGN KEY (tenant_id, project_id, resource_id) REFERENCES resources (tenant_id, project_id, id),
  FOREIGN KEY (tenant_id, content_hash) REFERENCES blobs (tenant_id, content_hash)
);
CREATE INDEX resource_versions_by_content ON resource_versions (tenant_id, content_hash);

-- project_id NULL: a function of the whole tenant. state: enabled or deprecated.
CREATE TABLE functions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  project_id TEXT,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  attributes_json TEXT NOT NULL,
  state TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
CREATE UNIQUE INDEX functions_of_tenant ON functions (tenant_id, name) WHERE project_id IS NULL;
CREATE UNIQUE INDEX functions_of_project ON functions (project_id, name) WHERE project_id IS NOT NULL;

-- origin_json: what the component was taken from; source_json: text, language and class, to be edited again.
CREATE TABLE function_versions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  function_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  content_hash TEXT NOT NULL,
  world TEXT NOT NULL,
  wit_version TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  signatures_json TEXT NOT NULL,
  origin_json TEXT NOT NULL,
  source_json TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (function_id, number),
  FOREIGN KEY (tenant_id, function_id) REFERENCES functions (tenant_id, id),
  FOREIGN KEY (tenant_id, content_hash) REFERENCES blobs (tenant_id, content_hash)
);
CREATE INDEX function_versions_by_content ON function_versions (tenant_id, content_hash);

-- visibility: private (of its owner) or tenant.
CREATE TABLE templates (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  visibility TEXT NOT NULL,
  language TEXT NOT NULL,
  world TEXT NOT NULL,
  description TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX templates_of_tenant ON templates (tenant_id, name) WHERE visibility = 'tenant';
CREATE UNIQUE INDEX templates_of_owner ON templates (tenant_id, owner, name) WHERE visibility = 'private';

CREATE TABLE template_versions (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  text TEXT NOT NULL,
  parameters_json TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  UNIQUE (template_id, number),
  FOREIGN KEY (tenant_id, template_id) REFERENCES templates (tenant_id, id)
);
