//! Published quality rules as jobs take them, and what they have counted.
//!
//! Invariant: a row of results belongs to one execution of an instance and only grows; sums are over executions.

use crate::{Store, StoreError, row};
use millrace_domain::{Environment, ProjectScope, quality::QualityRule};
use millrace_model::ids::{InstanceId, TenantId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

/// A rule that is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRule {
    /// Id of the rule.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Number of the published version.
    pub version: i64,
    /// Id of the table.
    pub table: String,
    /// The rule.
    pub rule: QualityRule,
}

/// What an execution has counted for a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityCount {
    /// Id of the rule.
    pub rule: String,
    /// Number of its version.
    pub version: i64,
    /// The node that checks.
    pub node: String,
    /// Rows that were checked, in this execution so far.
    pub checked: i64,
    /// Rows that broke it.
    pub violated: i64,
    /// Of these: marked.
    pub marked: i64,
    /// Of these: diverted.
    pub diverted: i64,
    /// Some of the last rows that broke it, as JSON texts.
    pub samples: Vec<String>,
}

/// A stored result.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityResult {
    /// What was counted.
    pub count: QualityCount,
    /// The instance.
    pub instance: String,
    /// Where it runs.
    pub environment: Environment,
    /// Id and name of its job.
    pub job: (String, String),
    /// First and last count, in milliseconds since the epoch.
    pub first_at_ms: i64,
    /// When it was counted last.
    pub last_at_ms: i64,
}

impl Store {
    /// The rules in force for the tables of a project, by the table's name: `clicks`, or `project.clicks`.
    ///
    /// # Errors
    /// The database fails.
    pub async fn rules_of_table(&self, scope: &ProjectScope, table: &str) -> Result<Vec<PublishedRule>, StoreError> {
        let (project, name) = table.split_once('.').unwrap_or((scope.project.as_str(), table));
        let rows = sqlx::query(
            "SELECT g.id, g.name, g.published_version, g.parent_id, g.published_json FROM governed_items g \
             JOIN topics t ON t.id = g.parent_id JOIN projects p ON p.id = t.project_id \
             WHERE g.tenant_id = $1 AND g.kind = 'quality_rule' AND g.published_json IS NOT NULL \
             AND (p.id = $2 OR p.name = $2) AND (t.name = $3 OR t.id = $3) ORDER BY g.name LIMIT 50",
        )
        .bind(scope.tenant.as_str())
        .bind(project)
        .bind(name)
        .fetch_all(&self.pool)
        .await?;
        let rules = rows.iter().map(|found| {
            Ok(PublishedRule {
                id: row::text(found, "id")?,
                name: row::text(found, "name")?,
                version: row::integer(found, "published_version")?,
                table: row::text(found, "parent_id")?,
                rule: row::json(found, "published_json")?,
            })
        });
        Ok(rules.collect::<Result<Vec<_>, StoreError>>()?.into_iter().filter(|r| r.rule.enabled).collect())
    }

    /// Whether there is a published rule of this id in the project.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_published_rule(&self, scope: &ProjectScope, rule: &str) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT id FROM governed_items WHERE tenant_id = $1 AND project_id = $2 AND id = $3 AND kind = 'quality_rule' \
             AND published_json IS NOT NULL",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(rule)
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    /// Notes what an execution of an instance has counted; `execution` tells executions apart.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_quality(
        &self,
        scope: &ProjectScope,
        instance: &InstanceId,
        execution: i64,
        counts: &[QualityCount],
    ) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for count in counts {
            sqlx::query(
                "INSERT INTO quality_results (tenant_id, project_id, rule_id, rule_version, instance_id, node, run, checked, violated, \
                 marked, diverted, samples_json, first_at_ms, last_at_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) \
                 ON CONFLICT (rule_id, instance_id, node, run) DO UPDATE SET checked = excluded.checked, violated = excluded.violated, \
                 marked = excluded.marked, diverted = excluded.diverted, samples_json = excluded.samples_json, last_at_ms = excluded.last_at_ms",
            )
            .bind(scope.tenant.as_str())
            .bind(scope.project.as_str())
            .bind(count.rule.as_str())
            .bind(count.version)
            .bind(instance.as_str())
            .bind(count.node.as_str())
            .bind(execution)
            .bind(count.checked)
            .bind(count.violated)
            .bind(count.marked)
            .bind(count.diverted)
            .bind(json!(count.samples).to_string())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What a rule has counted, the last counts first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn quality_results(&self, tenant: &TenantId, rule: &str, limit: i64) -> Result<Vec<QualityResult>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.*, i.kind AS environment, j.id AS job_id, j.name AS job_name FROM quality_results r JOIN instances i ON i.id = r.instance_id \
             JOIN jobs j ON j.id = i.job_id WHERE r.tenant_id = $1 AND r.rule_id = $2 ORDER BY r.last_at_ms DESC, r.run DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(rule)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(result).collect()
    }
}

fn result(found: &AnyRow) -> Result<QualityResult, StoreError> {
    let samples: Value = row::json(found, "samples_json")?;
    let samples = samples.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(QualityResult {
        count: QualityCount {
            rule: row::text(found, "rule_id")?,
            version: row::integer(found, "rule_version")?,
            node: row::text(found, "node")?,
            checked: row::integer(found, "checked")?,
            violated: row::integer(found, "violated")?,
            marked: row::integer(found, "marked")?,
            diverted: row::integer(found, "diverted")?,
            samples,
        },
        instance: row::text(found, "instance_id")?,
        environment: row::word(found, "environment")?,
        job: (row::text(found, "job_id")?, row::text(found, "job_name")?),
        first_at_ms: row::integer(found, "first_at_ms")?,
        last_at_ms: row::integer(found, "last_at_ms")?,
    })
}
