//! Which other projects mean the same real topic: two that write into one by accident find each other's records.

use crate::{Store, StoreError, Topic, row};
use millrace_domain::ProjectScope;
use millrace_model::ids::{ProjectId, TenantId};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that are looked at; more are not named.
const ROWS_MAX: i64 = 100;
/// The property that says where a Kafka cluster is.
const BROKERS: &str = "bootstrap.servers";

/// A project that has a topic of the same physical name on the same brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSharer {
    /// Where it is.
    pub scope: ProjectScope,
    /// Name of the project.
    pub project: String,
    /// Name of the topic there.
    pub topic: String,
}

impl Store {
    /// The projects, of any tenant, that describe the same real topic: the same physical name behind a broker that both name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn topic_sharers(&self, of: &Topic) -> Result<Vec<TopicSharer>, StoreError> {
        let Some(source) = &of.data_source else { return Ok(Vec::new()) };
        let source = self.data_source(&of.scope, source.as_str()).await?;
        let own = brokers(&source.properties);
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT t.tenant_id, t.project_id, t.name, p.name AS project_name, d.properties FROM topics t \
             JOIN projects p ON p.id = t.project_id JOIN data_sources d ON d.id = t.data_source_id \
             WHERE t.physical_name = $1 AND t.project_id <> $2 AND p.archived_at_ms IS NULL ORDER BY t.id LIMIT $3",
        )
        .bind(of.physical_name.as_str())
        .bind(of.scope.project.as_str())
        .bind(ROWS_MAX)
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::new();
        for sharer in &rows {
            let properties: BTreeMap<String, String> = row::json(sharer, "properties")?;
            if !brokers(&properties).is_disjoint(&own) {
                let (tenant, project) = (row::text(sharer, "tenant_id")?, row::text(sharer, "project_id")?);
                found.push(TopicSharer {
                    scope: ProjectScope::new(TenantId::new(tenant), ProjectId::new(project)),
                    project: row::text(sharer, "project_name")?,
                    topic: row::text(sharer, "name")?,
                });
            }
        }
        Ok(found)
    }
}

fn brokers(properties: &BTreeMap<String, String>) -> BTreeSet<String> {
    let named = properties.get(BROKERS).map(String::as_str).unwrap_or_default();
    named.split(',').map(|broker| broker.trim().to_ascii_lowercase()).filter(|broker| !broker.is_empty()).collect()
}
