//! Search over everything that a caller may see (ROL-6).

use crate::{caller::Caller, extract::QueryString, page::Listing, problem::Problem};
use axum::{Json, extract::Path};
use millrace_domain::{
    Action,
    search::{QUERY_CHARACTERS_MAX, SearchKind, Sight},
};
use millrace_store::{Found, PageRequest, SearchQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundView {
    id: String,
    /// `table`, `temp_table`, `job`, `function`, `resource`, `template`, `data_source`, `plugin`, `project`, `category`, `meta_model`,
    /// `business_data`, `relation`, `quality_rule` or `tag`.
    kind: String,
    name: String,
    /// Shortened.
    description: String,
    /// Its project; null for what belongs to the tenant.
    project: Option<FoundPlaceView>,
    /// Where the first word was found: `name`, `name_prefix`, `name_part`, `column` or `description`.
    matched: &'static str,
    updated_at_ms: i64,
}

/// A thing by id and name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FoundPlaceView {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl FoundPlaceView {
    pub(crate) fn of((id, name): (String, String)) -> Self {
        Self { id, name }
    }
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        let matched = match found.rank {
            0 => "name",
            1 => "name_prefix",
            2 => "name_part",
            3 => "column",
            _ => "description",
        };
        Self {
            id: found.id,
            kind: found.kind.to_string(),
            name: found.name,
            description: found.description,
            project: found.project.map(FoundPlaceView::of),
            matched,
            updated_at_ms: found.updated_at_ms,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchParameters {
    /// Words; all of them must be in what is found. Nothing: everything, by name.
    #[serde(default)]
    q: String,
    /// Only things of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<SearchKind>,
    /// Only things of this project, by name or id.
    project: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items on the page: 1 to 200, 50 unless given.
    limit: Option<u32>,
}

/// Search the tenant: tables by name, columns and comments, jobs, functions, resources, templates, data sources, projects,
/// business metadata, tags. Best first: the name itself, names that begin so, names with it, columns, descriptions.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/search", tag = "catalog", params(SearchParameters), responses((status = 200, body = Listing<FoundView>)))]
pub(crate) async fn search(
    caller: Caller,
    Path(tenant): Path<String>,
    query: QueryString<SearchParameters>,
) -> Result<Json<Listing<FoundView>>, Problem> {
    let tenant = caller.in_tenant(&tenant, Action::CatalogView).await?;
    let query = query.parse()?;
    if query.q.chars().count() > QUERY_CHARACTERS_MAX {
        return Err(Problem::field("q", "request.invalid", format!("is longer than {QUERY_CHARACTERS_MAX} characters")));
    }
    let project = match &query.project {
        None => None,
        Some(project) => Some(caller.api.store.project(&tenant, project).await?.scope.project.to_string()),
    };
    let wanted = SearchQuery { text: query.q, kind: query.kind, project };
    let sight = Sight::of(&caller.principal, &tenant);
    let page = PageRequest { cursor: query.cursor, limit: query.limit };
    Ok(Listing::of(caller.api.store.search(&tenant, &sight, &wanted, &page).await?))
}
