//! What changes between two versions of a table's schema, and whom each change breaks.
//!
//! Invariants: *backward* is about jobs that are planned with the new version and read rows written before; *forward* about
//! jobs that still use the old version and read rows written after. A change that this module does not know to be harmless
//! is breaking.

use crate::text_enum::text_enum;
use millrace_model::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};

text_enum! {
    /// What a new version of a schema must keep working.
    Compatibility, "compatibility", {
        /// New readers, old rows.
        Backward = "backward",
        /// Old readers, new rows.
        Forward = "forward",
        /// Both.
        Full = "full",
        /// Nothing.
        None = "none",
    }
}

text_enum! {
    /// What happened to a column.
    ColumnChangeKind, "kind of change", {
        /// It is new.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// Its type is another.
        Retyped = "retyped",
        /// It may be NULL now.
        NullAllowed = "null_allowed",
        /// It may not be NULL any more.
        NullForbidden = "null_forbidden",
        /// It means something else.
        Commented = "commented",
        /// It stands at another place.
        Moved = "moved",
    }
}

text_enum! {
    /// Whom a change breaks.
    Verdict, "verdict", {
        /// Nobody.
        Compatible = "compatible",
        /// Jobs with the new version that read old rows.
        BreaksBackward = "breaks_backward",
        /// Jobs with the old version that read new rows.
        BreaksForward = "breaks_forward",
        /// Both.
        BreaksBoth = "breaks_both",
    }
}

/// One change of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// What happened.
    pub change: ColumnChangeKind,
    /// From what to what.
    pub detail: String,
    /// Whom it breaks.
    pub verdict: Verdict,
    /// Whether the wanted compatibility forbids it.
    pub breaking: bool,
}

/// All changes between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChanges {
    /// What the new version had to keep working.
    pub compatibility: Compatibility,
    /// Whether it does.
    pub compatible: bool,
    /// The changes, in the order of the new columns, removed ones last.
    pub changes: Vec<ColumnChange>,
}

/// Compares `new` with `old`; for a first version there is nothing to break.
pub fn compare(old: Option<&Schema>, new: &Schema, compatibility: Compatibility) -> SchemaChanges {
    let mut changes = Vec::new();
    if let Some(old) = old {
        let found = |schema: &Schema, name: &str| schema.fields().iter().find(|f| f.name == name).cloned();
        for field in new.fields() {
            match found(old, &field.name) {
                None => changes.push(added(field)),
                Some(before) => changes.extend(altered(&before, field)),
            }
        }
        let kept = |of: &Schema, other: &Schema| {
            of.fields().iter().filter(|f| found(other, &f.name).is_some()).map(|f| f.name.clone()).collect::<Vec<_>>()
        };
        let (before, after) = (kept(old, new), kept(new, old));
        if before != after {
            let detail = format!("({}) became ({})", before.join(", "), after.join(", "));
            changes.push(change(after.first().map_or("", String::as_str), ColumnChangeKind::Moved, detail, Verdict::Compatible));
        }
        let removed = old.fields().iter().filter(|f| found(new, &f.name).is_none());
        changes.extend(removed.map(|f| change(&f.name, ColumnChangeKind::Removed, shown(f), Verdict::BreaksForward)));
    }
    for found in &mut changes {
        found.breaking = forbids(compatibility, found.verdict);
    }
    SchemaChanges { compatibility, compatible: changes.iter().all(|c| !c.breaking), changes }
}

const fn forbids(wanted: Compatibility, verdict: Verdict) -> bool {
    match (wanted, verdict) {
        (Compatibility::None, _) | (_, Verdict::Compatible) => false,
        (Compatibility::Full, Verdict::BreaksBackward | Verdict::BreaksForward | Verdict::BreaksBoth) => true,
        (Compatibility::Backward, verdict) => matches!(verdict, Verdict::BreaksBackward | Verdict::BreaksBoth),
        (Compatibility::Forward, verdict) => matches!(verdict, Verdict::BreaksForward | Verdict::BreaksBoth),
    }
}

fn change(column: &str, change: ColumnChangeKind, detail: String, verdict: Verdict) -> ColumnChange {
    ColumnChange { column: column.to_owned(), change, detail, verdict, breaking: false }
}

fn shown(field: &Field) -> String {
    format!("{}{}", field.data_type, if field.nullable { "" } else { " NOT NULL" })
}

/// Old rows do not have the column: that is NULL, so it must be allowed to be.
fn added(field: &Field) -> ColumnChange {
    let verdict = if field.nullable { Verdict::Compatible } else { Verdict::BreaksBackward };
    change(&field.name, ColumnChangeKind::Added, shown(field), verdict)
}

fn altered(before: &Field, after: &Field) -> Vec<ColumnChange> {
    let mut changes = Vec::new();
    if before.data_type != after.data_type {
        let verdict = match (holds(&after.data_type, &before.data_type), holds(&before.data_type, &after.data_type)) {
            (true, true) => Verdict::Compatible,
            (true, false) => Verdict::BreaksForward,
            (false, true) => Verdict::BreaksBackward,
            (false, false) => Verdict::BreaksBoth,
        };
        let detail = format!("{} became {}", before.data_type, after.data_type);
        changes.push(change(&after.name, ColumnChangeKind::Retyped, detail, verdict));
    }
    match (before.nullable, after.nullable) {
        (false, true) => {
            let detail = "NOT NULL became nullable".to_owned();
            changes.push(change(&after.name, ColumnChangeKind::NullAllowed, detail, Verdict::BreaksForward));
        }
        (true, false) => {
            let detail = "nullable became NOT NULL".to_owned();
            changes.push(change(&after.name, ColumnChangeKind::NullForbidden, detail, Verdict::BreaksBackward));
        }
        (true, true) | (false, false) => {}
    }
    if before.comment != after.comment {
        let text = |of: &Field| of.comment.clone().unwrap_or_default();
        let detail = format!("`{}` became `{}`", text(before), text(after));
        changes.push(change(&after.name, ColumnChangeKind::Commented, detail, Verdict::Compatible));
    }
    changes
}

/// Whether every value of `narrow` can be read as `wide` without loss.
fn holds(wide: &DataType, narrow: &DataType) -> bool {
    use DataType as T;
    let integer = |t: &T| match t {
        T::TinyInt => Some((3, 1)),
        T::SmallInt => Some((5, 2)),
        T::Int => Some((10, 3)),
        T::BigInt => Some((19, 4)),
        _ => None,
    };
    if wide == narrow {
        return true;
    }
    if let (Some((_, wide)), Some((_, narrow))) = (integer(wide), integer(narrow)) {
        return wide >= narrow;
    }
    match (wide, narrow) {
        (T::Double, T::Float | T::TinyInt | T::SmallInt | T::Int) | (T::Float, T::TinyInt | T::SmallInt) => true,
        (T::Decimal { precision, scale }, T::Decimal { precision: p, scale: s }) => {
            scale >= s && precision.saturating_sub(*scale) >= p.saturating_sub(*s)
        }
        (T::Decimal { precision, scale }, of) => integer(of).is_some_and(|(digits, _)| precision.saturating_sub(*scale) >= digits),
        (T::Time { precision }, T::Time { precision: p })
        | (T::Timestamp { precision }, T::Timestamp { precision: p })
        | (T::TimestampLtz { precision }, T::TimestampLtz { precision: p }) => precision >= p,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fmt::Write;

    fn schema(columns: &[(&str, &str, bool)]) -> Schema {
        let columns: Vec<_> = columns.iter().map(|(n, t, nullable)| json!({"name": n, "type": t, "nullable": nullable})).collect();
        serde_json::from_value(json!(columns)).unwrap()
    }

    #[test]
    fn each_change_has_its_verdict() {
        let old = schema(&[("id", "BIGINT", false), ("n", "INT", true), ("amount", "DECIMAL(10, 2)", true), ("at", "TIMESTAMP(3)", true)]);
        type Columns<'a> = &'a [(&'a str, &'a str, bool)];
        let cases: &[(&str, Columns<'_>)] = &[
            ("nothing", &[("id", "BIGINT", false), ("n", "INT", true), ("amount", "DECIMAL(10, 2)", true), ("at", "TIMESTAMP(3)", true)]),
            (
                "nullable column added",
                &[
                    ("id", "BIGINT", false),
                    ("n", "INT", true),
                    ("amount", "DECIMAL(10, 2)", true),
                    ("at", "TIMESTAMP(3)", true),
                    ("new", "STRING", true),
                ],
            ),
            (
                "needed column added",
                &[
                    ("id", "BIGINT", false),
                    ("n", "INT", true),
                    ("amount", "DECIMAL(10, 2)", true),
                    ("at", "TIMESTAMP(3)", true),
                    ("new", "STRING", false),
                ],
            ),
            ("column removed", &[("id", "BIGINT", false), ("n", "INT", true), ("amount", "DECIMAL(10, 2)", true)]),
            (
                "column renamed",
                &[("id", "BIGINT", false), ("m", "INT", true), ("amount", "DECIMAL(10, 2)", true), ("at", "TIMESTAMP(3)", true)],
            ),
            ("types", &[("id", "INT", false), ("n", "BIGINT", true), ("amount", "DECIMAL(12, 3)", true), ("at", "STRING", true)]),
            (
                "other types",
                &[("id", "BIGINT", false), ("n", "DECIMAL(10, 0)", true), ("amount", "DECIMAL(10, 3)", true), ("at", "TIMESTAMP(6)", true)],
            ),
            ("NULLs", &[("id", "BIGINT", true), ("n", "INT", false), ("amount", "DECIMAL(10, 2)", true), ("at", "TIMESTAMP(3)", true)]),
            ("order", &[("n", "INT", true), ("id", "BIGINT", false), ("amount", "DECIMAL(10, 2)", true), ("at", "TIMESTAMP(3)", true)]),
        ];
        let mut table = String::new();
        for (case, new) in cases {
            let new = schema(new);
            let by = |wanted| if compare(Some(&old), &new, wanted).compatible { "ok" } else { "breaks" };
            let all = Compatibility::ALL.iter().map(|&c| format!("{c} {}", by(c))).collect::<Vec<_>>().join(", ");
            writeln!(table, "{case}: {all}").unwrap();
            for change in compare(Some(&old), &new, Compatibility::Full).changes {
                writeln!(table, "  {} {}: {} -> {}", change.column, change.change, change.detail, change.verdict).unwrap();
            }
        }
        insta::assert_snapshot!("schema_changes", table.trim_end());
        assert!(compare(None, &old, Compatibility::Full).compatible);
    }
}
