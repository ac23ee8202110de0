//! What waits for a decision when its project is archived.
//!
//! Invariant: nobody is asked to decide what can have no effect: an archived project cannot be entered, so what was asked
//! in it or for it ends with it.

use super::{approval, record};
use crate::{Cause, Store, StoreError, transaction::Transaction};
use millrace_domain::ProjectScope;
use serde_json::json;

impl Store {
    /// Ends every pending approval of the project, and of others for it; answers how many. Called before the project is
    /// locked: who decides locks the approval first and the project second.
    pub(crate) async fn expire_approvals_of(&self, tx: &mut Transaction, cause: &Cause, scope: &ProjectScope) -> Result<usize, StoreError> {
        let ended = sqlx::query(
            "UPDATE approvals SET state = 'expired', ended_at_ms = $3 \
             WHERE tenant_id = $1 AND state = 'pending' AND (project_id = $2 OR for_project_id = $2) RETURNING *",
        )
        .bind(scope.tenant.as_str())
        .bind(scope.project.as_str())
        .bind(self.now_ms())
        .fetch_all(&mut **tx)
        .await?;
        for found in &ended {
            let found = approval(found)?;
            self.note_step(tx, &found, "expire", cause, "the project was archived").await?;
            self.ended_unapproved(tx, cause, &found).await?;
            let detail = json!({"approval": found.id, "subject": found.subject_name, "reason": "the project was archived"});
            self.audit(tx, cause, record(&found, &format!("{}.expire", found.kind), detail)).await?;
        }
        Ok(ended.len())
    }
}
