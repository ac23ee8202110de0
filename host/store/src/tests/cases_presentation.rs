//! What is shown of plugins and functions (EXT-7).

use super::{Fixture, ann, name};
use crate::{FunctionChange, FunctionScope, NewFunctionVersion, NewPluginVersion, Plugin, Store};
use millrace_domain::{
    ProjectScope, Quota,
    function::FunctionState,
    icon::{Icon, IconFormat},
    presentation::{GivenPresentation, Part},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn icon(bytes: &[u8]) -> Part<Icon> {
    Part::Given(Icon { format: IconFormat::Svg, bytes: bytes.to_vec() })
}

async fn push(store: &Store, scope: &ProjectScope, component: &[u8], presentation: GivenPresentation) -> Plugin {
    let new = NewPluginVersion {
        name: name("clean"),
        description: None,
        content_hash: format!("h{}", component.len()),
        world: "etl-operator".into(),
        wit_version: "0.1.0".into(),
        component,
        presentation,
    };
    store.add_plugin_version(&ann(), scope, &new).await.unwrap()
}

async fn used(store: &Store, scope: &ProjectScope) -> i64 {
    store.project_quotas(scope).await.unwrap().into_iter().find(|q| q.quota == Quota::StorageBytes).unwrap().used
}

pub(super) async fn what_is_shown_comes_and_goes_with_its_versions(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    let shown = GivenPresentation {
        icon: icon(b"<svg/>"),
        parameters: Part::Given("{\"type\": \"object\"}".into()),
        documentation: Part::Given("# Clean\n\nDrops bots.".into()),
    };
    let first = push(store, &scope, b"one", shown.clone()).await.latest;
    assert_eq!((first.number, first.presentation.summary.as_str()), (1, "Drops bots."));
    assert_eq!(first.presentation.parameters.as_deref(), Some("{\"type\": \"object\"}"), "as it was written");
    assert_eq!(store.icon(&scope.tenant, &first.presentation).await.unwrap().1, b"<svg/>");
    assert_eq!(store.documentation(&scope.tenant, &first.presentation).await.unwrap(), "# Clean\n\nDrops bots.");
    assert_eq!(used(store, &scope).await, 3 + 6 + 20, "all of it counts");

    assert_eq!(push(store, &scope, b"one", shown).await.latest.number, 1, "the same again adds nothing");
    assert_eq!(push(store, &scope, b"one", GivenPresentation::default()).await.latest.number, 1, "nothing given keeps everything");
    let second = push(store, &scope, b"second", GivenPresentation::default()).await.latest;
    assert_eq!((second.number, &second.presentation), (2, &first.presentation));
    let other = GivenPresentation { icon: icon(b"<svg />"), documentation: Part::Gone, ..GivenPresentation::default() };
    let plugin = push(store, &scope, b"second", other).await;
    let third = &plugin.latest.presentation;
    assert_eq!((plugin.latest.number, third.summary.as_str(), third.parameters.is_some()), (3, "", true));
    assert!(store.documentation(&scope.tenant, third).await.is_err());
    let listed = store.plugin_versions(&scope, &plugin.id).await.unwrap();
    assert_eq!(listed.iter().map(|v| v.presentation.icon.is_some()).collect::<Vec<_>>(), [true; 3]);
    assert_eq!(store.plugin_version(&scope, "clean", 3).await.unwrap(), plugin.latest);
    assert!(store.plugin_version(&scope, "clean", 4).await.is_err());

    store.delete_plugin_version(&ann(), &scope, &plugin.id, 1).await.unwrap();
    let elsewhere = store.documentation(&scope.tenant, &second.presentation).await;
    assert!(elsewhere.is_ok(), "the second version shows it still");
    store.delete_plugin_version(&ann(), &scope, &plugin.id, 2).await.unwrap();
    assert!(store.documentation(&scope.tenant, &second.presentation).await.is_err());
    assert_eq!(used(store, &scope).await, 6 + 7);
    store.delete_plugin(&ann(), &scope, &plugin.id).await.unwrap();
    assert_eq!(used(store, &scope).await, 0);
}

pub(super) async fn functions_show_what_they_were_given(fixture: Fixture) {
    let store = &fixture.store;
    let scope = fixture.project("acme", "web").await;
    push(store, &scope, b"one", GivenPresentation::default()).await;
    let functions = FunctionScope::Project(scope.clone());
    let said = FunctionChange { description: String::new(), attributes: BTreeMap::new(), state: FunctionState::Enabled };
    let function = store.create_function(&ann(), &functions, &name("clean"), &said).await.unwrap().id;
    let version = |presentation: GivenPresentation| NewFunctionVersion {
        content_hash: "h3".into(),
        world: "scalar-function".into(),
        wit_version: "0.1.0".into(),
        size_bytes: 3,
        signatures: json!([]),
        origin: json!({}),
        source: Value::Null,
        presentation,
    };
    let shown = GivenPresentation { icon: icon(b"<svg/>"), documentation: Part::Given("Cleans.".into()), ..GivenPresentation::default() };
    let first = store.add_function_version(&ann(), &functions, &function, &version(shown)).await.unwrap();
    assert_eq!((first.number, first.presentation.summary.as_str()), (1, "Cleans."));
    let same = store.add_function_version(&ann(), &functions, &function, &version(GivenPresentation::default())).await.unwrap();
    assert_eq!(same, first);
    let gone = GivenPresentation { icon: Part::Gone, ..GivenPresentation::default() };
    let second = store.add_function_version(&ann(), &functions, &function, &version(gone)).await.unwrap();
    assert_eq!((second.number, &second.presentation.icon, second.presentation.summary.as_str()), (2, &None, "Cleans."));
    assert_eq!(store.function_version(&scope.tenant, &function, 1).await.unwrap(), first);
    assert_eq!(store.function(&functions, "clean").await.unwrap().latest, Some(second));
    store.delete_function(&ann(), &functions, &function).await.unwrap();
    assert_eq!(used(store, &scope).await, 3, "what was shown has gone");
}
