//! What tenants and plugins may do beyond computing.

use super::{Fixture, ann, cases_definition::everything};
use crate::{AuditQuery, PageRequest, StoreError};
use millrace_domain::capability::{ANY, Folder, FolderUse, PluginCapabilities, TenantCapabilities};
use sqlx::Row;

fn bounds() -> TenantCapabilities {
    TenantCapabilities {
        clock: true,
        http: [ANY.to_owned()].into(),
        secrets: ["api-key".to_owned()].into(),
        folders: [("out".to_owned(), Folder { path: "/data/out".into(), writable: true })].into(),
    }
}

fn wanted(key: &str) -> PluginCapabilities {
    PluginCapabilities {
        clock: true,
        http: ["api.example.com".to_owned()].into(),
        secrets: [("api-key".to_owned(), key.to_owned())].into(),
        folders: [("out".to_owned(), FolderUse { writable: true })].into(),
    }
}

pub(super) async fn grants_stay_within_the_tenant_and_secrets_sealed(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    everything(store, &scope).await;
    let plugin = store.plugin(&scope, "clean").await.unwrap().id;
    let set = |new: PluginCapabilities| {
        let plugin = &plugin;
        let scope = &scope;
        async move { store.set_plugin_capabilities(&ann(), scope, plugin, &new).await }
    };
    assert_eq!(store.plugin_capabilities(&scope, &plugin).await.unwrap(), PluginCapabilities::default(), "nothing is granted at first");
    let error = set(wanted("s3cret")).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid { field: "clock", .. }), "{error}");
    store.set_tenant_capabilities(&ann(), &scope.tenant, &bounds()).await.unwrap();
    assert!(matches!(set(wanted("***")).await, Err(StoreError::Invalid { field: "secrets", .. })), "there is no value to keep");
    set(wanted("s3cret")).await.unwrap();
    assert_eq!(store.plugin_capabilities(&scope, &plugin).await.unwrap(), wanted("***"));
    set(wanted("***")).await.unwrap();
    assert_eq!(store.granted(&scope, &plugin).await.unwrap(), (wanted("s3cret"), bounds()));
    let row = sqlx::query("SELECT capabilities FROM plugin_capabilities").fetch_one(&store.pool).await.unwrap();
    assert!(!row.get::<String, _>("capabilities").contains("s3cret"));

    // What is taken from the tenant is taken from its plugins, without touching them.
    store
        .set_tenant_capabilities(&ann(), &scope.tenant, &TenantCapabilities { clock: true, ..TenantCapabilities::default() })
        .await
        .unwrap();
    let left = PluginCapabilities { clock: true, ..PluginCapabilities::default() };
    assert_eq!(store.granted(&scope, &plugin).await.unwrap().0, left);

    let other = fixture.project("bolt", "web").await;
    assert_eq!(store.plugin_capabilities(&other, &plugin).await.unwrap(), PluginCapabilities::default(), "of another tenant");
    let log = store.audit_log(&scope.tenant, &AuditQuery::default(), &PageRequest { cursor: None, limit: None }).await.unwrap();
    let of = |action: &str| log.items.iter().filter(|e| e.action == action).count();
    assert_eq!((of("tenant.grant"), of("plugin.grant")), (2, 2));
    assert!(!format!("{log:?}").contains("s3cret"));
}
