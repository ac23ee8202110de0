//! Catalog search: kinds of things that can be found, who finds what, and how a query is understood.
//!
//! Invariant: what somebody wrote into the search box never becomes a pattern by accident: `%`, `_` and `\` are plain
//! characters.

use crate::{
    access::{Principal, ProjectScope, Scope},
    action::Action,
    text_enum::text_enum,
};
use millrace_model::ids::TenantId;
use std::collections::BTreeSet;

/// Most characters of a query.
pub const QUERY_CHARACTERS_MAX: usize = 200;
/// Most words of a query; all of them must be in what is found.
pub const QUERY_WORDS_MAX: usize = 4;

text_enum! {
    /// What can be found.
    SearchKind, "kind of thing", {
        /// A table or topic.
        Table = "table",
        /// A temp table.
        TempTable = "temp_table",
        /// A job.
        Job = "job",
        /// A function of SQL.
        Function = "function",
        /// An uploaded resource.
        Resource = "resource",
        /// A template.
        Template = "template",
        /// A data source.
        DataSource = "data_source",
        /// A plugin.
        Plugin = "plugin",
        /// A project.
        Project = "project",
        /// A category of business metadata.
        Category = "category",
        /// A meta-model of business data.
        MetaModel = "meta_model",
        /// A business data entry.
        BusinessData = "business_data",
        /// A relation of metadata.
        Relation = "relation",
        /// A quality rule.
        QualityRule = "quality_rule",
        /// A tag.
        Tag = "tag",
    }
}

text_enum! {
    /// Who finds a thing.
    Audience, "audience", {
        /// Everybody in the tenant: the catalog.
        Tenant = "tenant",
        /// Who sees the project.
        Project = "project",
        /// Who works in the project: its jobs and what they are made of.
        Workers = "workers",
        /// Its owner.
        Owner = "owner",
    }
}

/// Most bytes of a word by which something is found; what is longer is cut.
pub const WORD_BYTES_MAX: usize = 32;
/// Most words by which one thing is found.
pub const WORDS_MAX: usize = 400;

/// How well a word fits what it was found in; less is better.
pub const RANKS: [i64; 4] = [1, 2, 3, 4];

/// A word as the index has it: hexadecimal, so that what begins with a word is one range whatever the collation is.
pub fn indexed(word: &str) -> String {
    use std::fmt::Write;
    word.bytes().take(WORD_BYTES_MAX).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The words by which a thing is found, with their ranks: its name, the rest of the name from each character, words of its
/// columns, words of what else is said of it. All texts are in lower case.
pub fn words_of(name: &str, columns: &str, other: &str) -> BTreeSet<(i64, String)> {
    let mut words = BTreeSet::from([(1, indexed(name))]);
    words.extend(name.char_indices().skip(1).map(|(at, _)| (2, indexed(name.get(at..).unwrap_or_default()))));
    for (rank, text) in [(3, columns), (4, other)] {
        for word in text.split_whitespace() {
            let parts = word.match_indices(|c: char| !c.is_alphanumeric()).map(|(at, mark)| at + mark.len());
            for at in std::iter::once(0).chain(parts) {
                let part = word.get(at..).unwrap_or_default();
                if part.starts_with(char::is_alphanumeric) && words.len() < WORDS_MAX {
                    words.insert((rank, indexed(part)));
                }
            }
        }
    }
    words
}

/// A query, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchWords {
    /// The first word: ranks what is found.
    pub first: String,
    /// `LIKE` patterns of the other words, each found anywhere; as many as there can be, those without a word match everything.
    pub anywhere: [String; QUERY_WORDS_MAX - 1],
}

impl SearchWords {
    /// Reads a query; an empty one matches everything.
    pub fn of(query: &str) -> Self {
        // PostgreSQL takes no NUL in a text, and nobody looks for control characters.
        let shown = query.chars().take(QUERY_CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c });
        let lower = shown.collect::<String>().to_lowercase();
        let mut words = lower.split_whitespace();
        let first = words.next().unwrap_or_default().to_owned();
        let mut anywhere = [const { String::new() }; QUERY_WORDS_MAX - 1];
        for (place, word) in anywhere.iter_mut().zip(words.map(Some).chain(std::iter::repeat(None))) {
            *place = word.map_or_else(|| "%".to_owned(), |word| format!("%{}%", escaped(word)));
        }
        Self { first, anywhere }
    }

    /// The range of indexed words that begin with the first word: from the first to before the second.
    pub fn range(&self) -> (String, String) {
        let from = indexed(&self.first);
        let to = format!("{from}g");
        (from, to)
    }
}

/// The word as a part of a `LIKE` pattern whose escape character is `\`.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What a caller may find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    /// Id of the user.
    pub user: String,
    /// They see every project.
    pub sees_all: bool,
    /// They work in every project.
    pub works_everywhere: bool,
    /// They work somewhere in the tenant.
    pub works_somewhere: bool,
    /// Projects that they see, besides.
    pub seen: BTreeSet<String>,
    /// Projects that they work in, besides.
    pub worked: BTreeSet<String>,
}

impl Sight {
    /// What `principal` may find in `tenant`.
    pub fn of(principal: &Principal, tenant: &TenantId) -> Self {
        let place = Scope::Tenant(tenant.clone());
        let mut sight = Self {
            user: principal.user.clone(),
            sees_all: principal.allowed(Action::ProjectView, &place),
            works_everywhere: principal.allowed(Action::JobView, &place),
            ..Self::default()
        };
        sight.works_somewhere = sight.works_everywhere;
        for grant in &principal.grants {
            let Scope::Project(ProjectScope { tenant: of, project }) = &grant.scope else { continue };
            if of != tenant {
                continue;
            }
            if principal.allowed(Action::ProjectView, &grant.scope) {
                sight.seen.insert(project.as_str().to_owned());
            }
            if principal.allowed(Action::JobView, &grant.scope) {
                sight.works_somewhere = true;
                sight.worked.insert(project.as_str().to_owned());
            }
        }
        sight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::Grant, action::TokenScope, role::Role};
    use millrace_model::ids::ProjectId;

    #[test]
    fn a_query_is_words_without_patterns() {
        let words = SearchWords::of("  Web_Clicks 100% ");
        assert_eq!(words.first, "web_clicks");
        assert_eq!(words.anywhere, ["%100\\%%", "%", "%"].map(str::to_owned));
        assert_eq!(SearchWords::of("a b c d e").anywhere[2], "%d%");
        assert_eq!(SearchWords::of("ab\0").range(), ("6162".to_owned(), "6162g".to_owned()));
    }

    #[test]
    fn a_thing_is_found_by_the_beginnings_of_its_words() {
        let words = words_of("web_c", "user_id the user's number\nms", "Seen-on pages!".to_lowercase().as_str());
        let found = |rank: i64, word: &str| words.contains(&(rank, indexed(word)));
        assert!(found(1, "web_c") && found(2, "eb_c") && found(2, "c") && !found(1, "c"));
        assert!(found(3, "user_id") && found(3, "id") && found(3, "ms") && found(3, "user's"));
        assert!(found(4, "seen-on") && found(4, "on") && found(4, "pages!"));
        assert_eq!(indexed(&"ä".repeat(40)).len(), 2 * WORD_BYTES_MAX);
        assert!(words_of("a", &(0..9_999).map(|n| format!("c{n} ")).collect::<String>(), "").len() <= WORDS_MAX);
    }

    #[test]
    fn who_finds_what_follows_the_roles() {
        let tenant = TenantId::new("a");
        let project = Scope::Project(ProjectScope::new(tenant.clone(), ProjectId::new("p")));
        let with = |role, scope: &Scope| Principal {
            user: "u".into(),
            name: "u".into(),
            on_behalf_of: None,
            grants: vec![Grant { role, scope: scope.clone() }],
            token_scopes: [TokenScope::Read].into(),
        };
        let developer = Sight::of(&with(Role::Developer, &project), &tenant);
        assert!(developer.works_somewhere && !developer.sees_all && developer.worked.contains("p"));
        let member = Sight::of(&with(Role::Member, &project), &tenant);
        assert!(!member.works_somewhere && member.seen.contains("p") && member.worked.is_empty());
        let admin = Sight::of(&with(Role::TenantAdmin, &Scope::Tenant(tenant.clone())), &tenant);
        assert!(admin.sees_all && admin.works_everywhere);
        assert_eq!(Sight::of(&with(Role::Developer, &project), &TenantId::new("b")).worked.len(), 0);
    }
}
