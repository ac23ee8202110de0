-- The parameters that a release runs with; of those that are live already, what their instances have.
ALTER TABLE releases ADD COLUMN parameters_json TEXT NOT NULL DEFAULT '{}';
UPDATE releases SET parameters_json = (SELECT i.parameters_json FROM instances i WHERE i.id = releases.instance_id)
WHERE instance_id IN (SELECT id FROM instances);
