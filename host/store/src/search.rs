//! Catalog search: one row per thing that can be found, its words, and the query over them.
//!
//! The first word of a query finds by the beginnings of words, rank by rank, until a page is full; the other words are looked for
//! anywhere in what is found so. So a page costs what is on it, however much the tenant has.
//! Invariant: every change writes its audit row, and the audit row of a change brings the entry of what was changed up to
//! date in the same transaction (see [`Store::index_change`]), so the catalog never lags behind.

mod index;

use crate::{Page, PageRequest, Store, StoreError, row};
use millrace_domain::search::{RANKS, SearchKind, SearchWords, Sight};
use millrace_model::ids::TenantId;
use sqlx::{AssertSqlSafe, any::AnyRow};
use std::collections::BTreeSet;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: SearchKind,
    /// Its name.
    pub name: String,
    /// What is said of it, shortened.
    pub description: String,
    /// Id and name of its project; none for what belongs to the tenant.
    pub project: Option<(String, String)>,
    /// How well it fits: 0 the name itself, 1 the name begins so, 2 it is in the name, 3 a word of a column begins so, 4 a
    /// word of a description.
    pub rank: i64,
    /// Last changed at, in milliseconds since the epoch.
    pub updated_at_ms: i64,
}

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// Words; all of them must be in what is found.
    pub text: String,
    /// Only this kind.
    pub kind: Option<SearchKind>,
    /// Only in the project with this id.
    pub project: Option<String>,
}

/// Where a page begins: behind this word of this rank and this entry.
struct Place {
    rank: i64,
    word: String,
    entry: String,
}

impl Place {
    fn of(cursor: Option<&str>) -> Result<Self, StoreError> {
        let Some(cursor) = cursor else { return Ok(Self { rank: 0, word: String::new(), entry: String::new() }) };
        let mut parts = cursor.splitn(3, '.');
        let (rank, word, entry) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_ours = word.bytes().all(|b| b.is_ascii_hexdigit()) && millrace_domain::name::looks_like_id(entry);
        let rank = rank.parse().ok().filter(|rank| is_ours && RANKS.contains(rank)).ok_or(StoreError::Invalid {
            field: "cursor",
            message: "is not one that this server gave; leave it out for the first page".into(),
        })?;
        Ok(Self { rank, word: word.to_owned(), entry: entry.to_owned() })
    }
}

impl Store {
    /// What `sight` may find in the tenant, best first. The cursor of a page is a place in this order.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn search(
        &self,
        tenant: &TenantId,
        sight: &Sight,
        query: &SearchQuery,
        page: &PageRequest,
    ) -> Result<Page<Found>, StoreError> {
        let after = Place::of(page.cursor.as_deref())?;
        let words = SearchWords::of(&query.text);
        let exact = words.range().0;
        let (mut items, mut places): (Vec<Found>, Vec<String>) = (Vec::new(), Vec::new());
        for rank in RANKS {
            let missing = page.rows() - items.len() as i64;
            // Everything has a name: without a word nothing is left for the other ranks.
            if rank < after.rank || missing <= 0 || (rank > 1 && exact.is_empty()) {
                continue;
            }
            for row in self.search_rank(tenant, sight, query, &words, (rank, &after), missing).await? {
                let mut found = found(&row)?;
                let word = row::text(&row, "word")?;
                places.push(format!("{rank}.{word}.{}", found.id));
                found.rank = if rank == 1 && word == exact { 0 } else { rank };
                items.push(found);
            }
        }
        let mut answer = page.page(items, |f: &Found| &f.id);
        let last = answer.items.len().checked_sub(1).and_then(|last| places.get(last)).cloned();
        answer.next_cursor = answer.next_cursor.and(last);
        Ok(answer)
    }

    /// What is found with one rank, and with no better one.
    async fn search_rank(
        &self,
        tenant: &TenantId,
        sight: &Sight,
        query: &SearchQuery,
        words: &SearchWords,
        (rank, after): (i64, &Place),
        limit: i64,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let (from, to) = words.range();
        // One lower bound for the words: with the cursor as a condition of its own SQLite takes that for the beginning of the
        // range, which is no bound at all on a first page.
        let (begin, entry) = match after.rank == rank {
            true => (after.word.as_str().max(&from), after.entry.as_str()),
            false => (from.as_str(), ""),
        };
        // Words of one project are a range of an index of their own.
        let place = if query.project.is_some() { "w.project_id = $9 AND" } else { "" };
        let text = format!(
            "SELECT w.word, e.id, e.kind, e.name, e.description, e.project_id, p.name AS project_name, e.updated_at_ms \
             FROM search_words w JOIN search_entries e ON e.id = w.entry_id LEFT JOIN projects p ON p.id = e.project_id \
             WHERE {place} w.tenant_id = $1 AND w.rank = $2 AND w.word >= $16 AND w.word < $4 AND ($8 = '' OR w.kind = $8) \
             AND NOT (w.word = $16 AND w.entry_id <= $17) \
             AND NOT EXISTS (SELECT 1 FROM search_words b WHERE b.entry_id = w.entry_id AND b.word >= $3 AND b.word < $4 \
             AND (b.rank < w.rank OR (b.rank = w.rank AND b.word < w.word))) \
             AND ($5 = '%' OR e.all_text LIKE $5 ESCAPE '\\') AND ($6 = '%' OR e.all_text LIKE $6 ESCAPE '\\') \
             AND ($7 = '%' OR e.all_text LIKE $7 ESCAPE '\\') AND ($9 = '' OR e.project_id = $9) AND p.archived_at_ms IS NULL \
             AND (e.audience = 'tenant' OR (e.audience = 'owner' AND e.owner = $10) \
             OR (e.audience = 'project' AND ($11 = 1 OR $12 LIKE '%,' || e.project_id || ',%')) \
             OR (e.audience = 'workers' AND ($13 = 1 OR (e.project_id IS NULL AND $14 = 1) OR $15 LIKE '%,' || e.project_id || ',%'))) \
             ORDER BY w.word, w.entry_id LIMIT $18",
        );
        // The text is one of two.
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(tenant.as_str())
            .bind(rank)
            .bind(from.as_str())
            .bind(to)
            .bind(words.anywhere[0].as_str())
            .bind(words.anywhere[1].as_str())
            .bind(words.anywhere[2].as_str())
            .bind(query.kind.map_or("", SearchKind::as_str))
            .bind(query.project.as_deref().unwrap_or_default())
            .bind(sight.user.as_str())
            .bind(i64::from(sight.sees_all))
            .bind(listed(&sight.seen))
            .bind(i64::from(sight.works_everywhere))
            .bind(i64::from(sight.works_somewhere))
            .bind(listed(&sight.worked))
            .bind(begin)
            .bind(entry)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }
}

/// Ids in one text, each between commas.
fn listed(ids: &BTreeSet<String>) -> String {
    format!(",{},", ids.iter().cloned().collect::<Vec<_>>().join(","))
}

fn found(row: &AnyRow) -> Result<Found, StoreError> {
    let project = row::text_or_none(row, "project_id")?.zip(row::text_or_none(row, "project_name")?);
    Ok(Found {
        id: row::text(row, "id")?,
        kind: row::word(row, "kind")?,
        name: row::text(row, "name")?,
        description: row::text(row, "description")?,
        project,
        rank: 0,
        updated_at_ms: row::integer(row, "updated_at_ms")?,
    })
}
