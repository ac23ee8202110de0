//! An object store: S3 and whatever speaks its protocol.
//!
//! Invariant: completion rests on the store's own conditional write (`If-None-Match: *`), never on look-then-write.

use super::CheckpointStore;
use crate::{CheckpointError, layout::check_path};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    ObjectStore as Remote, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    aws::{AmazonS3Builder, S3ConditionalPut},
    path::Path,
};
use std::{fmt, sync::Arc};

/// How to reach a bucket. Holds a secret: never logged.
#[derive(Clone, Default)]
pub struct S3Config {
    /// Base address; Amazon's own for the region when absent.
    pub endpoint: Option<String>,
    /// Region; `us-east-1` when absent.
    pub region: Option<String>,
    /// Bucket, which must exist.
    pub bucket: String,
    /// Folder in the bucket that holds the store; the bucket's root when empty.
    pub prefix: String,
    /// Access key; the environment's credentials when absent.
    pub access_key_id: Option<String>,
    /// Secret key.
    pub secret_access_key: Option<String>,
    /// Whether an `http://` endpoint is acceptable.
    pub allow_http: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config").field("endpoint", &self.endpoint).field("bucket", &self.bucket).field("prefix", &self.prefix).finish()
    }
}

/// A checkpoint store in an object store.
#[derive(Clone)]
pub struct ObjectStore {
    remote: Arc<dyn Remote>,
    name: String,
    prefix: Path,
}

impl ObjectStore {
    /// Opens a bucket. No I/O: a wrong bucket shows on first use.
    ///
    /// # Errors
    /// The settings are wrong.
    pub fn s3(config: &S3Config) -> Result<Self, CheckpointError> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&config.bucket)
            .with_region(config.region.as_deref().unwrap_or("us-east-1"))
            .with_allow_http(config.allow_http)
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(key) = &config.access_key_id {
            builder = builder.with_access_key_id(key);
        }
        if let Some(secret) = &config.secret_access_key {
            builder = builder.with_secret_access_key(secret);
        }
        let remote = builder.build().map_err(|error| CheckpointError::Config(error.to_string()))?;
        Self::new(Arc::new(remote), format!("s3 bucket `{}`", config.bucket), &config.prefix)
    }

    /// A store over any client; `name` stands in errors, `prefix` is the folder in it (may be empty).
    ///
    /// # Errors
    /// The prefix is no path.
    pub fn new(remote: Arc<dyn Remote>, name: String, prefix: &str) -> Result<Self, CheckpointError> {
        let prefix = Path::parse(prefix).map_err(|error| CheckpointError::Config(format!("prefix `{prefix}`: {error}")))?;
        Ok(Self { remote, name, prefix })
    }

    fn location(&self, path: &str) -> Result<Path, CheckpointError> {
        check_path(path)?;
        Ok(self.prefix.parts().chain(Path::from(path).parts()).collect())
    }

    fn error(&self, action: &'static str, path: &str, error: object_store::Error) -> CheckpointError {
        use object_store::Error as E;
        let retryable = match &error {
            // A missing bucket is a wrong setting; only a missing object may pass for "there is none".
            E::NotFound { .. } if action == "reading" && !error.to_string().contains("NoSuchBucket") => {
                return CheckpointError::NotFound { path: path.to_owned() };
            }
            E::Generic { .. } | E::JoinError { .. } => true,
            _ => false,
        };
        CheckpointError::Remote { store: self.name.clone(), action, path: path.to_owned(), found: error.to_string(), retryable }
    }

    async fn list_locations(&self, prefix: &str) -> Result<Vec<Path>, CheckpointError> {
        let folder = self.location(prefix)?;
        let objects = self.remote.list(Some(&folder)).map_ok(|object| object.location).try_collect().await;
        objects.map_err(|error| self.error("listing", prefix, error))
    }
}

#[async_trait]
impl CheckpointStore for ObjectStore {
    async fn put(&self, path: &str, bytes: Bytes) -> Result<(), CheckpointError> {
        let location = self.location(path)?;
        let put = self.remote.put(&location, PutPayload::from(bytes)).await;
        put.map(|_| ()).map_err(|error| self.error("writing", path, error))
    }

    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool, CheckpointError> {
        let location = self.location(path)?;
        let put = self.remote.put_opts(&location, PutPayload::from(bytes), PutOptions::from(PutMode::Create)).await;
        match put {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.error("writing", path, error)),
        }
    }

    async fn get(&self, path: &str) -> Result<Bytes, CheckpointError> {
        let location = self.location(path)?;
        let read = async { self.remote.get(&location).await?.bytes().await };
        read.await.map_err(|error| self.error("reading", path, error))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, CheckpointError> {
        let mut paths: Vec<String> = Vec::new();
        for location in self.list_locations(prefix).await? {
            let relative: Option<Path> = location.prefix_match(&self.prefix).map(Iterator::collect);
            paths.extend(relative.map(String::from));
        }
        paths.sort_unstable();
        Ok(paths)
    }

    async fn delete_prefix(&self, prefix: &str) -> Result<(), CheckpointError> {
        // Listing a folder does not list an object of exactly that name.
        let mut locations = self.list_locations(prefix).await?;
        locations.push(self.location(prefix)?);
        let stream = futures::stream::iter(locations.into_iter().map(Ok)).boxed();
        let mut removed = self.remote.delete_stream(stream);
        while let Some(result) = removed.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.error("removing", prefix, error)),
            }
        }
        Ok(())
    }
}
