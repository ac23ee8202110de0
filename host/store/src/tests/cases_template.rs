//! Templates: private and the tenant's, with versions (EXT-2).

use super::{Fixture, ann, name};
use crate::{Cause, NewTemplate, PageRequest, StoreError, TemplateFilter, TemplateReader};
use millrace_domain::template::{TemplateLanguage, Visibility};
use serde_json::json;

fn bob() -> Cause {
    Cause { actor: "usr_bob".into(), actor_name: "bob".into(), request_id: None }
}

fn reader(cause: &Cause, sees_all: bool) -> TemplateReader {
    TemplateReader { user: cause.actor.clone(), sees_all }
}

fn new(of: &str, visibility: Visibility, language: TemplateLanguage) -> NewTemplate {
    NewTemplate {
        name: name(of),
        visibility,
        language,
        world: "etl-operator".into(),
        description: String::new(),
        text: "{{content}}".into(),
        parameters: json!({"content": {"type": "code"}}),
    }
}

pub(super) async fn a_private_template_is_its_owners(fixture: Fixture) {
    let store = &fixture.store;
    let tenant = fixture.project("acme", "web").await.tenant;
    let (private, shared) = (Visibility::Private, Visibility::Tenant);
    let anns = store.create_template(&ann(), &tenant, &new("mask", private, TemplateLanguage::Java)).await.unwrap();
    let bobs = store.create_template(&bob(), &tenant, &new("mask", private, TemplateLanguage::Scala)).await.unwrap();
    let taken = store.create_template(&ann(), &tenant, &new("mask", private, TemplateLanguage::Java)).await.unwrap_err();
    assert!(matches!(taken, StoreError::AlreadyExists { what: "template", .. }));
    let id = async |by: &TemplateReader, of: &str| store.template(&tenant, by, of).await.map(|t| t.id);
    assert_eq!(id(&reader(&ann(), false), "mask").await.unwrap(), anns.id);
    assert_eq!(id(&reader(&bob(), false), "mask").await.unwrap(), bobs.id);
    assert!(matches!(id(&reader(&ann(), false), bobs.id.as_str()).await, Err(StoreError::NotFound { .. })));
    assert_eq!(id(&reader(&ann(), true), bobs.id.as_str()).await.unwrap(), bobs.id, "an administrator sees all");
    let foreign = fixture.project("bolt", "web").await.tenant;
    assert!(store.template(&foreign, &reader(&ann(), true), anns.id.as_str()).await.is_err());

    let published = store.change_template(&bob(), &tenant, &bobs.id, ("masks", shared)).await.unwrap();
    assert_eq!((published.visibility, published.description.as_str()), (shared, "masks"));
    assert_eq!(id(&reader(&ann(), false), "mask").await.unwrap(), anns.id, "one's own comes first");
    let other = Cause { actor: "usr_eve".into(), ..bob() };
    assert_eq!(id(&reader(&other, false), "mask").await.unwrap(), bobs.id);
    let second = store.change_template(&ann(), &tenant, &anns.id, ("", shared)).await.unwrap_err();
    assert!(matches!(second, StoreError::AlreadyExists { what: "template", .. }), "{second}");

    let listed = async |by: &TemplateReader, language: Option<TemplateLanguage>| {
        let filter = TemplateFilter { language, world: Some("etl-operator".into()) };
        let page = store.templates(&tenant, by, &filter, &PageRequest::default()).await.unwrap();
        page.items.into_iter().map(|t| t.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&reader(&ann(), false), None).await, [bobs.id.clone(), anns.id.clone()]);
    assert_eq!(listed(&reader(&other, false), None).await, std::slice::from_ref(&bobs.id));
    assert_eq!(listed(&reader(&ann(), false), Some(TemplateLanguage::Java)).await, std::slice::from_ref(&anns.id));
}

pub(super) async fn templates_have_versions(fixture: Fixture) {
    let store = &fixture.store;
    let tenant = fixture.project("acme", "web").await.tenant;
    let made = store.create_template(&ann(), &tenant, &new("mask", Visibility::Private, TemplateLanguage::Java)).await.unwrap();
    let parameters = json!({"content": {"type": "code"}});
    let same = store.add_template_version(&ann(), &tenant, &made.id, ("{{content}}", &parameters)).await.unwrap();
    assert_eq!(same.latest.number, 1);
    let second = store.add_template_version(&ann(), &tenant, &made.id, ("x {{content}}", &parameters)).await.unwrap();
    assert_eq!((second.latest.number, second.latest.text.as_str()), (2, "x {{content}}"));
    let numbers: Vec<_> = store.template_versions(&tenant, &made.id).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(numbers, [2, 1]);
    store.delete_template(&ann(), &tenant, &made.id).await.unwrap();
    assert!(matches!(store.delete_template(&ann(), &tenant, &made.id).await, Err(StoreError::NotFound { .. })));
    store.create_template(&ann(), &tenant, &new("mask", Visibility::Private, TemplateLanguage::Java)).await.unwrap();
}
