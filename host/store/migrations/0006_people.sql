-- People: accounts, sessions, sign-in, members of projects, services of projects, quotas of projects.

-- kind is person or service; only persons have a unique name, can be disabled, and can be removed (the row stays, for
-- the audit log). revision counts changes of the user and of their roles.
ALTER TABLE users ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN disabled_at_ms BIGINT;
ALTER TABLE users ADD COLUMN deleted_at_ms BIGINT;
ALTER TABLE users ADD COLUMN last_sign_in_at_ms BIGINT;
CREATE UNIQUE INDEX users_of_tenant ON users (tenant_id, name)
  WHERE kind = 'person' AND deleted_at_ms IS NULL AND tenant_id IS NOT NULL;
CREATE UNIQUE INDEX users_of_platform ON users (name)
  WHERE kind = 'person' AND deleted_at_ms IS NULL AND tenant_id IS NULL;
CREATE INDEX role_grants_by_place ON role_grants (tenant_id, project_id);

-- password_hash: argon2id in PHC form. expires_at_ms: of a one-time password, which must_change.
CREATE TABLE credentials (
  user_id TEXT PRIMARY KEY REFERENCES users (id),
  password_hash TEXT NOT NULL,
  must_change BIGINT NOT NULL,
  expires_at_ms BIGINT,
  changed_at_ms BIGINT NOT NULL
);

-- secret_hash: SHA-256 of what the cookie holds. method: password, or the id of an identity provider.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  secret_hash TEXT NOT NULL UNIQUE,
  method TEXT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  last_used_at_ms BIGINT NOT NULL,
  idle_ms BIGINT NOT NULL,
  expires_at_ms BIGINT NOT NULL,
  ended_at_ms BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id, id);

-- Attempts to sign in by subject: SHA-256 over an account or an address. In the database, so that several servers count
-- together and a restart forgets nothing.
CREATE TABLE sign_in_attempts (
  subject TEXT PRIMARY KEY,
  count BIGINT NOT NULL,
  last_at_ms BIGINT NOT NULL,
  blocked_until_ms BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_by_time ON sign_in_attempts (last_at_ms);

-- What a person's token takes away from its owner's roles; NULL: nothing.
ALTER TABLE tokens ADD COLUMN limit_role TEXT;
ALTER TABLE tokens ADD COLUMN limit_project_id TEXT;
CREATE INDEX tokens_by_user ON tokens (user_id, id);

-- Identity providers (OpenID Connect). tenant_id NULL: of the platform. client_secret is sealed.
CREATE TABLE identity_providers (
  id TEXT PRIMARY KEY,
  tenant_id TEXT REFERENCES tenants (id),
  name TEXT NOT NULL,
  client_secret TEXT NOT NULL,
  settings_json TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  updated_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX identity_providers_of_tenant ON identity_providers (tenant_id, name) WHERE tenant_id IS NOT NULL;
CREATE UNIQUE INDEX identity_providers_of_platform ON identity_providers (name) WHERE tenant_id IS NULL;

-- Who somebody is to an identity provider.
CREATE TABLE external_identities (
  provider_id TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (provider_id, subject)
);

-- Sign-ins that are at an identity provider right now; each is answered once. verifier is sealed.
CREATE TABLE sign_in_flows (
  state_hash TEXT PRIMARY KEY,
  provider_id TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
  browser_hash TEXT NOT NULL,
  nonce TEXT NOT NULL,
  verifier TEXT NOT NULL,
  return_to TEXT NOT NULL,
  expires_at_ms BIGINT NOT NULL
);

-- services_json: what differs from the default (every service is there).
ALTER TABLE projects ADD COLUMN services_json TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN services_revision BIGINT NOT NULL DEFAULT 1;

-- How much of the tenant's quotas a project may have; without a row as much as the tenant.
CREATE TABLE project_quotas (
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  name TEXT NOT NULL,
  allowed BIGINT NOT NULL,
  PRIMARY KEY (project_id, name),
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id)
);

-- What an instance takes of the quotas while it is active; written when it starts.
CREATE TABLE instance_demands (
  instance_id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  slots BIGINT NOT NULL,
  memory_bytes BIGINT NOT NULL,
  fuel_per_second BIGINT NOT NULL,
  FOREIGN KEY (tenant_id, project_id, instance_id) REFERENCES instances (tenant_id, project_id, id)
);
CREATE INDEX audit_by_actor ON audit (tenant_id, actor, id);
CREATE INDEX audit_by_project ON audit (project_id, id);
-- Counting the jobs of a tenant reads this index alone.
CREATE INDEX jobs_live ON jobs (tenant_id, project_id) WHERE deleted_at_ms IS NULL;
