//! Relations of business data to business data, and of business data to tables and columns.

use super::{DESCRIPTION_CHARACTERS_MAX, Wrong, check_length};
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What a relation leads to.
    RelationEndKind, "end of a relation", {
        /// An entry of business data.
        BusinessData = "business_data",
        /// A table of the catalog, or a column of one.
        Table = "table",
    }
}

/// One end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationEnd {
    /// What it is.
    pub kind: RelationEndKind,
    /// Its id.
    pub id: String,
    /// A column of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// A relation. Its name is the word for it: `describes`, `part-of`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// Where it begins: business data.
    pub from: RelationEnd,
    /// Where it leads to.
    pub to: RelationEnd,
    /// What it means.
    #[serde(default)]
    pub description: String,
}

impl Relation {
    /// Everything wrong with it that can be seen without looking its ends up.
    pub fn check(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        check_length("description", &self.description, DESCRIPTION_CHARACTERS_MAX, &mut wrong);
        if self.from.kind != RelationEndKind::BusinessData {
            wrong.push(Wrong::new("from.kind", format!("is {}; a relation begins at business_data", self.from.kind)));
        }
        if self.from == self.to {
            wrong.push(Wrong::new("to", "is where the relation begins; nothing is related to itself"));
        }
        for (field, end) in [("from.column", &self.from), ("to.column", &self.to)] {
            if end.column.is_some() && end.kind != RelationEndKind::Table {
                wrong.push(Wrong::new(field, "belongs to a table; business data has no columns"));
            }
        }
        wrong
    }
}
