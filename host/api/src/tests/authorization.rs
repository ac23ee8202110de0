//! No endpoint without authorization: the list of endpoints is the OpenAPI document, so that a new one is in the test
//! from its first day.

use super::{Server, request};
use axum::http::{Method, StatusCode};
use millrace_domain::{Action, Role, TokenScope, action::permits};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Endpoints that anybody may call.
const PUBLIC: &[&str] = &["GET /health/live", "GET /health/ready", "GET /api/v1/openapi.json"];
/// Endpoints that every signed-in caller may call; they answer with what is the caller's.
const OWN: &[&str] = &["GET /api/v1/me", "GET /api/v1/tenants", "GET /api/v1/data-source-kinds"];
/// Endpoints by which people come in; `people` and `oidc` test who does.
const SIGN_IN: &[&str] =
    &["POST /api/v1/sign-in", "GET /api/v1/sign-in/providers", "GET /api/v1/sign-in/oidc/{provider}", "GET /api/v1/sign-in/callback"];

/// Endpoints between a person and the server: a session is needed, and no role.
fn is_personal(template: &str) -> bool {
    template.starts_with("/api/v1/me/") || template == "/api/v1/sign-out"
}

/// Things that the furnished project has none of: who may see them gets past authorization to "not found".
const NOT_FURNISHED: &[&str] = &["{release}", "{savepoint}", "/identities", "/icon", "/documentation"];

/// Method, path template and operation id of every endpoint.
pub(super) fn endpoints() -> Vec<(Method, String, String)> {
    let document = serde_json::to_value(crate::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let method = method.to_uppercase().parse().unwrap();
            found.push((method, path.clone(), operation["operationId"].as_str().unwrap().to_owned()));
        }
    }
    assert!(found.len() >= 40, "only {} endpoints were found", found.len());
    found
}

/// The path of things that are there: they belong to the tenant `acme`.
pub(super) fn filled(template: &str, instance: &str) -> String {
    let values = [
        ("{tenant}", "acme"),
        ("{project}", "web"),
        ("{source}", "broker"),
        ("{topic}", "clicks"),
        ("{plugin}", "clean"),
        ("{resource}", "sample"),
        ("{quota}", "storage_bytes"),
        ("{function}", if template.contains("{project}") { "clean" } else { "shared" }),
        ("{template}", "java-etl"),
        ("{category}", "people"),
        ("{meta_model}", "customer"),
        ("{entry}", "ann"),
        ("{relation}", "visits"),
        ("{tag}", "personal"),
        ("{rule}", "url-is-there"),
        ("{job}", "clean-clicks"),
        ("{version}", "1"),
        ("{draft}", "drf_1"),
        ("{release}", "rel_1"),
        ("{savepoint}", "sav_1"),
        ("{instance}", instance),
        ("{build}", "bld_newest"),
        ("{token}", "tok_1"),
        ("{approval}", "1"),
        ("{test}", "ut_1"),
        ("{node}", "out"),
        ("{table}", if template.contains("/temp-tables/") { "sums" } else { "web.clicks" }),
        ("{database}", "shop"),
        ("{environment}", "test"),
        ("{grant}", "gra_1"),
        ("{user}", "ann"),
        ("{provider}", "corp"),
        ("{service}", "stream_computing"),
        ("{session}", "ses_1"),
        ("{subject}", "s1"),
    ];
    let path = values.iter().fold(template.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path}: the test does not know this parameter");
    if path.ends_with("/lineage") { format!("{path}?table=web.clicks") } else { path }
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    for (method, template, _) in endpoints() {
        let path = filled(&template, &instance);
        if SIGN_IN.contains(&format!("{method} {template}").as_str()) {
            continue;
        }
        let public = PUBLIC.contains(&format!("{method} {template}").as_str());
        for token in [None, Some("mrt_0123456789012345678901234567890123456789012")] {
            let answer = server.send(request(token, method.clone(), &path, &json!({}), None)).await;
            let expected = if public { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
            if !public {
                assert_eq!(answer.problem(), (401, "token.required"));
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
            }
        }
    }
}

#[tokio::test]
async fn a_foreign_tenant_learns_nothing() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    server.furnish("bolt").await;
    let foreign = server.token("bolt", "tenant_admin", None).await;
    for (method, template, _) in endpoints() {
        let (path, line) = (filled(&template, &instance), format!("{method} {template}"));
        if PUBLIC.contains(&line.as_str()) || OWN.contains(&line.as_str()) || SIGN_IN.contains(&line.as_str()) {
            continue;
        }
        let answer = server.send(request(Some(&foreign), method.clone(), &path, &json!({"wrong": true}), None)).await;
        // What belongs to no tenant is known to be there, so it is forbidden; everything else is not found.
        let expected = if template.contains("{tenant}") { 404 } else { 403 };
        assert_eq!(answer.problem().0, expected, "{line}: {answer:?}");
        let nowhere = server.send(request(Some(&foreign), method.clone(), &path.replace("acme", "nobody"), &json!({}), None)).await;
        let shown = |body: &Value| body["detail"].as_str().unwrap().replace("nobody", "acme");
        assert_eq!(shown(&answer.body), shown(&nowhere.body), "{line}: the answer tells that the tenant is there");
    }
    let listed = server.get(&foreign, "/api/v1/tenants").await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?outcome=refused&limit=200").await.ok();
    assert!(audit["items"].as_array().unwrap().len() >= 30, "refusals are in the log of the tenant that was asked for");
}

#[tokio::test]
async fn a_role_in_one_project_ends_at_its_border() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    server.post(&server.admin, "/api/v1/tenants/acme/projects", json!({"name": "other"})).await.ok();
    let token = server.token("acme", "developer", Some("other")).await;
    for (method, template, _) in endpoints().into_iter().filter(|(_, template, _)| template.contains("{project}")) {
        let path = filled(&template, &instance);
        let answer = server.send(request(Some(&token), method.clone(), &path, &json!({}), None)).await;
        assert_eq!(answer.problem(), (404, "project.not_found"), "{method} {template}: {answer:?}");
    }
    let listed = server.get(&token, "/api/v1/tenants/acme/projects").await.ok();
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["other"]);
    assert_eq!(server.get(&token, "/api/v1/tenants/acme").await.status, StatusCode::OK);
}

/// The action that each endpoint with a tenant asks for.
fn action_of(operation: &str) -> Action {
    use Action as A;
    match operation {
        "metrics" | "get_build_service" => A::PlatformObserve,
        "list_builds" | "get_build" => A::BuildView,
        "create_build" => A::BuildCreate,
        "cancel_build" => A::BuildCancel,
        "create_tenant" => A::TenantCreate,
        "get_tenant" | "list_projects" => A::TenantView,
        "edit_tenant" => A::TenantEdit,
        "get_tenant_grants" => A::TenantGrantView,
        "set_tenant_grants" => A::TenantGrant,
        "get_plugin_grants" => A::PluginView,
        "set_plugin_grants" => A::PluginGrant,
        "create_project" => A::ProjectCreate,
        "get_project" => A::ProjectView,
        "edit_project" => A::ProjectEdit,
        "archive_project" => A::ProjectArchive,
        "list_data_sources" | "get_data_source" => A::DataSourceView,
        "create_data_source" => A::DataSourceCreate,
        "edit_data_source" => A::DataSourceEdit,
        "delete_data_source" => A::DataSourceDelete,
        "test_data_source" => A::DataSourceTest,
        "bind_data_source" | "unbind_data_source" => A::DataSourceBind,
        "sample_data_source" => A::DataSourceSample,
        "list_keys" => A::PlatformObserve,
        "rotate_keys" => A::KeyRotate,
        "list_topics" | "get_topic" => A::TopicView,
        "create_topic" => A::TopicCreate,
        "edit_topic" => A::TopicEdit,
        "delete_topic" => A::TopicDelete,
        "ensure_topic" => A::TopicEnsure,
        "list_plugins" | "get_plugin" | "list_plugin_versions" | "list_plugin_uses" => A::PluginView,
        "get_plugin_icon" | "get_plugin_documentation" => A::PluginView,
        "upload_plugin" => A::PluginUpload,
        "delete_plugin" | "delete_plugin_version" => A::PluginDelete,
        "list_resources" | "get_resource" | "list_resource_versions" | "preview_resource" | "download_resource" | "list_resource_uses" => {
            A::ResourceView
        }
        "upload_resource" => A::ResourceUpload,
        "delete_resource" => A::ResourceDelete,
        "list_functions" | "get_function" | "list_function_versions" => A::FunctionView,
        "list_tenant_functions" | "get_tenant_function" | "list_tenant_function_versions" => A::FunctionView,
        "get_function_icon" | "get_tenant_function_icon" => A::FunctionView,
        "get_function_documentation" | "get_tenant_function_documentation" => A::FunctionView,
        "create_function" | "add_function_version" => A::FunctionCreate,
        "edit_function" => A::FunctionEdit,
        "delete_function" => A::FunctionDelete,
        "create_tenant_function" | "edit_tenant_function" | "delete_tenant_function" | "add_tenant_function_version" => A::FunctionShare,
        "list_templates" | "get_template" | "list_template_versions" | "complete_template" | "list_template_uses" => A::TemplateView,
        "create_template" | "edit_template" | "delete_template" | "add_template_version" => A::TemplateEdit,
        "list_quotas" => A::QuotaView,
        "set_quota" => A::QuotaEdit,
        "list_jobs" | "get_job" | "validate_job" | "explain_sql" | "list_job_versions" | "get_job_version" => A::JobView,
        "get_job_lock" | "diff_job" | "list_folders" => A::JobView,
        "create_job" | "copy_job" | "create_folder" => A::JobCreate,
        "edit_job" | "change_job_lock" | "list_kept_drafts" | "restore_kept_draft" | "discard_kept_draft" | "move_job" | "move_folder" => {
            A::JobEdit
        }
        "delete_job" | "delete_folder" => A::JobDelete,
        "submit_job" => A::JobSubmit,
        "create_instance" | "delete_instance" => A::InstanceCreate,
        "start_instance" | "set_restart_policy" => A::InstanceStart,
        "stop_instance" => A::InstanceStop,
        "list_instances"
        | "get_instance"
        | "instance_metrics"
        | "instance_checkpoints"
        | "instance_exceptions"
        | "list_savepoints"
        | "instance_graph"
        | "instance_configuration"
        | "instance_history"
        | "instance_logs"
        | "follow_instance_logs"
        | "savepoint_compatibility" => A::InstanceView,
        "create_savepoint" => A::SavepointCreate,
        "preview_topic" | "preview_job" => A::DataPreview,
        "tap_instance" => A::InstanceTap,
        "begin_unit_test" | "cancel_unit_test" => A::UnitTestRun,
        "list_unit_tests" | "get_unit_test" | "list_unit_test_rows" => A::UnitTestView,
        "set_temp_table_settings" => A::TempTableConfigure,
        "create_temp_table" | "edit_temp_table" => A::TempTableEdit,
        "delete_temp_table" => A::TempTableDelete,
        "preview_temp_table" => A::DataPreview,
        "get_temp_table_settings" | "list_temp_tables" | "get_temp_table" | "get_temp_table_size" => A::TempTableView,
        "delete_savepoint" => A::SavepointDelete,
        "list_releases" | "get_release" => A::ReleaseView,
        "request_release" => A::ReleaseRequest,
        "go_live" => A::ReleaseGoLive,
        "take_offline" => A::ReleaseTakeOffline,
        "create_token" => A::TokenCreate,
        "revoke_token" => A::TokenRevoke,
        "list_tokens" => A::TokenView,
        "list_approvals" | "count_approvals" | "get_approval" => A::ApprovalView,
        "approve_approval" | "reject_approval" => A::ApprovalDecide,
        "withdraw_approval" => A::ApprovalWithdraw,
        "list_databases" | "get_database" => A::DatabaseView,
        "create_database" => A::DatabaseCreate,
        "edit_database" => A::DatabaseEdit,
        "delete_database" => A::DatabaseDelete,
        "publish_database" => A::DatabasePublish,
        "list_publications" | "check_publish" => A::TopicView,
        "publish_topic" => A::TablePublish,
        "retire_topic" => A::TablePublishDecide,
        "list_tables" | "get_table" | "list_permissions" => A::CatalogView,
        "apply_for_permission" => A::PermissionApply,
        "list_grants" | "list_temp_table_grants" => A::PermissionView,
        "set_grants" | "revoke_grant" | "set_access" => A::PermissionGrant,
        "set_temp_table_grants" | "revoke_temp_table_grant" | "set_temp_table_access" => A::PermissionGrant,
        "list_audit" | "export_audit" => A::AuditView,
        "list_platform_audit" | "export_platform_audit" => A::PlatformAudit,
        "list_users" | "get_user" => A::UserView,
        "create_user" => A::UserCreate,
        "edit_user" => A::UserEdit,
        "delete_user" => A::UserDelete,
        "reset_user_password" => A::UserResetPassword,
        "get_user_roles" => A::RoleView,
        "set_user_roles" => A::RoleGrant,
        "list_platform_users" | "create_platform_user" | "get_platform_user" | "edit_platform_user" | "delete_platform_user" => {
            A::PlatformUsers
        }
        "reset_platform_user_password" | "get_platform_user_roles" | "set_platform_user_roles" => A::PlatformUsers,
        "list_platform_tokens" | "revoke_platform_token" => A::PlatformUsers,
        "list_identity_providers" | "list_identities" => A::SignInView,
        "set_identity_provider" | "delete_identity_provider" | "link_identity" | "unlink_identity" => A::SignInEdit,
        "list_platform_identities" | "link_platform_identity" | "unlink_platform_identity" => A::PlatformSignIn,
        "list_platform_identity_providers" | "set_platform_identity_provider" | "delete_platform_identity_provider" => A::PlatformSignIn,
        "list_members" => A::MemberView,
        "set_member" | "remove_member" => A::MemberEdit,
        "list_services" => A::ServiceView,
        "set_service" | "remove_service" => A::ServiceEdit,
        "list_project_quotas" => A::QuotaView,
        "set_project_quota" => A::QuotaShare,
        "search" | "get_table_page" | "get_lineage" => A::CatalogView,
        "list_lineage_events" => A::InstanceView,
        "list_quality_rules" | "get_quality_rule" | "list_quality_rule_versions" => A::TopicView,
        "create_quality_rule" | "edit_quality_rule" | "delete_quality_rule" | "publish_quality_rule" => A::QualityRuleEdit,
        "create_quality_job" => A::JobCreate,
        "list_categories" | "list_meta_models" | "get_meta_model" | "list_meta_model_versions" | "get_meta_model_managers" => {
            A::CatalogView
        }
        "list_business_data" | "get_business_data_entry" | "list_business_data_entry_versions" => A::CatalogView,
        "list_relations" | "get_relation" | "list_relation_versions" | "list_tags" | "get_tag" => A::CatalogView,
        "create_category" | "edit_category" | "delete_category" => A::CategoryManage,
        "create_meta_model" | "edit_meta_model" | "delete_meta_model" | "publish_meta_model" | "set_meta_model_managers" => {
            A::MetaModelEdit
        }
        "create_business_data_entry" | "edit_business_data_entry" => A::BusinessDataEdit,
        "delete_business_data_entry" | "publish_business_data_entry" => A::BusinessDataEdit,
        "create_relation" | "edit_relation" | "delete_relation" | "publish_relation" => A::RelationEdit,
        "create_tag" | "edit_tag" | "delete_tag" => A::TagManage,
        "attach_tag" | "detach_tag" => A::TagAttach,
        other => panic!("the test does not know which action `{other}` asks for"),
    }
}

#[tokio::test]
async fn every_endpoint_follows_the_matrix_of_roles() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let mut refused = BTreeSet::new();
    for &role in Role::ALL.iter().filter(|role| **role != Role::PlatformAdmin) {
        let token = server.token("acme", role.as_str(), None).await;
        for (method, template, operation) in endpoints() {
            let line = format!("{method} {template}");
            if PUBLIC.contains(&line.as_str()) || OWN.contains(&line.as_str()) || SIGN_IN.contains(&line.as_str()) {
                continue;
            }
            if is_personal(&template) {
                let answer =
                    server.send(request(Some(&token), method.clone(), &filled(&template, &instance), &json!({"wrong": 1}), None)).await;
                assert_eq!(answer.problem(), (403, "session.required"), "{line}: {answer:?}");
                continue;
            }
            let action = action_of(&operation);
            // A body that is always wrong: who is allowed gets past authorization and no further.
            let changes = !matches!(method, Method::GET);
            let path = if changes { filled(&template, "ins_none").replace("/clean-clicks", "/none") } else { filled(&template, &instance) };
            let may = permits(role, action);
            if changes && may {
                continue;
            }
            let answer = server.send(request(Some(&token), method.clone(), &path, &json!({"wrong": 1}), None)).await;
            if may && NOT_FURNISHED.iter().any(|name| template.contains(name)) {
                assert_eq!(answer.problem().0, 404, "{role} {line}: {answer:?}");
            } else if may {
                assert!(answer.status.is_success(), "{role} {line}: {answer:?}");
            } else {
                assert_eq!(answer.problem(), (403, "access.forbidden"), "{role} {line}: {answer:?}");
                refused.insert(action.as_str());
            }
        }
    }
    let audit = server.get(&server.admin, "/api/v1/tenants/acme/audit?outcome=refused&limit=200").await.ok();
    let mut logged: BTreeSet<_> = audit["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    // What a token cannot do at all belongs to no action.
    logged.remove("request.refused");
    assert!(logged.is_subset(&refused) && logged.len() >= 15, "{logged:?}");
}

#[tokio::test]
async fn allowed_roles_get_past_authorization_when_they_change_things() {
    let server = Server::start().await;
    let instance = server.furnish("acme").await;
    let token = server.token("acme", "tenant_admin", None).await;
    for (method, template, operation) in endpoints().into_iter().filter(|(method, ..)| *method != Method::GET) {
        // What the tenant's administrator may not do, and what closes the doors of those that follow.
        let others = ["create_tenant", "set_tenant_grants", "archive_project", "set_quota", "remove_service", "sign_in", "rotate_keys"];
        if others.contains(&operation.as_str()) || template.starts_with("/api/v1/platform/") || is_personal(&template) {
            continue;
        }
        let path = filled(&template, &instance);
        let answer = server.send(request(Some(&token), method.clone(), &path, &json!({"wrong": 1}), None)).await;
        assert!(!matches!(answer.status.as_u16(), 401 | 403 | 500), "{method} {template}: {answer:?}");
    }
}

#[tokio::test]
async fn token_scopes_narrow_and_nobody_gives_more_than_they_have() {
    let server = Server::start().await;
    server.furnish("acme").await;
    let tokens = "/api/v1/tenants/acme/tokens";
    let body = json!({"name": "looker", "role": "tenant_admin", "scopes": ["read"]});
    let issued = server.post(&server.admin, tokens, body).await.ok();
    let looker = issued["secret"].as_str().unwrap();
    assert_eq!(issued["scopes"], json!([TokenScope::Read.as_str()]));
    server.get(looker, "/api/v1/tenants/acme/projects/web/jobs").await.ok();
    let made = server.post(looker, "/api/v1/tenants/acme/projects", json!({"name": "new"})).await;
    assert_eq!(made.problem(), (403, "access.token_scope"));

    // An administrator of the tenant whose token cannot operate cannot hand out operating rights.
    let body = json!({"name": "half", "role": "tenant_admin", "scopes": ["read", "write", "administer"]});
    let half = server.post(&server.admin, tokens, body).await.ok()["secret"].as_str().unwrap().to_owned();
    let more = server.post(&half, tokens, json!({"name": "x", "role": "developer"})).await;
    assert_eq!(more.problem(), (403, "access.forbidden"));
    let less = server.post(&half, tokens, json!({"name": "x", "role": "member"})).await.ok();
    let platform = server.post(&server.admin, tokens, json!({"name": "x", "role": "platform_admin"})).await;
    assert_eq!(platform.problem(), (422, "request.invalid"));

    let id = less["id"].as_str().unwrap();
    let secret = less["secret"].as_str().unwrap();
    server.get(secret, "/api/v1/me").await.ok();
    let revoked = server.call(&half, Method::DELETE, &format!("{tokens}/{id}"), Value::Null).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(secret, "/api/v1/me").await.problem(), (401, "token.required"));
    let listed = server.get(&half, tokens).await.ok();
    assert!(!listed.to_string().contains("secret"), "{listed}");
}
