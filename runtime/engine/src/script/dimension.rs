//! Dimension tables that a script declares: `'connector' = 'dimension'`, and where their rows come from.
//!
//! Invariant: what such a table becomes is an entry of the graph's dimension tables, the same that a canvas would have; its
//! rows never flow.

use millrace_connector::ConfigError;
use millrace_model::{
    Field, Schema, duration_ms,
    graph::{DimensionCache, DimensionTableSpec},
};
use millrace_sql::{SourceTraits, TableDefinition, ast::CreateTable, nearest};

/// The connector's name.
pub(super) const CONNECTOR: &str = "dimension";

/// Every option that is known; `*` stands for any end.
const OPTIONS: &[&str] = &[
    "connector",
    "topic",
    "package",
    "package.version",
    "plugin",
    "plugin.version",
    "parameter.*",
    "cache",
    "cache.max-rows",
    "cache.expire-after-write",
];

/// What the binder has to know of such a table.
pub(super) fn traits(table: &CreateTable) -> SourceTraits {
    // A plugin is asked by its key; what is held in memory is found by any columns.
    let is_plugin = table.options.iter().any(|o| o.key == "plugin");
    let key = table.primary_key.as_ref().map(|k| k.columns.iter().map(|c| c.value.clone()).collect::<Vec<_>>());
    SourceTraits { is_dimension: true, lookup_keys: key.filter(|_| is_plugin), ..SourceTraits::default() }
}

/// The entry of the graph that the declaration stands for.
///
/// # Errors
/// Everything that is wrong, by option.
pub(super) fn spec(table: &TableDefinition) -> Result<DimensionTableSpec, Vec<ConfigError>> {
    let option = |name: &str| table.options.get(name).map(|value| value.trim());
    let mut errors: Vec<ConfigError> = table.options.keys().filter_map(|name| unknown(name)).collect();
    let mut wrong = |option: &str, code: &str, message: String| errors.push(ConfigError::new(option, code, message));
    let origins: Vec<&str> = ["topic", "package", "plugin"].into_iter().filter(|name| option(name).is_some()).collect();
    match origins.as_slice() {
        [_] => {}
        [] => {
            let message = "is 'dimension', so say where the rows come from: 'topic' (the newest row of each key), 'package' (an uploaded \
                           data package) or 'plugin' (an updater)";
            wrong("connector", "sql.missing_option", message.into());
        }
        [_, second, ..] => wrong(second, "sql.invalid_option", "is given beside another origin of the rows; keep one of them".into()),
    }
    if origins.first() == Some(&"topic") && table.primary_key.is_empty() {
        let message = "needs a key, as the newest row of each key is kept; declare `PRIMARY KEY (…) NOT ENFORCED` in the table";
        wrong("topic", "sql.no_primary_key", message.into());
    }
    for (version, of) in [("package.version", "package"), ("plugin.version", "plugin")] {
        if option(version).is_some() && !origins.contains(&of) {
            wrong(version, "sql.invalid_option", format!("has no meaning without '{of}'"));
        }
    }
    let cache = match option("cache").map(str::to_ascii_uppercase).as_deref() {
        None => DimensionCache::default(),
        Some("ALL") => DimensionCache::All,
        Some("LRU") => DimensionCache::Lru,
        Some(other) => {
            wrong("cache", "sql.invalid_option", format!("is '{other}', expected 'ALL' (the whole table) or 'LRU' (the keys used last)"));
            DimensionCache::default()
        }
    };
    let cache_size = option("cache.max-rows").map_or(Some(0), |text| text.parse().ok().filter(|&n| n > 0)).unwrap_or_else(|| {
        wrong("cache.max-rows", "sql.invalid_option", "is no whole number from 1".into());
        0
    });
    let cache_ttl_ms = option("cache.expire-after-write").map_or(Some(0), duration_ms).unwrap_or_else(|| {
        wrong("cache.expire-after-write", "sql.invalid_option", "is no duration such as '10 min'".into());
        0
    });
    if origins.first().is_some_and(|origin| *origin != "plugin") {
        for name in ["cache", "cache.expire-after-write"] {
            if option(name).is_some() {
                wrong(name, "sql.invalid_option", "is for rows of a plugin; those of a topic or package are all held in memory".into());
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let fields = table.physical_schema().into_iter().map(|(name, typed)| Field::new(name, typed.data_type, typed.nullable)).collect();
    let columns = Schema::new(fields).map_err(|e| vec![ConfigError::new("connector", "sql.schema_mismatch", e.to_string())])?;
    let parameter = |(key, value): (&String, &String)| Some((key.strip_prefix("parameter.")?.to_owned(), value.clone()));
    Ok(DimensionTableSpec {
        name: table.name.clone(),
        plugin: option("plugin").unwrap_or_default().to_owned(),
        package: option("package").map(str::to_owned),
        table: option("topic").map(str::to_owned),
        // An updater knows its key itself.
        primary_key: if origins.first() == Some(&"plugin") { Vec::new() } else { table.primary_key.clone() },
        // Texts of a package become what is declared; a topic's and a plugin's columns have their types.
        columns: option("package").map(|_| columns),
        version: option("package.version").or(option("plugin.version")).map(str::to_owned),
        parameters: table.options.iter().filter_map(parameter).collect(),
        cache,
        cache_size,
        cache_ttl_ms,
    })
}

fn unknown(option: &str) -> Option<ConfigError> {
    let is = |known: &str| known.strip_suffix('*').map_or(option == known, |start| option.starts_with(start));
    if OPTIONS.iter().any(|known| is(known)) {
        return None;
    }
    let message = match nearest(option, OPTIONS.iter().copied()) {
        Some(near) => format!("is not known; did you mean '{near}'?"),
        None => format!("is not known to the connector '{CONNECTOR}'; its options are {}", OPTIONS.join(", ")),
    };
    Some(ConfigError::new(option, "sql.unknown_option", message))
}
