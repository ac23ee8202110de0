-- Words know the project of what they find, so that a search in one project reads the words of that project.
ALTER TABLE search_words ADD COLUMN project_id TEXT;
UPDATE search_words SET project_id = (SELECT e.project_id FROM search_entries e WHERE e.id = search_words.entry_id);
CREATE INDEX search_words_by_project ON search_words (project_id, rank, word, entry_id, kind);
