-- Business metadata, quality rules, lineage, search.

-- What can be found, one row per thing; kept by `search` in the transaction of each change. audience: tenant, project,
-- workers or owner. all_text is in lower case.
CREATE TABLE search_entries (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  project_id TEXT,
  kind TEXT NOT NULL,
  audience TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  all_text TEXT NOT NULL,
  updated_at_ms BIGINT NOT NULL
);

-- The words that begin a match: 1 a name, 2 the rest of a name from any of its characters, 3 of columns, 4 of descriptions.
-- Words are in lower case and in hexadecimal, so that what begins with a word is one range of an index under every collation.
CREATE TABLE search_words (
  tenant_id TEXT NOT NULL,
  rank BIGINT NOT NULL,
  word TEXT NOT NULL,
  entry_id TEXT NOT NULL REFERENCES search_entries (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  PRIMARY KEY (entry_id, rank, word)
);
CREATE INDEX search_words_by_word ON search_words (tenant_id, rank, word, entry_id, kind);

-- What submitted versions do with tables. usage: read, write, look_up, dead_letters. table_id is empty for what is not
-- in the catalog.
CREATE TABLE lineage_uses (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  node TEXT NOT NULL,
  usage TEXT NOT NULL,
  table_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  PRIMARY KEY (version_id, node, usage),
  FOREIGN KEY (tenant_id, project_id, version_id) REFERENCES job_versions (tenant_id, project_id, id)
);
CREATE INDEX lineage_uses_by_table ON lineage_uses (tenant_id, table_id);
CREATE INDEX lineage_uses_by_job ON lineage_uses (tenant_id, job_id);

CREATE TABLE lineage_columns (
  tenant_id TEXT NOT NULL,
  version_id TEXT NOT NULL,
  position BIGINT NOT NULL,
  table_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  from_table_id TEXT NOT NULL,
  from_table_name TEXT NOT NULL,
  from_column TEXT NOT NULL,
  PRIMARY KEY (version_id, position)
);
CREATE INDEX lineage_columns_by_table ON lineage_columns (tenant_id, table_id);
CREATE INDEX lineage_columns_by_origin ON lineage_columns (tenant_id, from_table_id);

-- Up to which row of the audit log run events were delivered to an endpoint; one server at a time holds the lease.
CREATE TABLE lineage_deliveries (
  endpoint TEXT PRIMARY KEY,
  last_entry TEXT NOT NULL,
  worker TEXT NOT NULL,
  lease_until_ms BIGINT NOT NULL
);

-- A tree; parent_id is empty at its root.
CREATE TABLE categories (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  parent_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, id),
  UNIQUE (tenant_id, parent_id, name)
);

-- Meta-models, business data, relations and quality rules: a draft, and what was published of it. parent_id is the
-- category, the meta-model, the first end or the table. What is in approval has a pending row in approvals.
CREATE TABLE governed_items (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  project_id TEXT,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  draft_json TEXT NOT NULL,
  published_json TEXT,
  published_version BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);
-- Relations of one word may begin at the same place and end at several.
CREATE UNIQUE INDEX governed_items_by_name ON governed_items (tenant_id, kind, parent_id, name) WHERE kind <> 'relation';
CREATE INDEX governed_items_by_kind ON governed_items (tenant_id, kind, id);
CREATE INDEX approvals_by_subject ON approvals (tenant_id, subject, state);
CREATE INDEX governed_items_by_parent ON governed_items (tenant_id, parent_id);

CREATE TABLE governed_versions (
  tenant_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  document_json TEXT NOT NULL,
  approval_id TEXT,
  published_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (item_id, number),
  FOREIGN KEY (tenant_id, item_id) REFERENCES governed_items (tenant_id, id) ON DELETE CASCADE
);

-- The people who manage the business data of a meta-model.
CREATE TABLE meta_model_managers (
  tenant_id TEXT NOT NULL,
  meta_model_id TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  PRIMARY KEY (meta_model_id, user_id),
  FOREIGN KEY (tenant_id, meta_model_id) REFERENCES governed_items (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE tags (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL REFERENCES tenants (id),
  name TEXT NOT NULL,
  colour TEXT NOT NULL,
  description TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL,
  UNIQUE (tenant_id, id),
  UNIQUE (tenant_id, name)
);

-- column_name is empty for the whole thing.
CREATE TABLE tag_uses (
  tenant_id TEXT NOT NULL,
  tag_id TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object_id TEXT NOT NULL,
  column_name TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tag_id, object_id, column_name),
  FOREIGN KEY (tenant_id, tag_id) REFERENCES tags (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX tag_uses_by_object ON tag_uses (tenant_id, object_id);

-- What a quality rule has counted in a run of an instance; the counts are of the whole run so far.
CREATE TABLE quality_results (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  rule_version BIGINT NOT NULL,
  instance_id TEXT NOT NULL,
  node TEXT NOT NULL,
  run BIGINT NOT NULL,
  checked BIGINT NOT NULL,
  violated BIGINT NOT NULL,
  samples_json TEXT NOT NULL,
  first_at_ms BIGINT NOT NULL,
  last_at_ms BIGINT NOT NULL,
  PRIMARY KEY (rule_id, instance_id, node, run),
  FOREIGN KEY (tenant_id, project_id, instance_id) REFERENCES instances (tenant_id, project_id, id)
);
CREATE INDEX quality_results_by_rule ON quality_results (tenant_id, rule_id, last_at_ms);
