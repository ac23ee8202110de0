-- The template by which the text of a build was completed. template_id: of the tenant's templates, or the name of a frame that
-- everybody has.
ALTER TABLE builds ADD COLUMN template_id TEXT;
ALTER TABLE builds ADD COLUMN template_name TEXT;
ALTER TABLE builds ADD COLUMN template_version BIGINT;
CREATE INDEX builds_by_template ON builds (tenant_id, template_id);
