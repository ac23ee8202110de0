//! Keeps the entries of the catalog: the audit row of a change says what was changed.

use crate::{Store, StoreError, audit::Record, row, transaction::Transaction};
use millrace_domain::search::{Audience, SearchKind, words_of};
use millrace_model::Schema;
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Most characters of an entry's text.
const TEXT_CHARACTERS_MAX: usize = 8_000;
/// Most characters of a description in a result.
const DESCRIPTION_CHARACTERS_MAX: usize = 300;

/// Words that one statement writes.
const WORDS_AT_ONCE: usize = 100;

/// How entries of one kind are made: from which rows, and who finds them.
struct Source {
    kind: SearchKind,
    /// The first words of the actions that change it.
    actions: &'static str,
    /// Selects id, tenant_id, project_id, name, description, columns_json, more, owner, at_ms of what can be found.
    select: &'static str,
    audience: Audience,
}

const SOURCES: &[Source] = &[
    Source {
        kind: SearchKind::Table,
        actions: "topic table",
        select: "SELECT id, tenant_id, project_id, name, description, columns_json, physical_name AS more, '' AS owner, updated_at_ms AS at_ms FROM topics",
        audience: Audience::Project,
    },
    Source {
        kind: SearchKind::TempTable,
        actions: "temp_table",
        select: "SELECT id, tenant_id, project_id, name, description, columns_json, physical_name AS more, '' AS owner, updated_at_ms AS at_ms FROM temp_tables",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Job,
        actions: "job",
        select: "SELECT id, tenant_id, project_id, name, description, '[]' AS columns_json, folder AS more, '' AS owner, updated_at_ms AS at_ms FROM jobs WHERE deleted_at_ms IS NULL",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Function,
        actions: "function",
        select: "SELECT id, tenant_id, project_id, name, description, '[]' AS columns_json, attributes_json AS more, '' AS owner, updated_at_ms AS at_ms FROM functions",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Resource,
        actions: "resource",
        select: "SELECT id, tenant_id, project_id, name, description, '[]' AS columns_json, kind AS more, '' AS owner, created_at_ms AS at_ms FROM resources",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Plugin,
        actions: "plugin",
        select: "SELECT id, tenant_id, project_id, name, description, '[]' AS columns_json, '' AS more, '' AS owner, created_at_ms AS at_ms FROM plugins",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::DataSource,
        actions: "data_source",
        select: "SELECT id, tenant_id, project_id, name, description, '[]' AS columns_json, kind AS more, '' AS owner, updated_at_ms AS at_ms FROM data_sources",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Template,
        actions: "template",
        select: "SELECT id, tenant_id, NULL AS project_id, name, description, '[]' AS columns_json, language AS more, \
                 CASE WHEN visibility = 'private' THEN owner ELSE '' END AS owner, updated_at_ms AS at_ms FROM templates",
        audience: Audience::Workers,
    },
    Source {
        kind: SearchKind::Project,
        actions: "project",
        select: "SELECT id, tenant_id, id AS project_id, name, description, '[]' AS columns_json, '' AS more, '' AS owner, created_at_ms AS at_ms FROM projects",
        audience: Audience::Project,
    },
    Source {
        kind: SearchKind::Category,
        actions: "category",
        select: "SELECT id, tenant_id, NULL AS project_id, name, description, '[]' AS columns_json, '' AS more, '' AS owner, updated_at_ms AS at_ms FROM categories",
        audience: Audience::Tenant,
    },
    Source {
        kind: SearchKind::Tag,
        actions: "tag",
        select: "SELECT id, tenant_id, NULL AS project_id, name, description, '[]' AS columns_json, colour AS more, '' AS owner, updated_at_ms AS at_ms FROM tags",
        audience: Audience::Tenant,
    },
    Source {
        kind: SearchKind::MetaModel,
        actions: "meta_model",
        select: "SELECT id, tenant_id, project_id, name, '' AS description, '[]' AS columns_json, draft_json AS more, '' AS owner, updated_at_ms AS at_ms FROM governed_items WHERE kind = 'meta_model'",
        audience: Audience::Tenant,
    },
    Source {
        kind: SearchKind::BusinessData,
        actions: "business_data",
        select: "SELECT id, tenant_id, project_id, name, '' AS description, '[]' AS columns_json, draft_json AS more, '' AS owner, updated_at_ms AS at_ms FROM governed_items WHERE kind = 'business_data'",
        audience: Audience::Tenant,
    },
    Source {
        kind: SearchKind::Relation,
        actions: "relation",
        select: "SELECT id, tenant_id, project_id, name, '' AS description, '[]' AS columns_json, draft_json AS more, '' AS owner, updated_at_ms AS at_ms FROM governed_items WHERE kind = 'relation'",
        audience: Audience::Tenant,
    },
    Source {
        kind: SearchKind::QualityRule,
        actions: "quality_rule",
        select: "SELECT id, tenant_id, project_id, name, '' AS description, '[]' AS columns_json, draft_json AS more, '' AS owner, updated_at_ms AS at_ms FROM governed_items WHERE kind = 'quality_rule'",
        audience: Audience::Project,
    },
];

impl Store {
    /// Brings the catalog up to date with a change, before its transaction ends.
    pub(crate) async fn index_change(&self, tx: &mut Transaction, record: &Record<'_>) -> Result<(), StoreError> {
        let (first, rest) = record.action.split_once('.').unwrap_or((record.action, ""));
        if record.action == "job.submit" {
            return self.index_version(tx, record.object).await;
        }
        for source in SOURCES {
            if rest == "view" || !source.actions.split(' ').any(|action| action == first) {
                continue;
            }
            let select = source.select;
            let joint = if select.contains(" WHERE ") { "AND" } else { "WHERE" };
            // The text is made of constants.
            let found =
                sqlx::query(AssertSqlSafe(format!("{select} {joint} id = $1"))).bind(record.object).fetch_optional(&mut **tx).await?;
            match found {
                Some(found) => enter(tx, source, &found).await?,
                None => {
                    // What the row is about may be of another kind.
                    for text in [
                        "DELETE FROM search_words WHERE entry_id = $1 AND kind = $2",
                        "DELETE FROM search_entries WHERE id = $1 AND kind = $2",
                    ] {
                        sqlx::query(text).bind(record.object).bind(source.kind.as_str()).execute(&mut **tx).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes all entries anew: for what was there before the catalog was.
    pub(crate) async fn index_all(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        for source in SOURCES {
            let rows = sqlx::query(source.select).fetch_all(&mut **tx).await?;
            for found in &rows {
                enter(tx, source, found).await?;
            }
        }
        for version in sqlx::query("SELECT id FROM job_versions").fetch_all(&mut **tx).await? {
            self.index_version(tx, &row::text(&version, "id")?).await?;
        }
        Ok(())
    }
}

/// Whether a table is in force in some environment.
async fn published(tx: &mut Transaction, table: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT id FROM table_publications WHERE table_id = $1 AND retired_at_ms IS NULL LIMIT 1")
        .bind(table)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
}

/// Writes the entry of `found`, and its words unless they are there already.
async fn enter(tx: &mut Transaction, source: &Source, found: &AnyRow) -> Result<(), StoreError> {
    let (id, tenant, project) = (row::text(found, "id")?, row::text(found, "tenant_id")?, row::text_or_none(found, "project_id")?);
    let (name, description, owner) = (row::text(found, "name")?, row::text(found, "description")?, row::text(found, "owner")?);
    let columns: Schema = row::json(found, "columns_json")?;
    let columns: Vec<String> =
        columns.fields().iter().map(|f| format!("{} {}", f.name, f.comment.as_deref().unwrap_or_default())).collect();
    let columns = columns.join("\n").to_lowercase();
    let short = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    let name_key = name.to_lowercase();
    let other = format!("{}\n{}", description.to_lowercase(), row::text(found, "more")?.to_lowercase());
    let all = short(&format!("{name_key}\n{columns}\n{other}"), TEXT_CHARACTERS_MAX);
    let is_published = source.kind == SearchKind::Table && published(tx, &id).await?;
    let audience = match (owner.is_empty(), is_published) {
        (false, _) => Audience::Owner,
        // What is published is everybody's to find, so that its use can be asked for.
        (true, true) => Audience::Tenant,
        (true, false) => source.audience,
    };
    let before = sqlx::query("SELECT all_text FROM search_entries WHERE id = $1").bind(id.as_str()).fetch_optional(&mut **tx).await?;
    let has_words = before.map(|before| row::text(&before, "all_text")).transpose()?.is_some_and(|before| before == all);
    sqlx::query(
        "INSERT INTO search_entries (id, tenant_id, project_id, kind, audience, owner, name, description, all_text, updated_at_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET audience = excluded.audience, \
         owner = excluded.owner, name = excluded.name, description = excluded.description, all_text = excluded.all_text, \
         updated_at_ms = excluded.updated_at_ms",
    )
    .bind(id.as_str())
    .bind(tenant.as_str())
    .bind(project.as_deref())
    .bind(source.kind.as_str())
    .bind(audience.as_str())
    .bind(owner)
    .bind(name)
    .bind(short(&description, DESCRIPTION_CHARACTERS_MAX))
    .bind(all)
    .bind(row::integer(found, "at_ms")?)
    .execute(&mut **tx)
    .await?;
    if has_words {
        return Ok(());
    }
    sqlx::query("DELETE FROM search_words WHERE entry_id = $1").bind(id.as_str()).execute(&mut **tx).await?;
    let words: Vec<(i64, String)> = words_of(&name_key, &columns, &other).into_iter().collect();
    for some in words.chunks(WORDS_AT_ONCE) {
        let places: Vec<String> = (0..some.len()).map(|n| format!("($1, $2, $3, $4, ${}, ${})", 2 * n + 5, 2 * n + 6)).collect();
        let text = format!("INSERT INTO search_words (tenant_id, entry_id, kind, project_id, rank, word) VALUES {}", places.join(", "));
        // The text is made of constants and numbers.
        let mut insert =
            sqlx::query(AssertSqlSafe(text)).bind(tenant.as_str()).bind(id.as_str()).bind(source.kind.as_str()).bind(project.as_deref());
        for (rank, word) in some {
            insert = insert.bind(*rank).bind(word.as_str());
        }
        insert.execute(&mut **tx).await?;
    }
    Ok(())
}
