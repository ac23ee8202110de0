//! One suite of cases, run on SQLite and on a real PostgreSQL: the SQL has one text, so it must have one meaning.

mod cases_admission;
mod cases_approval;
mod cases_build;
mod cases_capability;
mod cases_definition;
mod cases_function;
mod cases_governance;
mod cases_instance;
mod cases_job_life;
mod cases_machines;
mod cases_people;
mod cases_presentation;
mod cases_races;
mod cases_resource;
mod cases_source;
mod cases_table;
mod cases_temp_table;
mod cases_template;
mod cases_tenancy;

use crate::{Cause, Clock, SecretKey, Store, StoreOptions};
use millrace_domain::{Name, ProjectScope};
use millrace_test_servers::PostgresServer;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// Connections of the stores of these tests.
const CONNECTIONS_MAX: u32 = 4;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(super) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An empty store and its clock.
pub(super) struct Fixture {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Fixture {
    async fn open(url: String, folder: Option<tempfile::TempDir>) -> Self {
        let clock = Arc::new(ManualClock(AtomicI64::new(1_000_000)));
        let store = open(&url, clock.clone()).await;
        Self { store, clock, url, _folder: folder }
    }

    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(format!("sqlite://{}", folder.path().join("meta.db").display()), Some(folder)).await
    }

    /// How large an SQLite database may become, on each connection that there may be.
    async fn limit_pages(&self, pages: u32) {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            connections.push(self.store.pool.acquire().await.unwrap());
        }
        for connection in &mut connections {
            let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(pragma).execute(&mut **connection).await.unwrap();
        }
    }

    /// Opens the same database once more, as another node or a restarted process would.
    pub async fn reopen(&self) -> Store {
        open(&self.url, self.clock.clone()).await
    }

    pub fn advance(&self, by_ms: i64) {
        self.clock.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// A tenant with a project.
    pub async fn project(&self, tenant: &str, project: &str) -> ProjectScope {
        let tenant = match self.store.tenant(tenant).await {
            Ok(found) => found,
            Err(_) => self.store.create_tenant(&ann(), &name(tenant), "").await.unwrap(),
        };
        self.store.create_project(&ann(), &tenant.id, &name(project), "").await.unwrap().scope
    }
}

async fn open(url: &str, clock: Arc<ManualClock>) -> Store {
    let mut options = StoreOptions::new(url, SecretKey::new(&[1; 32]));
    options.clock = clock;
    options.connections_max = CONNECTIONS_MAX;
    Store::open(options).await.unwrap()
}

pub(super) fn ann() -> Cause {
    Cause { actor: "usr_ann".into(), actor_name: "ann".into(), request_id: Some("req_1".into()) }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A case on the heap, made in a frame of its own: the states of all cases together are more than a thread's stack holds.
#[inline(never)]
fn on_the_heap<F: Future<Output = ()> + 'static>(case: impl FnOnce(Fixture) -> F, fixture: Fixture) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(case(fixture))
}

macro_rules! on_both_databases {
    ($($module:ident::$case:ident,)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$module::$case(super::Fixture::sqlite().await).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_passes_the_same_suite() {
            let server = PostgresServer::start().unwrap();
            $(
                let fixture = Fixture::open(server.create_database(stringify!($case)).unwrap(), None).await;
                let store = fixture.store.clone();
                on_the_heap($module::$case, fixture).await;
                store.close().await;
                println!("passed on PostgreSQL: {}", stringify!($case));
            )+
        }
    };
}

on_both_databases! {
    cases_approval::an_approval_is_decided_once_with_its_effect,
    cases_approval::nobody_decides_their_own_request,
    cases_approval::two_servers_decide_once,
    cases_approval::the_inbox_shows_what_concerns_the_reader,
    cases_approval::deadlines_pass_and_reminders_come_once,
    cases_approval::an_effect_that_is_not_possible_leaves_the_request_pending,
    cases_table::published_states_are_snapshots,
    cases_table::databases_are_published_before_their_tables,
    cases_table::tables_of_other_projects_need_permission,
    cases_table::an_application_for_project_and_person_is_two_requests,
    cases_table::instances_start_with_permission_only,
    cases_table::what_was_given_to_a_person_ends_with_them,
    cases_table::what_keeps_a_version_from_production,
    cases_table::the_catalog_shows_what_is_in_an_environment,
    cases_capability::grants_stay_within_the_tenant_and_secrets_sealed,
    cases_tenancy::names_are_unique_among_siblings,
    cases_tenancy::a_tenant_never_sees_anothers_data,
    cases_tenancy::pages_are_complete_and_newest_first,
    cases_tenancy::tokens_sign_in_until_they_end,
    cases_tenancy::the_administrators_token_is_made_once,
    cases_tenancy::archiving_stops_instances_and_closes_the_project,
    cases_tenancy::changes_and_refusals_are_in_the_audit_log,
    cases_tenancy::opening_twice_migrates_once,
    cases_definition::secrets_are_sealed_and_redacted,
    cases_definition::a_data_source_in_use_stays,
    cases_definition::topics_change_by_revision,
    cases_definition::uploading_the_same_component_again_adds_nothing,
    cases_definition::a_plugin_that_nobody_uses_goes_with_its_contents,
    cases_definition::drafts_are_never_overwritten_unseen,
    cases_definition::versions_are_numbered_and_immutable,
    cases_build::a_build_ends_once,
    cases_build::builds_are_reused_within_their_project_only,
    cases_build::old_builds_make_room,
    cases_build::what_builds_made_is_kept_once_counted_and_let_go,
    cases_source::each_environment_has_its_own_way,
    cases_source::a_production_secret_opens_nowhere_else,
    cases_source::tests_of_bindings_are_kept,
    cases_source::a_rotation_leaves_nothing_to_the_old_key,
    cases_source::a_rotation_can_stop_anywhere,
    cases_source::other_servers_learn_of_the_new_key,
    cases_source::what_cannot_be_opened_keeps_the_old_key,
    cases_resource::contents_are_kept_once_in_pieces,
    cases_resource::resources_are_filtered_and_keep_their_kind,
    cases_resource::a_quota_says_what_was_wanted,
    cases_resource::a_resource_in_use_stays_and_its_users_are_named,
    cases_function::a_projects_function_hides_the_tenants,
    cases_function::functions_have_versions_and_revisions,
    cases_function::versions_of_functions_are_uploads,
    cases_function::what_a_jobs_version_has_pinned_stays,
    cases_presentation::what_is_shown_comes_and_goes_with_its_versions,
    cases_presentation::functions_show_what_they_were_given,
    cases_temp_table::a_temp_table_that_is_read_stays,
    cases_temp_table::other_projects_read_a_temp_table_with_permission,
    cases_template::a_private_template_is_its_owners,
    cases_template::templates_have_versions,
    cases_governance::what_is_changed_is_found_at_once,
    cases_governance::nobody_finds_what_is_not_theirs,
    cases_governance::lineage_follows_submitted_versions,
    cases_governance::what_is_published_was_approved,
    cases_governance::categories_are_a_tree,
    cases_governance::tags_lie_on_things_and_columns,
    cases_governance::quality_counts_are_kept_by_execution,
    cases_instance::an_instance_lives_its_life,
    cases_instance::an_instance_that_does_not_run_can_go,
    cases_instance::only_one_worker_owns_an_instance,
    cases_instance::a_fenced_worker_changes_nothing,
    cases_instance::requests_at_the_same_time_are_serialized,
    cases_instance::savepoints_belong_to_their_project,
    cases_job_life::only_the_holder_of_the_lock_saves,
    cases_job_life::a_lock_runs_out_and_its_draft_stays,
    cases_job_life::folders_are_a_tree_that_moves_as_a_whole,
    cases_job_life::a_release_goes_live_and_a_newer_one_takes_its_place,
    cases_job_life::what_waits_for_a_decision_ends_with_its_project,
    cases_job_life::log_lines_are_filtered_followed_and_bounded,
    cases_job_life::savepoints_go_and_restart_policies_stay,
    cases_people::users_are_found_changed_and_removed,
    cases_people::the_last_administrator_stays,
    cases_people::sessions_end,
    cases_people::guessing_is_slowed_down,
    cases_people::a_reset_lets_a_locked_account_in,
    cases_people::a_persons_token_follows_the_person,
    cases_people::identities_belong_to_one_provider,
    cases_people::the_log_is_searched_by_time_and_kind,
    cases_machines::a_machine_does_not_decide_for_its_maker,
    cases_machines::machines_end_with_whoever_made_them,
    cases_machines::a_worker_has_one_administrators_token,
    cases_machines::another_server_of_the_same_name_is_seen,
    cases_machines::an_account_is_made_whole,
    cases_races::archiving_stops_what_begins_to_run,
    cases_races::a_savepoint_stays_that_a_start_begins_from,
    cases_races::savepoints_are_asked_for_and_taken_once,
    cases_admission::what_is_full_says_so,
    cases_admission::instances_take_slots_while_they_are_active,
    cases_admission::an_archived_project_gives_its_place_back,
    cases_admission::services_are_removed_when_nothing_runs,
}

/// A full disk ends what is being written and nothing else: once there is room again all goes on, without a restart.
#[tokio::test]
async fn a_full_disk_leaves_no_connection_broken() {
    let fixture = Fixture::sqlite().await;
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    fixture.limit_pages(1).await;
    let long = "x".repeat(64 * 1024);
    for attempt in 0..2 * CONNECTIONS_MAX {
        // A connection that replaces a broken one knows no limit.
        fixture.limit_pages(1).await;
        let refused = store.create_project(&ann(), &scope.tenant, &name(&format!("p{attempt}")), &long).await.unwrap_err();
        assert!(refused.is_disk_full(), "attempt {attempt}: {refused}");
    }
    fixture.limit_pages(1).await;
    assert_eq!(store.writable().await, crate::Writable::DiskFull);
    assert_eq!(store.tenant("acme").await.unwrap().name, name("acme"), "it can be read all the time");
    fixture.limit_pages(1 << 20).await;
    for attempt in 0..2 * CONNECTIONS_MAX {
        store.create_project(&ann(), &scope.tenant, &name(&format!("p{attempt}")), &long).await.unwrap();
    }
    assert_eq!(store.writable().await, crate::Writable::DiskFull, "an answer holds for a moment");
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    assert_eq!(store.writable().await, crate::Writable::Yes);
    assert_eq!(sqlx::query("SELECT * FROM write_probes").fetch_all(&store.pool).await.unwrap().len(), 0);
}
