//! What is around a table in the catalog: tags, lineage, quality, business data, readers (ROL-6, PRM-1); and the former page of
//! a table, which has the same in the shape that it had before `tables/{table}` told it all.

use crate::{
    allowed::allowed_each, caller::Caller, lineage::LineageView, problem::Problem, quality_rules::RuleSummaryView, search::FoundPlaceView,
    tags::TagOnView,
};
use axum::{Json, extract::Path};
use millrace_domain::{Action, Scope, governed::GovernedKind};
use millrace_model::{Schema, ids::TenantId};
use millrace_store::{GovernedFilter, PageRequest, TableOverview, TableReaders};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is around a table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AroundTableView {
    /// Where it is published, with the number of the publication in force.
    environments: Vec<TableEnvironmentView>,
    /// Tags on the table and its columns.
    tags: Vec<TagOnView>,
    /// What it is made from and what is made from it, one job away.
    lineage: LineageView,
    /// Quality rules with their last results.
    quality: Vec<RuleSummaryView>,
    /// Business data that a published relation connects with it.
    business_data: Vec<TableRelationView>,
    readers: TableReadersView,
}

/// A table with everything around it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TablePageView {
    id: String,
    name: String,
    /// The project that owns it.
    project: FoundPlaceView,
    /// Name in the system that holds it.
    physical_name: String,
    description: String,
    /// Columns with their comments.
    #[schema(value_type = Vec<Object>)]
    schema: Schema,
    #[schema(value_type = Object)]
    format: Value,
    /// Grows with each change of the design.
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    #[serde(flatten)]
    around: AroundTableView,
    /// What the caller can do: `edit`, `publish`, `apply`, `grant`, `tag`, `add_quality_rule`.
    allowed_actions: Vec<&'static str>,
}

/// A publication in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableEnvironmentView {
    environment: String,
    number: i64,
}

/// A relation of business data with the table.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableRelationView {
    /// Id of the relation.
    id: String,
    /// The word for it.
    name: String,
    /// Id of the business data.
    from: String,
    /// The column, if one is meant.
    column: Option<String>,
}

/// Who may use the table besides its project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableReadersView {
    /// Projects with a permission.
    projects: i64,
    /// Persons with a permission.
    persons: i64,
    /// What everybody in the tenant may do: `select`, `insert`.
    public: Vec<String>,
}

/// The table of this id or `project.table`, as far as the caller may know of it: what is only designed is its project's.
pub(crate) async fn visible(caller: &Caller, tenant: &TenantId, table: &str) -> Result<TableOverview, Problem> {
    let found = caller.api.store.table_overview(tenant, table).await?;
    let is_own = caller.principal.allowed(Action::TopicView, &Scope::Project(found.scope.clone()));
    let is_known = is_own || !caller.api.store.table_readers(tenant, &found.id).await?.environments.is_empty();
    if is_known { Ok(found) } else { Err(Problem::not_found("table", table)) }
}

/// Everything around a table, from one look at each store of it.
pub(crate) async fn around(caller: &Caller, tenant: &TenantId, table: &str) -> Result<AroundTableView, Problem> {
    let store = &caller.api.store;
    let lineage = LineageView::around(caller, tenant, table, 1, (true, true)).await?;
    let tags = store.tags_on(tenant, table).await?;
    let TableReaders { projects, persons, public, environments } = store.table_readers(tenant, table).await?;
    let of_table = GovernedFilter { parent: Some(table.to_owned()), ..GovernedFilter::default() };
    let all = PageRequest { cursor: None, limit: Some(200) };
    let mut quality = Vec::new();
    for rule in store.governed_items(tenant, GovernedKind::QualityRule, &of_table, &all).await?.items {
        let last = store.quality_results(tenant, &rule.id, 100).await?;
        quality.push(RuleSummaryView::of(rule, &last));
    }
    let relations = store.relations_to(tenant, table).await?;
    let business_data = relations.into_iter().map(|(id, name, from, column)| TableRelationView { id, name, from, column }).collect();
    Ok(AroundTableView {
        environments: environments.into_iter().map(|(environment, number)| TableEnvironmentView { environment, number }).collect(),
        tags: tags.into_iter().map(TagOnView::from).collect(),
        lineage,
        quality,
        business_data,
        readers: TableReadersView { projects, persons, public },
    })
}

/// Get the page of a table, by id or as `project.table`. Everybody in the tenant may, once it is published; rows
/// and addresses are not in it. `tables/{table}` answers the same and more.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/table-pages/{table}", tag = "catalog", responses((status = 200, body = TablePageView)))]
pub(crate) async fn get_table_page(caller: Caller, Path((tenant, table)): Path<(String, String)>) -> Result<Json<TablePageView>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let table = visible(&caller, &tenant, &table).await?;
    let around = around(&caller, &tenant, &table.id).await?;
    let allowed_actions = allowed(&caller, &table);
    let TableOverview { id, scope, project_name, name, physical_name, description, schema, format, revision, created_at_ms, updated_at_ms } =
        table;
    Ok(Json(TablePageView {
        id,
        name,
        project: FoundPlaceView { id: scope.project.to_string(), name: project_name },
        physical_name,
        description,
        schema,
        format,
        revision,
        created_at_ms,
        updated_at_ms,
        around,
        allowed_actions,
    }))
}

fn allowed(caller: &Caller, table: &TableOverview) -> Vec<&'static str> {
    let (project, tenant) = (Scope::Project(table.scope.clone()), Scope::Tenant(table.scope.tenant.clone()));
    let offers = [
        (&project, ("edit", Action::TopicEdit, true)),
        (&project, ("publish", Action::TablePublish, true)),
        (&tenant, ("apply", Action::PermissionApply, true)),
        (&project, ("grant", Action::PermissionGrant, true)),
        (&project, ("tag", Action::TagAttach, true)),
        (&project, ("add_quality_rule", Action::QualityRuleEdit, true)),
    ];
    allowed_each(caller, offers)
}
