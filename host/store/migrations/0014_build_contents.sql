-- What builds have made lies with all other contents: kept once, counted, and gone when nobody needs it. As from now on, only the
-- newest 20 builds of a project keep theirs.
UPDATE builds SET component = NULL WHERE component IS NOT NULL AND (SELECT COUNT(*) FROM builds n
  WHERE n.tenant_id = builds.tenant_id AND n.project_id = builds.project_id AND n.component IS NOT NULL AND n.id > builds.id) >= 20;
INSERT INTO blobs (tenant_id, content_hash, content, size_bytes)
  SELECT b.tenant_id, b.content_hash, b.component, b.size_bytes FROM builds b
  WHERE b.id IN (SELECT MAX(m.id) FROM builds m WHERE m.component IS NOT NULL GROUP BY m.tenant_id, m.content_hash)
  AND NOT EXISTS (SELECT 1 FROM blobs o WHERE o.tenant_id = b.tenant_id AND o.content_hash = b.content_hash);
INSERT INTO blob_uses (tenant_id, project_id, content_hash, user_kind, user_id, user_name)
  SELECT b.tenant_id, b.project_id, b.content_hash, 'build', b.id, b.id FROM builds b WHERE b.component IS NOT NULL;
ALTER TABLE builds DROP COLUMN component;
CREATE INDEX blob_uses_by_user ON blob_uses (tenant_id, user_kind, user_id);
