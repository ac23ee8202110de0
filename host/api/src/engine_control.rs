//! The control plane that runs engines, as the API sees it: shapes are converted here and nowhere else.

use crate::{
    control_plane::{
        AdmittedComponent, ConnectivityReport, ControlFailure, ControlPlane, ExplainReport, PinFailure, PinnedGraph, QueryColumnView,
        QueryView, RowTap, SourceColumnView, ValidationReport,
    },
    problem::FieldError,
};
use async_trait::async_trait;
use bytes::Bytes;
use millrace_control::{
    BuildOrder, BuildsStatus, Control, ControlError, DescribedFunction, InspectedResource, KindSpec, OpenTap, PackageHints, PinError,
    PreviewOrder, PreviewReport, QueryColumn, QueryPlan, SampledTable, SinkRows, TappedRows, TempTableSize, UnitTestOrder, UnitTestReport,
    Unreachable,
};
use millrace_domain::ProjectScope;
use millrace_model::{
    Schema,
    graph::JobGraph,
    ids::{InstanceId, JobId, NodeId, SavepointId, TenantId, TopicId},
};
use millrace_store::{Build, Cause, JobVersion, TableViewer, TempTable};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs::File, time::Duration};

#[async_trait]
impl ControlPlane for Control {
    async fn test_connection(&self, tenant: &TenantId, kind: &str, properties: BTreeMap<String, String>) -> ConnectivityReport {
        let report = Self::test_connection(self, tenant, kind, properties).await;
        let failure = report.failure.and_then(|failure| json(&failure).ok()?.as_str().map(str::to_owned));
        let (details, elapsed_ms) = (report.details, report.elapsed_ms);
        ConnectivityReport { reachable: report.reachable, message: report.message, details, failure, elapsed_ms }
    }

    fn data_source_kinds(&self) -> Vec<KindSpec> {
        Self::data_source_kinds(self)
    }

    fn check_data_source(&self, kind: &str, properties: &BTreeMap<String, String>) -> Vec<FieldError> {
        let errors = Self::check_data_source(self, kind, properties);
        errors.into_iter().map(|error| FieldError::in_field(&error.field, &error.code, error.message)).collect()
    }

    async fn data_source_tables(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<(Vec<String>, bool), Unreachable> {
        Self::data_source_tables(self, tenant, kind, properties).await
    }

    async fn sample_data_source(
        &self,
        tenant: &TenantId,
        kind: &str,
        properties: &BTreeMap<String, String>,
        table: &str,
        rows_max: usize,
    ) -> Result<SampledTable, Unreachable> {
        Self::sample_data_source(self, tenant, kind, properties, table, rows_max).await
    }

    async fn ensure_topic(&self, scope: &ProjectScope, topic: &TopicId, options: &Value) -> Result<bool, ControlFailure> {
        Ok(self.ensure_topic_with(&scope.tenant, &scope.project, topic, options).await?)
    }

    async fn admit_plugin(&self, tenant: &TenantId, component: Bytes) -> Result<AdmittedComponent, ControlFailure> {
        let found = Self::admit_plugin(self, tenant, component).await?;
        Ok(AdmittedComponent { content_hash: found.content_hash, world: found.world, wit_version: found.wit_version })
    }

    async fn inspect_resource(&self, tenant: &TenantId, file: File, hints: PackageHints) -> Result<InspectedResource, ControlFailure> {
        Ok(Self::inspect_resource(self, tenant, file, hints).await?)
    }

    async fn describe_function(&self, tenant: &TenantId, name: &str, component: Bytes) -> Result<DescribedFunction, ControlFailure> {
        Ok(Self::describe_function(self, tenant, name, component).await?)
    }

    async fn ensure_table_in(&self, viewer: &TableViewer, topic: &TopicId, options: &Value) -> Result<bool, ControlFailure> {
        Ok(Self::ensure_table_in(self, viewer, topic, options).await?)
    }

    async fn validate(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ValidationReport, ControlFailure> {
        let report = Self::validate(self, viewer, graph).await?;
        let schemas = report.schemas.iter().map(|(node, schema)| Ok((node.to_string(), json(schema)?)));
        Ok(ValidationReport {
            valid: report.errors.is_empty(),
            schemas: schemas.collect::<Result<_, ControlFailure>>()?,
            errors: report.errors.into_iter().map(FieldError::from).collect(),
            warnings: report.warnings.into_iter().map(FieldError::from).collect(),
        })
    }

    async fn explain(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<ExplainReport, ControlFailure> {
        let report = Self::explain(self, viewer, graph).await?;
        Ok(ExplainReport {
            valid: report.errors.is_empty(),
            errors: report.errors.into_iter().map(FieldError::from).collect(),
            warnings: report.warnings.into_iter().map(FieldError::from).collect(),
            queries: report.queries.into_iter().map(query).collect(),
            graph: report.graph.as_ref().map(json).transpose()?,
        })
    }

    async fn pin(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<PinnedGraph, PinFailure> {
        let pinned = Self::pin(self, viewer, graph).await?;
        Ok(PinnedGraph { graph: pinned.graph, pins: pinned.pins, content_hash: pinned.content_hash })
    }

    async fn examine_version(
        &self,
        viewer: &TableViewer,
        version: &JobVersion,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldError>, ControlFailure> {
        let errors = Self::examine_version(self, viewer, version, parameters).await?;
        Ok(errors.into_iter().map(FieldError::from).collect())
    }

    fn notify(&self) {
        Self::notify(self);
    }

    fn observe(&self, instance: &InstanceId) -> Option<Value> {
        json(&Self::observe(self, instance)?).ok()
    }

    async fn create_savepoint(&self, tenant: &TenantId, instance: &InstanceId, by: &Cause) -> Result<SavepointId, ControlFailure> {
        Ok(self.create_savepoint_by(tenant, instance, by).await?.id)
    }

    async fn preview_topic(&self, viewer: &TableViewer, topic: &str, order: PreviewOrder) -> Result<PreviewReport, ControlFailure> {
        Ok(Self::preview_topic(self, viewer, topic, order).await?)
    }

    async fn preview_job(
        &self,
        viewer: &TableViewer,
        graph: &JobGraph,
        node: &NodeId,
        order: PreviewOrder,
    ) -> Result<PreviewReport, PinFailure> {
        Ok(Self::preview_job(self, viewer, graph, node, order).await?)
    }

    fn tap(&self, tenant: &TenantId, instance: &InstanceId, node: &NodeId) -> Result<Box<dyn RowTap>, ControlFailure> {
        Ok(Box::new(Self::tap(self, tenant, instance, node)?))
    }

    async fn begin_unit_test(&self, viewer: &TableViewer, by: &str, order: UnitTestOrder) -> Result<UnitTestReport, PinFailure> {
        Ok(Self::begin_unit_test(self, viewer, by, order).await?)
    }

    fn unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure> {
        Ok(Self::unit_test(self, scope, id)?)
    }

    fn recent_unit_tests(&self, scope: &ProjectScope, job: Option<&JobId>) -> Vec<UnitTestReport> {
        Self::recent_unit_tests(self, scope, job)
    }

    fn unit_test_rows(&self, scope: &ProjectScope, id: &str, sink: &NodeId, after: u64, limit: usize) -> Result<SinkRows, ControlFailure> {
        Ok(Self::unit_test_rows(self, scope, id, sink, after, limit)?)
    }

    fn cancel_unit_test(&self, scope: &ProjectScope, id: &str) -> Result<UnitTestReport, ControlFailure> {
        Ok(Self::cancel_unit_test(self, scope, id)?)
    }

    async fn temp_tables_to_make(&self, viewer: &TableViewer, graph: &JobGraph) -> Result<BTreeMap<String, Schema>, PinFailure> {
        Ok(Self::temp_tables_to_make(self, viewer, graph).await?)
    }

    async fn make_temp_topic(&self, table: &TempTable) -> Result<(), ControlFailure> {
        Ok(Self::make_temp_topic(self, table).await?)
    }

    async fn set_temp_retention(&self, table: &TempTable, retention_ms: i64) -> Result<(), ControlFailure> {
        Ok(Self::set_temp_retention(self, table, retention_ms).await?)
    }

    async fn drop_temp_topic(&self, table: &TempTable) -> Result<(), ControlFailure> {
        Ok(Self::drop_temp_topic(self, table).await?)
    }

    async fn temp_table_size(&self, table: &TempTable) -> Result<TempTableSize, ControlFailure> {
        Ok(Self::temp_table_size(self, table).await?)
    }

    async fn remove_savepoint_state(&self, location: &str) -> Result<(), ControlFailure> {
        Ok(Self::remove_savepoint_state(self, location).await?)
    }

    fn admits_build(&self, tenant: &TenantId, bytes: usize) -> Result<(), ControlFailure> {
        Ok(Self::admits_build(self, tenant, bytes)?)
    }

    async fn submit_build(&self, cause: &Cause, scope: &ProjectScope, order: BuildOrder) -> Result<Build, ControlFailure> {
        Ok(Self::submit_build(self, cause, scope, order).await?)
    }

    async fn cancel_build(&self, cause: &Cause, scope: &ProjectScope, id: &str) -> Result<Build, ControlFailure> {
        Ok(Self::cancel_build(self, cause, scope, id).await?)
    }

    async fn wait_for_build(&self, scope: &ProjectScope, id: &str, wait: Duration) -> Result<Build, ControlFailure> {
        Ok(Self::wait_for_build(self, scope, id, wait).await?)
    }

    async fn builds_status(&self) -> BuildsStatus {
        Self::builds_status(self).await
    }

    fn checkpoints_failure(&self) -> Option<String> {
        Self::checkpoints_failure(self)
    }

    fn prometheus(&self) -> String {
        Self::prometheus(self)
    }
}

fn query(query: QueryPlan) -> QueryView {
    let column = |c: QueryColumn| QueryColumnView {
        name: c.name,
        data_type: c.data_type.to_string(),
        nullable: c.nullable,
        lineage: c.lineage.into_iter().map(|s| SourceColumnView { table: s.table, column: s.column }).collect(),
    };
    QueryView {
        node: query.node.map(|n| n.to_string()),
        plan: query.plan,
        changelog_mode: query.changelog_mode,
        upsert_keys: query.upsert_keys,
        columns: query.columns.into_iter().map(column).collect(),
    }
}

/// Our own types always have a JSON form; if one has not, that is a defect.
fn json(value: &impl Serialize) -> Result<Value, ControlFailure> {
    serde_json::to_value(value).map_err(|error| ControlFailure::Internal(error.to_string()))
}

#[async_trait]
impl RowTap for OpenTap {
    fn schema(&self) -> Value {
        json(self.reader.schema()).unwrap_or_default()
    }

    async fn next(&mut self) -> Result<Option<TappedRows>, ControlFailure> {
        self.reader.next().await.map_err(|error| ControlFailure::Internal(error.to_string()))
    }
}

impl From<PinError> for PinFailure {
    fn from(error: PinError) -> Self {
        match error {
            PinError::Graph(errors) => Self::Graph(errors.into_iter().map(FieldError::from).collect()),
            PinError::Control(error) => Self::Control(error.into()),
        }
    }
}

impl From<ControlError> for ControlFailure {
    fn from(error: ControlError) -> Self {
        let message = error.to_string();
        match error {
            ControlError::NotFound { .. } => Self::NotFound(message),
            ControlError::Invalid { code, message } => Self::Invalid { code, message },
            ControlError::Conflict(message) => Self::Conflict(message),
            ControlError::Busy(message) => Self::Busy(message),
            ControlError::External { .. } => Self::External(message),
            ControlError::Internal(message) => Self::Internal(message),
        }
    }
}
