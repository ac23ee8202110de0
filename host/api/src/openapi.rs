//! The routes and the OpenAPI document, from one list: what is not here is not served.

use crate::{
    approvals, audit, builds, business_data, capabilities, catalog_table, catalog_tables, categories, data_source_kinds, data_sources,
    databases, folders, frame, functions, identity_providers, instance_graph, instance_logs, instance_views, instances, job_diff,
    job_locks, job_versions, jobs, keys, lineage, me, members, meta_models, oidc, permissions, platform, plugins, preview, problem,
    projects, quality_rules, quotas, relations, releases, resources, samples, savepoints, search, services, sign_in, sql,
    state::{ApiConfig, ApiState},
    table_grants, table_publications, tags, taps, temp_tables, templates, tenants, tokens, topics, unit_tests, users, yaml,
};
use axum::{
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
};
use utoipa::{
    OpenApi,
    openapi::{
        Content, Ref, RefOr, Required, ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(title = "Millrace", description = "Multi-tenant real-time stream processing", version = "1", license(name = "Apache-2.0")),
    security(("token" = []), ("session" = [])),
    components(schemas(problem::ProblemDocument))
)]
struct Document;

/// How a session is used.
const SESSION: &str = "Made by POST /api/v1/sign-in; changes also need the header x-csrf-token. Called __Host-millrace_session over https.";

/// The description of the API.
pub fn document() -> utoipa::openapi::OpenApi {
    routes(&ApiConfig::default()).split_for_parts().1
}

/// Every route.
pub(crate) fn routes(config: &ApiConfig) -> OpenApiRouter<ApiState> {
    let (ordinary, slow) = (config.request_timeout, config.slow_request_timeout);
    let quick_routes = OpenApiRouter::new()
        .merge(platform_routes())
        .merge(tenant_routes())
        .merge(people_routes())
        .merge(definition_routes())
        .merge(instance_routes())
        .merge(catalog_routes())
        .merge(business_metadata_routes())
        .merge(approval_routes())
        .merge(unit_test_routes())
        .merge(temp_table_routes())
        .merge(job_life_routes())
        .merge(table_routes())
        .layer(from_fn(move |request: Request, next: Next| frame::time_limit(ordinary, request, next)));
    let slow_routes = slow_routes(config).layer(from_fn(move |request: Request, next: Next| frame::time_limit(slow, request, next)));
    let mut all = OpenApiRouter::with_openapi(Document::openapi())
        .merge(quick_routes)
        .merge(slow_routes)
        .layer(DefaultBodyLimit::max(config.body_bytes_max));
    complete(all.get_openapi_mut());
    all
}

fn platform_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(platform::live))
        .routes(routes!(platform::ready))
        .routes(routes!(platform::metrics))
        .routes(routes!(platform::openapi_document))
        .routes(routes!(me::get_me))
        .routes(routes!(builds::get_build_service))
        .routes(routes!(tokens::list_platform_tokens))
        .routes(routes!(tokens::revoke_platform_token))
}

fn tenant_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::get_tenant, tenants::edit_tenant))
        .routes(routes!(capabilities::get_tenant_grants, capabilities::set_tenant_grants))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(audit::list_audit))
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(projects::get_project, projects::edit_project))
        .routes(routes!(projects::archive_project))
        .routes(routes!(quotas::list_quotas))
        .routes(routes!(quotas::set_quota))
}

/// Users, sign-in, members and services of projects.
fn people_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(sign_in::list_sign_in_providers))
        .routes(routes!(oidc::begin_oidc))
        .routes(routes!(oidc::finish_oidc))
        .routes(routes!(me::change_password))
        .routes(routes!(me::list_own_sessions))
        .routes(routes!(me::end_own_session))
        .routes(routes!(me::list_own_tokens, me::create_own_token))
        .routes(routes!(me::revoke_own_token))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::get_user, users::edit_user, users::delete_user))
        .routes(routes!(users::reset_user_password))
        .routes(routes!(users::get_user_roles, users::set_user_roles))
        .routes(routes!(users::list_platform_users, users::create_platform_user))
        .routes(routes!(users::get_platform_user, users::edit_platform_user, users::delete_platform_user))
        .routes(routes!(users::reset_platform_user_password))
        .routes(routes!(users::get_platform_user_roles, users::set_platform_user_roles))
        .routes(routes!(identity_providers::list_identity_providers))
        .routes(routes!(identity_providers::set_identity_provider, identity_providers::delete_identity_provider))
        .routes(routes!(identity_providers::list_identities, identity_providers::link_identity))
        .routes(routes!(identity_providers::unlink_identity))
        .routes(routes!(identity_providers::list_platform_identities, identity_providers::link_platform_identity))
        .routes(routes!(identity_providers::unlink_platform_identity))
        .routes(routes!(identity_providers::list_platform_identity_providers))
        .routes(routes!(identity_providers::set_platform_identity_provider, identity_providers::delete_platform_identity_provider))
        .routes(routes!(members::list_members))
        .routes(routes!(members::set_member, members::remove_member))
        .routes(routes!(services::list_services))
        .routes(routes!(services::set_service, services::remove_service))
        .routes(routes!(quotas::list_project_quotas))
        .routes(routes!(quotas::set_project_quota))
        .routes(routes!(audit::export_audit))
        .routes(routes!(audit::export_platform_audit))
        .routes(routes!(audit::list_platform_audit))
}

fn definition_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(source_routes())
        .routes(routes!(topics::list_topics, topics::create_topic))
        .routes(routes!(topics::get_topic, topics::edit_topic, topics::delete_topic))
        .routes(routes!(plugins::list_plugins))
        .routes(routes!(plugins::get_plugin, plugins::delete_plugin))
        .routes(routes!(plugins::list_plugin_uses))
        .routes(routes!(plugins::delete_plugin_version))
        .routes(routes!(plugins::get_plugin_icon))
        .routes(routes!(plugins::get_plugin_documentation))
        .routes(routes!(capabilities::get_plugin_grants, capabilities::set_plugin_grants))
        .routes(routes!(resources::list_resources))
        .routes(routes!(resources::get_resource, resources::delete_resource))
        .routes(routes!(resources::preview_resource))
        .routes(routes!(resources::download_resource))
        .routes(routes!(resources::list_resource_uses))
        .merge(function_routes())
        .routes(routes!(templates::list_templates, templates::create_template))
        .routes(routes!(templates::get_template, templates::edit_template, templates::delete_template))
        .routes(routes!(templates::list_template_versions, templates::add_template_version))
        .routes(routes!(templates::complete_template))
        .routes(routes!(templates::list_template_uses))
}

fn approval_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(approvals::list_approvals))
        .routes(routes!(approvals::count_approvals))
        .routes(routes!(approvals::get_approval))
        .routes(routes!(approvals::approve_approval))
        .routes(routes!(approvals::reject_approval))
        .routes(routes!(approvals::withdraw_approval))
}

fn table_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(databases::list_databases, databases::create_database))
        .routes(routes!(databases::get_database, databases::edit_database, databases::delete_database))
        .routes(routes!(databases::publish_database))
        .routes(routes!(table_publications::list_publications))
        .routes(routes!(table_publications::check_publish))
        .routes(routes!(table_publications::publish_topic))
        .routes(routes!(table_publications::retire_topic))
        .routes(routes!(catalog_tables::list_tables))
        .routes(routes!(catalog_tables::get_table))
        .routes(routes!(permissions::apply_for_permission))
        .routes(routes!(permissions::list_permissions))
        .routes(routes!(table_grants::list_grants, table_grants::set_grants))
        .routes(routes!(table_grants::revoke_grant))
        .routes(routes!(table_grants::set_access))
}

/// Jobs, their edit locks, versions and releases.
fn job_life_routes() -> OpenApiRouter<ApiState> {
    let documents = OpenApiRouter::new()
        .routes(routes!(jobs::list_jobs, jobs::create_job))
        .routes(routes!(jobs::get_job, jobs::edit_job, jobs::delete_job))
        .routes(routes!(job_versions::get_job_version))
        .routes(routes!(job_diff::diff_job));
    OpenApiRouter::new()
        .merge(yaml_too(documents))
        .routes(routes!(job_locks::get_job_lock, job_locks::change_job_lock))
        .routes(routes!(job_locks::list_kept_drafts))
        .routes(routes!(job_locks::restore_kept_draft))
        .routes(routes!(job_locks::discard_kept_draft))
        .routes(routes!(folders::list_folders, folders::create_folder, folders::delete_folder))
        .routes(routes!(folders::move_folder))
        .routes(routes!(folders::move_job))
        .routes(routes!(folders::copy_job))
        .routes(routes!(releases::get_release))
        .routes(routes!(releases::take_offline))
}

/// Routes whose documents are YAML for those who send or ask for it.
fn yaml_too(mut routes: OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState> {
    yaml::describe(routes.get_openapi_mut());
    routes.layer(from_fn(yaml::answer))
}

fn source_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(data_source_kinds::list_data_source_kinds))
        .routes(routes!(data_sources::list_data_sources, data_sources::create_data_source))
        .routes(routes!(data_sources::get_data_source, data_sources::edit_data_source, data_sources::delete_data_source))
        .routes(routes!(data_sources::bind_data_source, data_sources::unbind_data_source))
        .routes(routes!(keys::list_keys))
}

fn function_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(functions::list_functions, functions::create_function))
        .routes(routes!(functions::get_function, functions::edit_function, functions::delete_function))
        .routes(routes!(functions::list_tenant_functions, functions::create_tenant_function))
        .routes(routes!(functions::get_tenant_function, functions::edit_tenant_function, functions::delete_tenant_function))
        .routes(routes!(functions::get_function_icon))
        .routes(routes!(functions::get_tenant_function_icon))
        .routes(routes!(functions::get_function_documentation))
        .routes(routes!(functions::get_tenant_function_documentation))
}

fn instance_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(instances::list_instances, instances::create_instance))
        .routes(routes!(instances::get_instance, instances::delete_instance))
        .routes(routes!(instances::start_instance))
        .routes(routes!(instances::stop_instance))
        .routes(routes!(instances::set_restart_policy))
        .routes(routes!(instance_views::instance_metrics))
        .routes(routes!(instance_views::instance_checkpoints))
        .routes(routes!(instance_views::instance_exceptions))
        .routes(routes!(instance_graph::instance_graph))
        .routes(routes!(instance_graph::instance_configuration))
        .routes(routes!(instance_graph::instance_history))
        .routes(routes!(instance_logs::instance_logs))
        .routes(routes!(instance_logs::follow_instance_logs))
        .routes(routes!(savepoints::savepoint_compatibility))
}

fn unit_test_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(unit_tests::list_unit_tests))
        .routes(routes!(unit_tests::get_unit_test))
        .routes(routes!(unit_tests::list_unit_test_rows))
        .routes(routes!(unit_tests::cancel_unit_test))
}

fn temp_table_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(temp_tables::get_temp_table_settings, temp_tables::set_temp_table_settings))
}

/// Rows of data, looked at while they are made, and tables that are made in a broker.
fn preview_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(preview::preview_topic))
        .routes(routes!(preview::preview_job))
        .routes(routes!(taps::tap_instance))
        .routes(routes!(temp_tables::list_temp_tables, temp_tables::create_temp_table))
        .routes(routes!(temp_tables::get_temp_table, temp_tables::edit_temp_table, temp_tables::delete_temp_table))
        .routes(routes!(temp_tables::get_temp_table_size))
        .routes(routes!(table_grants::list_temp_table_grants, table_grants::set_temp_table_grants))
        .routes(routes!(table_grants::revoke_temp_table_grant))
        .routes(routes!(table_grants::set_temp_table_access))
        .routes(routes!(temp_tables::preview_temp_table))
        .routes(routes!(unit_tests::begin_unit_test))
}

fn catalog_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(search::search))
        .routes(routes!(catalog_table::get_table_page))
        .routes(routes!(lineage::get_lineage))
        .routes(routes!(lineage::list_lineage_events))
        .routes(routes!(quality_rules::list_quality_rules, quality_rules::create_quality_rule))
        .routes(routes!(quality_rules::get_quality_rule, quality_rules::edit_quality_rule, quality_rules::delete_quality_rule))
        .routes(routes!(quality_rules::publish_quality_rule))
        .routes(routes!(quality_rules::list_quality_rule_versions))
        .routes(routes!(quality_rules::create_quality_job))
}

fn business_metadata_routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(categories::list_categories, categories::create_category))
        .routes(routes!(categories::edit_category, categories::delete_category))
        .routes(routes!(meta_models::list_meta_models, meta_models::create_meta_model))
        .routes(routes!(meta_models::get_meta_model, meta_models::edit_meta_model, meta_models::delete_meta_model))
        .routes(routes!(meta_models::publish_meta_model))
        .routes(routes!(meta_models::list_meta_model_versions))
        .routes(routes!(meta_models::get_meta_model_managers, meta_models::set_meta_model_managers))
        .routes(routes!(business_data::list_business_data, business_data::create_business_data_entry))
        .routes(routes!(
            business_data::get_business_data_entry,
            business_data::edit_business_data_entry,
            business_data::delete_business_data_entry
        ))
        .routes(routes!(business_data::publish_business_data_entry))
        .routes(routes!(business_data::list_business_data_entry_versions))
        .routes(routes!(relations::list_relations, relations::create_relation))
        .routes(routes!(relations::get_relation, relations::edit_relation, relations::delete_relation))
        .routes(routes!(relations::publish_relation))
        .routes(routes!(relations::list_relation_versions))
        .routes(routes!(tags::list_tags, tags::create_tag))
        .routes(routes!(tags::get_tag, tags::edit_tag, tags::delete_tag))
        .routes(routes!(tags::attach_tag))
        .routes(routes!(tags::detach_tag))
}

/// Requests that wait for an outside system, a compilation or a savepoint.
fn slow_routes(config: &ApiConfig) -> OpenApiRouter<ApiState> {
    let builds = OpenApiRouter::new()
        .routes(routes!(builds::list_builds, builds::create_build))
        .layer(DefaultBodyLimit::max(config.build_bytes_max));
    OpenApiRouter::new()
        .merge(builds)
        .merge(preview_routes())
        .routes(routes!(builds::get_build, builds::cancel_build))
        .routes(routes!(plugins::list_plugin_versions, plugins::upload_plugin))
        .routes(routes!(resources::list_resource_versions, resources::upload_resource))
        .routes(routes!(functions::list_function_versions, functions::add_function_version))
        .routes(routes!(functions::list_tenant_function_versions, functions::add_tenant_function_version))
        .routes(routes!(data_sources::test_data_source))
        .routes(routes!(samples::sample_data_source))
        .routes(routes!(keys::rotate_keys))
        .routes(routes!(topics::ensure_topic))
        .merge(yaml_too(OpenApiRouter::new().routes(routes!(jobs::validate_job))))
        .routes(routes!(sql::explain_sql))
        .routes(routes!(job_versions::list_job_versions, job_versions::submit_job))
        .routes(routes!(savepoints::list_savepoints, savepoints::create_savepoint))
        .routes(routes!(savepoints::delete_savepoint))
        // They plan the version: plugins may have to be compiled.
        .routes(routes!(releases::list_releases, releases::request_release))
        .routes(routes!(releases::go_live))
}

/// Adds what is the same for every operation: how to sign in, the problem document, and path parameters.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().add_security_scheme("token", token);
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description("millrace_session", SESSION)));
    document.components.get_or_insert_default().add_security_scheme("session", session);
    for (path, item) in &mut document.paths.paths {
        let names: Vec<String> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(str::to_owned).collect();
        for operation in operations(item) {
            let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("ProblemDocument"))));
            let response = ResponseBuilder::new().description("A problem (RFC 9457)").content("application/problem+json", problem);
            operation.responses.responses.insert("default".to_owned(), response.build().into());
            let parameters = operation.parameters.get_or_insert_default();
            parameters.retain(|parameter| !matches!(parameter.parameter_in, ParameterIn::Path));
            parameters.extend(names.iter().map(|name| {
                let text = ObjectBuilder::new().schema_type(Type::String).build();
                let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
                parameter.schema(Some(text)).build()
            }));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().filter_map(Option::as_mut)
}
