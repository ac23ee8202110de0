-- The person behind a token: whoever made it, and of one that was made with another token whoever made that one. The token
-- in the data folder of a server has nobody behind it and belongs to a worker.
ALTER TABLE tokens ADD COLUMN on_behalf_of TEXT;
ALTER TABLE tokens ADD COLUMN worker TEXT;
UPDATE tokens SET on_behalf_of = created_by WHERE created_by <> 'system';
-- Tokens made with tokens, each time one step nearer to the person.
UPDATE tokens SET on_behalf_of = (SELECT MIN(made.on_behalf_of) FROM tokens made WHERE made.user_id = tokens.on_behalf_of)
WHERE on_behalf_of IN (SELECT user_id FROM tokens WHERE on_behalf_of IS NOT NULL AND on_behalf_of <> user_id);
UPDATE tokens SET on_behalf_of = (SELECT MIN(made.on_behalf_of) FROM tokens made WHERE made.user_id = tokens.on_behalf_of)
WHERE on_behalf_of IN (SELECT user_id FROM tokens WHERE on_behalf_of IS NOT NULL AND on_behalf_of <> user_id);
UPDATE tokens SET on_behalf_of = (SELECT MIN(made.on_behalf_of) FROM tokens made WHERE made.user_id = tokens.on_behalf_of)
WHERE on_behalf_of IN (SELECT user_id FROM tokens WHERE on_behalf_of IS NOT NULL AND on_behalf_of <> user_id);
CREATE INDEX tokens_by_person ON tokens (on_behalf_of);
CREATE INDEX tokens_by_worker ON tokens (worker);

-- The person behind an applicant.
ALTER TABLE approvals ADD COLUMN applicant_person TEXT NOT NULL DEFAULT '';
UPDATE approvals SET applicant_person = COALESCE((SELECT MIN(t.on_behalf_of) FROM tokens t WHERE t.user_id = approvals.applicant), applicant);
CREATE INDEX approvals_by_person ON approvals (tenant_id, applicant_person, id);

-- The worker that is to take a savepoint, until it has begun.
ALTER TABLE savepoints ADD COLUMN for_worker TEXT;
CREATE INDEX savepoints_by_worker ON savepoints (for_worker) WHERE for_worker IS NOT NULL;

-- A start that nobody had said anything about is one that begins without state where there is none.
UPDATE instances SET start_json = '{"from":"latest","instance":"' || id || '","or_fresh":true}'
WHERE start_json = '{"from":"latest","instance":"' || id || '"}';
