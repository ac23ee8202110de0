//! Where checkpoints go, as the configuration says it: a folder, or `s3://bucket/prefix?endpoint=…&region=…`.
//!
//! Invariant: credentials never stand in the location; they come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

use anyhow::{Context, bail};
use millrace_checkpoint::{CheckpointStore, LocalStore, ObjectStore, S3Config};
use std::sync::Arc;

/// Opens the store at `location`.
///
/// # Errors
/// The location is wrong, or the folder cannot be made.
pub(crate) fn open(location: &str) -> anyhow::Result<Arc<dyn CheckpointStore>> {
    let Some(rest) = location.strip_prefix("s3://") else {
        if location.contains("://") {
            bail!("checkpoint location `{location}`: expected a folder or `s3://bucket/prefix`");
        }
        return Ok(Arc::new(LocalStore::open(location).with_context(|| format!("checkpoint folder {location}"))?));
    };
    let config = s3(rest, |name| std::env::var(name).ok()).with_context(|| format!("checkpoint location `{location}`"))?;
    Ok(Arc::new(ObjectStore::s3(&config).with_context(|| format!("checkpoint location `{location}`"))?))
}

fn s3(rest: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<S3Config> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    anyhow::ensure!(!bucket.is_empty(), "no bucket; expected `s3://bucket/prefix`");
    let mut config = S3Config {
        endpoint: variable("AWS_ENDPOINT_URL"),
        region: variable("AWS_REGION"),
        bucket: bucket.to_owned(),
        prefix: prefix.trim_end_matches('/').to_owned(),
        access_key_id: variable("AWS_ACCESS_KEY_ID"),
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY"),
        allow_http: false,
    };
    for setting in query.split('&').filter(|s| !s.is_empty()) {
        match setting.split_once('=') {
            Some(("endpoint", endpoint)) => config.endpoint = Some(endpoint.to_owned()),
            Some(("region", region)) => config.region = Some(region.to_owned()),
            _ => bail!("unknown setting `{setting}`; expected `endpoint=URL` or `region=NAME`"),
        }
    }
    // Only an endpoint that is plainly HTTP is spoken to without TLS.
    config.allow_http = config.endpoint.as_deref().is_some_and(|e| e.starts_with("http://"));
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_prefix_and_settings_are_read() {
        let variable = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "key".to_owned());
        let config = s3("state/prod/?endpoint=http://127.0.0.1:9000&region=eu", variable).unwrap();
        assert_eq!((config.bucket.as_str(), config.prefix.as_str(), config.region.as_deref()), ("state", "prod", Some("eu")));
        assert_eq!((config.access_key_id.as_deref(), config.allow_http), (Some("key"), true));
        assert!(!s3("state", |_| None).unwrap().allow_http);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text| s3(text, |_| None).err().unwrap().to_string();
        assert!(error("").contains("no bucket"));
        assert!(error("b?secret=x").contains("unknown setting `secret=x`"));
        assert!(open("gs://bucket").err().unwrap().to_string().contains("expected a folder or `s3://bucket/prefix`"));
    }
}
