//! What kinds say of themselves fits what they take.
#![allow(clippy::unwrap_used)] // a test that cannot go on has failed

mod answers;

use millrace_connector::{FieldType, KindGroup};
use millrace_connector_systems::kinds;
use millrace_dial::{Dialer, NetworkPolicy};
use std::collections::BTreeSet;

/// SRC-1 and SRC-3 without Kafka, which is a crate of its own.
const WANTED: &[&str] =
    &["clickhouse", "doris", "elasticsearch", "ftp", "greenplum", "hbase", "hive", "http", "mysql", "oracle", "postgresql", "redis", "s3"];

#[test]
fn every_kind_is_there_and_described() {
    let all = kinds(&Dialer::new(NetworkPolicy::default()));
    let names: BTreeSet<_> = all.iter().map(|k| k.spec().kind).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), WANTED);
    for kind in all {
        let spec = kind.spec();
        let mut fields = BTreeSet::new();
        for field in spec.fields {
            assert!(fields.insert(field.name), "{}: `{}` is there twice", spec.kind, field.name);
            assert!(!field.label.is_empty() && field.description.len() > 10, "{}.{}", spec.kind, field.name);
            assert!(!(field.required && field.default.is_some()), "{}.{}", spec.kind, field.name);
            if let (FieldType::Choice { values }, Some(default)) = (field.field_type, field.default) {
                assert!(values.contains(&default), "{}.{}", spec.kind, field.name);
            }
        }
        assert!(spec.description.contains("test"), "{}", spec.kind);
        assert!(!kind.check(&Default::default()).is_empty(), "{}: something must be required", spec.kind);
        assert_ne!(spec.group, KindGroup::MessageQueue);
    }
}
