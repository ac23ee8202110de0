//! The one inbox: which approvals concern a reader.
//!
//! Invariant: a reader finds what they have asked for, what they decide or have decided, and what belongs to projects where
//! they have a role; nothing else.

use super::{Approval, approval};
use crate::{Page, PageRequest, Store, StoreError, row};
use millrace_domain::{Action, ApprovalKind, ApprovalState, Environment, Principal, Scope, action::permits};
use millrace_model::ids::{ProjectId, TenantId};
use std::collections::BTreeSet;

/// Why an approval is in somebody's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalView {
    /// Pending, and theirs to decide.
    WaitingForMe,
    /// They have decided it.
    DecidedByMe,
    /// They have asked for it.
    RequestedByMe,
    /// They may see it for any reason.
    Visible,
}

impl ApprovalView {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForMe => "waiting",
            Self::DecidedByMe => "decided",
            Self::RequestedByMe => "requested",
            Self::Visible => "visible",
        }
    }
}

/// Who reads an inbox. The lists are texts of `|`-separated entries, which one SQL text can search.
#[derive(Debug, Clone)]
pub struct ApprovalReader {
    user: String,
    /// The person behind the user: what their machines ask for is theirs, and not theirs to decide.
    person: String,
    is_tenant_wide: bool,
    decides_everywhere: String,
    decides_in_projects: String,
    projects: String,
}

impl ApprovalReader {
    /// The principal as a reader of the inbox of `tenant`. Roles count, not what the presented token is limited to: what
    /// waits for somebody does not depend on how they look.
    pub fn of(principal: &Principal, tenant: &TenantId) -> Self {
        let place = Scope::Tenant(tenant.clone());
        let actions: BTreeSet<Action> = ApprovalKind::ALL.iter().map(|kind| kind.decided_with()).collect();
        let (mut everywhere, mut within, mut projects) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut is_tenant_wide = false;
        for grant in &principal.grants {
            let covers = grant.scope.covers(&place);
            is_tenant_wide |= covers;
            let project = grant.scope.project().filter(|_| place.covers(&grant.scope));
            projects.extend(project.map(|p| p.as_str().to_owned()));
            for action in actions.iter().filter(|action| permits(grant.role, **action)) {
                match (covers, project) {
                    (true, _) => everywhere.insert(action.as_str().to_owned()),
                    (false, Some(project)) => within.insert(format!("{action}@{project}")),
                    (false, None) => false,
                };
            }
        }
        Self {
            user: principal.user.clone(),
            person: principal.person().to_owned(),
            is_tenant_wide,
            decides_everywhere: entries(everywhere),
            decides_in_projects: entries(within),
            projects: entries(projects),
        }
    }
}

fn entries(of: BTreeSet<String>) -> String {
    of.into_iter().map(|entry| format!("|{entry}|")).collect()
}

/// Which approvals; what is none does not limit.
#[derive(Debug, Clone, Default)]
pub struct ApprovalQuery {
    /// Of this kind.
    pub kind: Option<ApprovalKind>,
    /// In this state.
    pub state: Option<ApprovalState>,
    /// Ended or not.
    pub is_open: Option<bool>,
    /// About this environment.
    pub environment: Option<Environment>,
    /// Decided in this project, or asked on its behalf.
    pub project: Option<ProjectId>,
    /// About the thing of this id.
    pub subject: Option<String>,
    /// Its deciders were reminded, because half of its time is over, or were not.
    pub is_reminded: Option<bool>,
    /// Ended at this time or later, in milliseconds since the epoch.
    pub ended_since_ms: Option<i64>,
}

/// An entry is in a list when taking it away changes the list: the one way that both databases know.
const MATCHING: &str = "tenant_id = $1 \
     AND (($2 = 'requested' AND (applicant = $3 OR applicant_person = $15)) \
       OR ($2 = 'decided' AND decided_by = $3) \
       OR ($2 = 'waiting' AND state = 'pending' AND due_at_ms > $4 AND applicant <> $3 AND applicant_person <> $15 \
           AND (REPLACE($5, '|' || decided_with || '|', '') <> $5 \
             OR REPLACE($6, '|' || decided_with || '@' || COALESCE(project_id, '') || '|', '') <> $6)) \
       OR ($2 = 'visible' AND (applicant = $3 OR applicant_person = $15 OR decided_by = $3 OR $7 = 1 \
           OR REPLACE($8, '|' || COALESCE(project_id, '') || '|', '') <> $8 \
           OR REPLACE($8, '|' || COALESCE(for_project_id, '') || '|', '') <> $8 \
           OR REPLACE($5, '|' || decided_with || '|', '') <> $5))) \
     AND ($9 = '' OR kind = $9) AND ($10 = '' OR state = $10) AND ($11 = '' OR environment = $11) \
     AND ($12 = '' OR project_id = $12 OR for_project_id = $12) AND ($13 = '' OR subject = $13) \
     AND ($14 = -1 OR ($14 = 1 AND state = 'pending') OR ($14 = 0 AND state <> 'pending')) \
     AND ($16 = -1 OR ($16 = 1 AND reminded_at_ms IS NOT NULL) OR ($16 = 0 AND reminded_at_ms IS NULL)) \
     AND ($17 = 0 OR ended_at_ms >= $17)";

impl Store {
    /// The approvals of a view, newest first.
    ///
    /// # Errors
    /// A wrong cursor, or the database fails.
    pub async fn approvals(
        &self,
        tenant: &TenantId,
        reader: &ApprovalReader,
        view: ApprovalView,
        query: &ApprovalQuery,
        page: &PageRequest,
    ) -> Result<Page<Approval>, StoreError> {
        let text = format!("SELECT * FROM approvals WHERE {MATCHING} AND id < $18 ORDER BY id DESC LIMIT $19");
        let rows = self
            .matching(sqlx::AssertSqlSafe(text), tenant, reader, view, query)
            .bind(page.before()?.to_owned())
            .bind(page.rows())
            .fetch_all(&self.pool)
            .await?;
        let found = rows.iter().map(approval).collect::<Result<_, _>>()?;
        Ok(page.page(found, |a: &Approval| a.id.as_str()))
    }

    /// How many approvals a view has: for the badge of the inbox.
    ///
    /// # Errors
    /// The database fails.
    pub async fn count_approvals(
        &self,
        tenant: &TenantId,
        reader: &ApprovalReader,
        view: ApprovalView,
        query: &ApprovalQuery,
    ) -> Result<i64, StoreError> {
        let text = format!("SELECT COUNT(*) AS n FROM approvals WHERE {MATCHING}");
        let counted = self.matching(sqlx::AssertSqlSafe(text), tenant, reader, view, query).fetch_one(&self.pool).await?;
        row::integer(&counted, "n")
    }

    /// Whether the reader may see this approval.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sees_approval(&self, tenant: &TenantId, reader: &ApprovalReader, id: &Approval) -> Result<bool, StoreError> {
        let text = format!("SELECT COUNT(*) AS n FROM approvals WHERE {MATCHING} AND id = $18");
        let any = ApprovalQuery::default();
        let counted = self
            .matching(sqlx::AssertSqlSafe(text), tenant, reader, ApprovalView::Visible, &any)
            .bind(id.id.as_str().to_owned())
            .fetch_one(&self.pool)
            .await?;
        Ok(row::integer(&counted, "n")? > 0)
    }

    /// Binds what [`MATCHING`] asks for. The text is made of constants only.
    fn matching<'q>(
        &self,
        text: sqlx::AssertSqlSafe<String>,
        tenant: &TenantId,
        reader: &ApprovalReader,
        view: ApprovalView,
        query: &ApprovalQuery,
    ) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
        let word = |word: Option<&'static str>| word.unwrap_or_default();
        sqlx::query(text)
            .bind(tenant.as_str().to_owned())
            .bind(view.as_str())
            .bind(reader.user.clone())
            .bind(self.now_ms())
            .bind(reader.decides_everywhere.clone())
            .bind(reader.decides_in_projects.clone())
            .bind(i64::from(reader.is_tenant_wide))
            .bind(reader.projects.clone())
            .bind(word(query.kind.map(ApprovalKind::as_str)))
            .bind(word(query.state.map(ApprovalState::as_str)))
            .bind(word(query.environment.map(Environment::as_str)))
            .bind(query.project.as_ref().map_or_else(String::new, |p| p.as_str().to_owned()))
            .bind(query.subject.clone().unwrap_or_default())
            .bind(query.is_open.map_or(-1, i64::from))
            .bind(reader.person.clone())
            .bind(query.is_reminded.map_or(-1, i64::from))
            .bind(query.ended_since_ms.unwrap_or(0))
    }
}
