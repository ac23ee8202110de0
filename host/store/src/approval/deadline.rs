//! Deadlines and reminders of approvals.
//!
//! Invariant: the sweep changes each approval by compare-and-set, so any number of servers may sweep at the same time.

use super::{approval, record};
use crate::{Cause, Store, StoreError};
use millrace_domain::ApprovalState;
use serde_json::json;

/// Approvals that one sweep takes at most; the next one goes on.
const SWEPT_MAX: i64 = 100;

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweptApprovals {
    /// Expired now.
    pub expired: u64,
    /// Deciders reminded now.
    pub reminded: u64,
}

impl Store {
    /// Expires approvals whose deadline has passed, and notes reminders for those whose time is half over. Called by the
    /// reconciler from time to time.
    ///
    /// # Errors
    /// The database fails; what was done before stays done.
    pub async fn sweep_approvals(&self) -> Result<SweptApprovals, StoreError> {
        let mut swept = SweptApprovals::default();
        let due = "SELECT id FROM approvals WHERE state = 'pending' AND due_at_ms <= $1 ORDER BY id LIMIT $2";
        let expire = "UPDATE approvals SET state = 'expired', ended_at_ms = $2 \
                      WHERE id = $1 AND state = 'pending' AND due_at_ms <= $2 RETURNING *";
        swept.expired = self.sweep(due, expire, ApprovalState::Expired).await?;
        let half =
            "SELECT id FROM approvals WHERE state = 'pending' AND reminded_at_ms IS NULL AND remind_at_ms <= $1 ORDER BY id LIMIT $2";
        let remind = "UPDATE approvals SET reminded_at_ms = $2 \
                      WHERE id = $1 AND state = 'pending' AND reminded_at_ms IS NULL AND remind_at_ms <= $2 RETURNING *";
        swept.reminded = self.sweep(half, remind, ApprovalState::Pending).await?;
        Ok(swept)
    }

    async fn sweep(&self, find: &'static str, change: &'static str, into: ApprovalState) -> Result<u64, StoreError> {
        let now_ms = self.now_ms();
        let found = sqlx::query(find).bind(now_ms).bind(SWEPT_MAX).fetch_all(&self.pool).await?;
        let (cause, mut changed) = (Cause::system("deadlines"), 0);
        for id in found {
            let mut tx = self.begin().await?;
            let id = crate::row::text(&id, "id")?;
            let Some(found) = sqlx::query(change).bind(id).bind(now_ms).fetch_optional(&mut *tx).await? else { continue };
            let found = approval(&found)?;
            let event = if into == ApprovalState::Expired { "expire" } else { "remind" };
            self.note_step(&mut tx, &found, event, &cause, "").await?;
            if into == ApprovalState::Expired {
                self.ended_unapproved(&mut tx, &cause, &found).await?;
                let action = format!("{}.expire", found.kind);
                self.audit(&mut tx, &cause, record(&found, &action, json!({"approval": found.id, "subject": found.subject_name}))).await?;
            }
            tx.commit().await?;
            changed += 1;
        }
        Ok(changed)
    }
}
