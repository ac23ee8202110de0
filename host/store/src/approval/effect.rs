//! What an approval does when it is approved: one line per kind.
//!
//! Invariant: an effect changes the metadata through the transaction of its decision and nothing else; if it is not possible
//! any more it says why, and the request stays pending.

use super::Approval;
use crate::{Cause, Store, StoreError, transaction::Transaction};
use millrace_domain::ApprovalKind;
use serde_json::Value;

impl Store {
    /// Does what `approval` asks for; answers what it has made.
    pub(super) async fn apply(&self, tx: &mut Transaction, cause: &Cause, approval: &Approval) -> Result<Value, StoreError> {
        match approval.kind {
            ApprovalKind::DatabasePublish => self.publish_database_approved(tx, cause, approval).await,
            ApprovalKind::TablePublish => self.publish_table_approved(tx, cause, approval).await,
            ApprovalKind::TablePermission => self.permit_table_approved(tx, cause, approval).await,
            ApprovalKind::JobRelease => self.publish_release(tx, cause, approval).await,
            ApprovalKind::MetaModel | ApprovalKind::BusinessData | ApprovalKind::Relation | ApprovalKind::QualityRule => {
                self.publication_approved(tx, cause, approval).await
            }
        }
    }

    /// Notes with the thing that a request about it ended without being approved, for kinds whose things show it.
    pub(super) async fn ended_unapproved(&self, tx: &mut Transaction, cause: &Cause, approval: &Approval) -> Result<(), StoreError> {
        match approval.kind {
            ApprovalKind::DatabasePublish | ApprovalKind::TablePublish | ApprovalKind::TablePermission => Ok(()),
            ApprovalKind::JobRelease => self.end_release_request(tx, cause, approval).await,
            // What is in approval is told by the pending request itself.
            ApprovalKind::MetaModel | ApprovalKind::BusinessData | ApprovalKind::Relation | ApprovalKind::QualityRule => Ok(()),
        }
    }
}
