//! The unit tests of this process: how many may run, and how long they are kept.

use super::{
    report::{SinkRows, UnitTestReport, UnitTestState},
    run::TestRun,
};
use crate::ControlError;
use millrace_domain::ProjectScope;
use millrace_model::ids::{JobId, NodeId, TenantId};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// Unit tests that run at one time in this process.
const RUNNING_MAX: usize = 8;
/// Of one tenant.
const RUNNING_OF_TENANT_MAX: usize = 2;
/// Unit tests of a tenant that are kept after their end.
const KEPT_OF_TENANT_MAX: usize = 20;
/// In this process: each may hold some megabytes.
const KEPT_MAX: usize = 100;
/// How long they are kept.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// One unit test.
pub(crate) struct UnitTest {
    pub(super) scope: ProjectScope,
    pub(super) job: JobId,
    pub(super) id: String,
    pub(super) run: TestRun,
}

impl UnitTest {
    pub(super) fn report(&self) -> UnitTestReport {
        self.run.report(&self.id, &self.job)
    }

    pub(super) fn rows(&self, sink: &NodeId, after: u64, limit: usize) -> Option<SinkRows> {
        self.run.rows(sink, after, limit)
    }

    pub(super) fn cancel(&self) {
        self.run.cancel();
    }
}

#[derive(Default)]
struct Tests {
    /// Tenants of those that run or are about to.
    places: Vec<TenantId>,
    /// Oldest first.
    kept: VecDeque<(Instant, Arc<UnitTest>)>,
}

/// All unit tests.
#[derive(Clone, Default)]
pub(crate) struct UnitTests(Arc<Mutex<Tests>>);

/// The right to run one; given back when it is dropped.
pub(crate) struct Place {
    tests: UnitTests,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tests = self.tests.0.lock();
        if let Some(at) = tests.places.iter().position(|tenant| *tenant == self.tenant) {
            tests.places.swap_remove(at);
        }
    }
}

impl UnitTests {
    /// Takes a place.
    pub(super) fn enter(&self, tenant: &TenantId) -> Result<Place, ControlError> {
        let mut tests = self.0.lock();
        let own = tests.places.iter().filter(|other| *other == tenant).count();
        if own >= RUNNING_OF_TENANT_MAX {
            return Err(ControlError::Busy(format!(
                "{own} unit tests of this tenant run, which is the most; wait for one to end, or cancel it"
            )));
        }
        if tests.places.len() >= RUNNING_MAX {
            return Err(ControlError::Busy(format!(
                "{RUNNING_MAX} unit tests run on this server, which is the most; try again in a moment"
            )));
        }
        tests.places.push(tenant.clone());
        Ok(Place { tests: self.clone(), tenant: tenant.clone() })
    }

    /// Keeps a test that has begun, and lets go of the oldest.
    pub(super) fn keep(&self, test: Arc<UnitTest>) {
        let mut tests = self.0.lock();
        let kept = &mut tests.kept;
        let has_ended = |test: &Arc<UnitTest>| test.run.state() != UnitTestState::Running;
        kept.retain(|(since, test)| since.elapsed() < KEPT_FOR || !has_ended(test));
        let own = |other: &Arc<UnitTest>| other.scope.tenant == test.scope.tenant;
        while kept.iter().filter(|(_, test)| own(test)).count() >= KEPT_OF_TENANT_MAX
            && let Some(at) = kept.iter().position(|(_, test)| own(test) && has_ended(test))
        {
            kept.remove(at);
        }
        while kept.len() >= KEPT_MAX
            && let Some(at) = kept.iter().position(|(_, test)| has_ended(test))
        {
            kept.remove(at);
        }
        kept.push_back((Instant::now(), test));
    }

    pub(super) fn find(&self, scope: &ProjectScope, id: &str) -> Result<Arc<UnitTest>, ControlError> {
        let tests = self.0.lock();
        let found = tests.kept.iter().find(|(_, test)| test.id == id && test.scope == *scope);
        found.map(|(_, test)| test.clone()).ok_or_else(|| {
            ControlError::not_found(format!(
                "unit test `{id}` (they are kept for {} minutes on the server that ran them)",
                KEPT_FOR.as_secs() / 60
            ))
        })
    }

    pub(super) fn of_project(&self, scope: &ProjectScope, job: Option<&JobId>) -> Vec<Arc<UnitTest>> {
        let tests = self.0.lock();
        let wanted = |test: &Arc<UnitTest>| test.scope == *scope && job.is_none_or(|job| *job == test.job);
        tests.kept.iter().rev().map(|(_, test)| test).filter(|test| wanted(test)).cloned().collect()
    }
}
