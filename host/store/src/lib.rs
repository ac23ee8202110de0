//! The metadata of the control plane: the only SQL over it, one text for SQLite and PostgreSQL.
//!
//! Invariants: every function on tenant data takes the tenant (and project) it is limited to; every change writes its
//! audit row in the same transaction; a state is only ever changed by compare-and-set; secrets leave this crate in clear
//! only through [`Store::connection`] and [`Store::granted`]. SQL uses `$1` placeholders and TEXT, BIGINT and BLOB/BYTEA only.

mod admission;
mod approval;
mod audit;
mod binding;
mod blob;
mod build;
mod capability;
mod clock;
mod credential;
mod data_source;
mod database;
mod error;
mod folder;
mod function;
mod identity_provider;
mod instance;
mod instance_log;
mod instance_worker;
mod job;
mod job_lock;
mod job_version;
mod kept_draft;
mod key_rotation;
mod member;
mod page;
mod plugin;
mod project;
mod quota;
mod release;
mod resource;
mod row;
mod savepoint;
mod sealed;
mod service;
mod session;
mod table_access;
mod table_database;
mod table_grant;
mod table_publication;
mod temp_table;
mod template;
mod tenant;
#[cfg(test)]
mod tests;
mod token;
mod topic;
mod user;

pub use admission::Demand;
pub use approval::{Approval, ApprovalQuery, ApprovalReader, ApprovalStep, ApprovalView, Decision, NewApproval, SweptApprovals};
pub use audit::{AuditEntry, AuditQuery, Cause, Outcome};
pub use blob::{Content, ContentUse, PIECE_BYTES};
pub use build::{BUILDS_KEPT, Build, BuildEnding, BuildState, NewBuild};
pub use clock::{Clock, IdSource, SystemClock, TimeOrderedIds};
pub use credential::{AttemptSubject, Credential, account_of};
pub use data_source::{BindingTest, DataSource, DataSourceBinding, DataSourceChange, NewDataSource, SourceConnection};
pub use database::{Store, StoreOptions};
pub use error::StoreError;
pub use folder::Folder;
pub use function::{Function, FunctionChange, FunctionScope, FunctionVersion, NewFunctionVersion};
pub use identity_provider::{IdentityProvider, NewIdentityProvider, ProvisionedUser, SignInFlow};
pub use instance::{Instance, InstanceFilter, InstanceRequest, NewInstance, NewProduction, StartFrom};
pub use instance_log::{LogFilter, LogLine, NewLogLine};
pub use instance_worker::InstanceReport;
pub use job::{Job, JobChange, JobFilter, JobMove, NewJob};
pub use job_lock::{LOCK_ANSWER_MS, LOCK_LEASE_MS, LockRequest, UnsavedDraft};
pub use job_version::{JobVersion, NewJobVersion};
pub use kept_draft::{KEPT_DRAFTS_MAX, KeptDraft};
pub use key_rotation::{KeyState, KeyView, Rotation};
pub use member::{Member, Place};
pub use page::{Page, PageRequest};
pub use plugin::{NewPluginVersion, Plugin, PluginVersion};
pub use project::Project;
pub use quota::{Allowance, QuotaUse};
pub use release::{GoLive, NewRelease, Release, ReleaseFilter};
pub use resource::{NewResourceVersion, Resource, ResourceFilter, ResourceVersion};
pub use savepoint::{Savepoint, SavepointState};
pub use sealed::{KeyKeeper, NoKeeper, SecretKey};
pub use session::{NewSession, Session, SignedIn};
pub use table_access::{ForeignUses, RefusedUse, ResolvedTable, TableViewer, refusal_text};
pub use table_database::{Database, DatabaseChange, DatabasePublication, DatabasePublishRequest};
pub use table_grant::{GrantSource, GrantedTable, PermissionRequest, TableGrant};
pub use table_publication::{CatalogQuery, CatalogTable, TablePublication, TablePublishRequest};
pub use temp_table::{
    NewTempTable, TEMP_TABLE_SINK, TEMP_TABLE_SOURCE, TempTable, TempTableChange, TempTableSettings, TempTableUse, temp_tables_of,
};
pub use template::{NewTemplate, StoredTemplate, TemplateFilter, TemplateReader, TemplateVersion};
pub use tenant::Tenant;
pub use token::{IssuedToken, NewPersonalToken, NewToken, Token, TokenSecret};
pub use topic::{NewTopic, Topic, TopicChange};
pub use user::{NewUser, User, UserChange, UserFilter};
