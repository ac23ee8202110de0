//! Unit tests of jobs (DEV-2): a job runs in this process on data packages, its sinks keep what they get, and what they got
//! is compared with what was expected.
//!
//! Invariants: a unit test touches nothing outside: sources and sinks are replaced, plugins get neither hosts nor folders
//! unless asked for, state is kept in memory; it is bounded in rows, bytes, time and fuel, and in how many there are; what
//! is kept of it is this process's and goes away with it, or with time.

mod judge;
mod packages;
mod registry;
mod report;
mod run;

pub use packages::PackageFile;
pub use report::{ComparisonReport, GoldenRowReport, SinkRows, UnitTestReport, UnitTestSink, UnitTestSource, UnitTestState};

pub(crate) use registry::UnitTests;

use crate::{ControlError, PinError, facade::Control};
use millrace_domain::{ProjectScope, golden::GoldenMode};
use millrace_engine::trial::ArrivalOrder;
use millrace_model::{
    graph::JobGraph,
    ids::{JobId, NodeId},
};
use millrace_store::TableViewer;
use std::collections::BTreeMap;

/// What a unit test may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitTestLimits {
    /// Rows that are kept of each sink.
    pub sink_rows_max: usize,
    /// Bytes that are kept of all sinks.
    pub bytes_max: usize,
    /// How long it may run.
    pub seconds_max: u64,
    /// What its plugins may burn.
    pub fuel_max: u64,
}

impl Default for UnitTestLimits {
    fn default() -> Self {
        Self { sink_rows_max: 10_000, bytes_max: 16 << 20, seconds_max: 60, fuel_max: 200_000_000_000 }
    }
}

/// Longest time that a unit test may be given.
pub const UNIT_TEST_SECONDS_MAX: u64 = 300;

/// A unit test to run.
pub struct UnitTestOrder {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub job_name: String,
    /// The job's document, as a graph or a script.
    pub graph: JobGraph,
    /// Packages by node, or by the name of a node or table.
    pub sources: BTreeMap<String, PackageFile>,
    /// Expected rows by sink, named in the same way.
    pub expected: BTreeMap<String, (PackageFile, Option<GoldenMode>)>,
    /// How rows come out of order.
    pub order: ArrivalOrder,
    /// Plugins keep the hosts and folders that they were granted.
    pub with_capabilities: bool,
    /// What it may use.
    pub limits: UnitTestLimits,
}

impl Control {
    /// Begins a unit test; on return it runs.
    ///
    /// # Errors
    /// The job is wrong, packages do not fit, as many tests run as may, or what is not the user's fault.
    pub async fn begin_unit_test(&self, viewer: &TableViewer, by: &str, order: UnitTestOrder) -> Result<UnitTestReport, PinError> {
        let place = self.unit_tests().enter(&viewer.scope.tenant).map_err(PinError::Control)?;
        run::begin(self, viewer, by, order, place).await
    }

    /// A unit test of the project.
    ///
    /// # Errors
    /// The project has none of this id here, or not any more.
    pub fn unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlError> {
        Ok(self.unit_tests().find(scope, id)?.report())
    }

    /// The unit tests of the project that are still kept, newest first.
    pub fn recent_unit_tests(&self, scope: &ProjectScope, job: Option<&JobId>) -> Vec<UnitTestReport> {
        self.unit_tests().of_project(scope, job).iter().map(|test| test.report()).collect()
    }

    /// Up to `limit` rows that a sink got, behind row number `after`.
    ///
    /// # Errors
    /// There is no such test or sink.
    pub fn unit_test_rows(
        &self,
        scope: &ProjectScope,
        id: &str,
        sink: &NodeId,
        after: u64,
        limit: usize,
    ) -> Result<SinkRows, ControlError> {
        let test = self.unit_tests().find(scope, id)?;
        test.rows(sink, after, limit).ok_or_else(|| ControlError::not_found(format!("sink `{sink}` of unit test `{id}`")))
    }

    /// Ends a unit test; one that has ended stays as it is.
    ///
    /// # Errors
    /// There is no such test.
    pub fn cancel_unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlError> {
        let test = self.unit_tests().find(scope, id)?;
        test.cancel();
        Ok(test.report())
    }
}
