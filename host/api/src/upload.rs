//! Uploads of any size: to a file without a name, hashed on the way.
//!
//! Invariants: nothing of an upload stays when its request ends, however that is; memory does not grow with its size; no
//! tenant, and nobody who sends slowly, keeps others from uploading.

use crate::{problem::Problem, state::ApiState};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use futures::{Stream, StreamExt};
use millrace_model::ids::TenantId;
use millrace_places::{FairPlaces, Place};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncSeekExt, AsyncWriteExt},
    time::timeout,
};

/// How many uploads are on their way in at the same time, and how slow they may be.
#[derive(Debug, Clone, Copy)]
pub struct UploadRules {
    /// Uploads of all tenants.
    pub all_max: usize,
    /// Of one tenant.
    pub per_tenant_max: usize,
    /// Longest wait for a place.
    pub wait_max: Duration,
    /// Longest time in which nothing comes.
    pub pause_max: Duration,
    /// From this time on the average speed counts.
    pub grace: Duration,
    /// Average speed from then on.
    pub bytes_per_s_min: u64,
    /// Longest time of a whole upload. What is done with it afterwards, compiling for example, does not count.
    pub time_max: Duration,
}

impl Default for UploadRules {
    fn default() -> Self {
        Self {
            all_max: 8,
            per_tenant_max: 2,
            wait_max: Duration::from_secs(30),
            pause_max: Duration::from_secs(30),
            grace: Duration::from_secs(60),
            bytes_per_s_min: 32 << 10,
            time_max: Duration::from_secs(600),
        }
    }
}

impl UploadRules {
    /// The time in which so many bytes must have come.
    fn time_for(&self, bytes: u64) -> Duration {
        (self.grace + Duration::from_secs(bytes / self.bytes_per_s_min.max(1))).min(self.time_max)
    }
}

/// Places for uploads that are on their way in.
pub(crate) struct Uploads {
    rules: UploadRules,
    places: FairPlaces,
}

impl Uploads {
    pub(crate) fn new(rules: UploadRules) -> Self {
        Self { rules, places: FairPlaces::new(rules.all_max, rules.per_tenant_max) }
    }

    /// Waits for a place of the tenant's.
    async fn place(&self, tenant: &TenantId) -> Result<Place, Problem> {
        let UploadRules { per_tenant_max, wait_max, .. } = self.rules;
        timeout(wait_max, self.places.take(tenant)).await.map_err(|_| {
            let detail = format!(
                "too many uploads are on their way in (at most {per_tenant_max} of one tenant at the same time); upload again when one has ended"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "upload.busy", detail).after(30)
        })
    }
}

/// An upload that is in.
pub(crate) struct Upload {
    /// The bytes, in a file without a name.
    pub(crate) file: File,
    /// SHA-256 of the bytes, in hex.
    pub(crate) content_hash: String,
    /// How many bytes.
    pub(crate) size_bytes: i64,
    _place: Place,
}

impl Upload {
    /// The bytes in memory; the place is free again.
    pub(crate) async fn into_bytes(mut self) -> Result<Bytes, Problem> {
        let read = move || {
            let mut bytes = Vec::new();
            self.file.read_to_end(&mut bytes).map(|_| Bytes::from(bytes))
        };
        tokio::task::spawn_blocking(read).await.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)
    }
}

/// Takes a body of a tenant in.
pub(crate) async fn receive(api: &ApiState, tenant: &TenantId, headers: &HeaderMap, body: Body, bytes_max: u64) -> Result<Upload, Problem> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let place = api.uploads.place(tenant).await?;
    let folder = api.config.spool_dir.clone();
    let file = tokio::task::spawn_blocking(move || std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)));
    let mut file = tokio::fs::File::from_std(file.await.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?);
    let (content_hash, size) = copy(body.into_data_stream(), &mut file, bytes_max, &api.uploads.rules).await?;
    let size_bytes = i64::try_from(size).map_err(|_| too_large(bytes_max))?;
    Ok(Upload { file: file.into_std().await, content_hash, size_bytes, _place: place })
}

/// Copies what comes to the file; answers its hash and size.
async fn copy<E>(
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    file: &mut tokio::fs::File,
    bytes_max: u64,
    rules: &UploadRules,
) -> Result<(String, u64), Problem> {
    let (mut hash, mut size, started) = (Sha256::new(), 0u64, Instant::now());
    loop {
        let left = rules.time_for(size).saturating_sub(started.elapsed());
        let Ok(chunk) = timeout(left.min(rules.pause_max), chunks.next()).await else {
            return Err(too_slow(size, rules));
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "request.malformed", "the upload ended before its time"))?;
        size += chunk.len() as u64;
        if size > bytes_max {
            return Err(too_large(bytes_max));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.rewind().await.map_err(failed)?;
    Ok((hex::encode(hash.finalize()), size))
}

fn failed(error: io::Error) -> Problem {
    Problem::internal(format!("an upload cannot be kept: {error}"))
}

pub(crate) fn too_large(bytes_max: u64) -> Problem {
    let detail = format!("the upload has more than {bytes_max} bytes, which is the most that one may have");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail)
}

fn too_slow(size: u64, rules: &UploadRules) -> Problem {
    let detail = format!(
        "the upload was ended after {size} bytes: it stood still for {} s, or came slower than {} bytes a second, or took longer than {} s; \
         upload again over a faster line",
        rules.pause_max.as_secs(),
        rules.bytes_per_s_min,
        rules.time_max.as_secs()
    );
    Problem::new(StatusCode::REQUEST_TIMEOUT, "upload.too_slow", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::convert::Infallible;

    fn rules() -> UploadRules {
        UploadRules { wait_max: Duration::from_millis(30), pause_max: Duration::from_millis(200), ..UploadRules::default() }
    }

    fn code(problem: Result<impl Sized, Problem>) -> String {
        problem.err().unwrap().document("r").code
    }

    #[tokio::test]
    async fn a_tenant_takes_no_place_of_another() {
        let uploads = Uploads::new(UploadRules { all_max: 3, ..rules() });
        let (a, b, c) = (TenantId::new("a"), TenantId::new("b"), TenantId::new("c"));
        let first = uploads.place(&a).await.unwrap();
        let _second = uploads.place(&a).await.unwrap();
        assert_eq!(code(uploads.place(&a).await), "upload.busy");
        let third = uploads.place(&b).await.unwrap();
        assert_eq!(code(uploads.place(&c).await), "upload.busy", "all are taken");
        drop(first);
        let _fourth = uploads.place(&c).await.unwrap();
        drop(third);
        uploads.place(&a).await.unwrap();
    }

    async fn copied(chunks: impl Stream<Item = Bytes>, rules: &UploadRules) -> Result<(String, u64), Problem> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().unwrap());
        copy(Box::pin(chunks.map(Ok::<_, Infallible>)), &mut file, 1_000, rules).await
    }

    /// A chunk of ten bytes every ten milliseconds, for ever.
    fn slowly() -> impl Stream<Item = Bytes> {
        stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((Bytes::from_static(b"0123456789"), ()))
        })
    }

    #[tokio::test]
    async fn an_upload_that_stands_still_or_crawls_is_ended() {
        let honest = copied(slowly().take(5), &rules()).await.unwrap();
        assert_eq!(honest.1, 50);
        assert_eq!(honest.0, hex::encode(Sha256::digest("0123456789".repeat(5))));
        let still = stream::iter([Bytes::from_static(b"x")]).chain(stream::pending());
        assert_eq!(code(copied(still, &rules()).await), "upload.too_slow");
        let crawls = UploadRules { grace: Duration::from_millis(50), bytes_per_s_min: 1 << 20, ..rules() };
        assert_eq!(code(copied(slowly(), &crawls).await), "upload.too_slow");
        assert_eq!(code(copied(slowly(), &UploadRules { bytes_per_s_min: 1, ..rules() }).await), "request.too_large");
    }

    #[test]
    fn a_component_of_twenty_megabytes_has_its_time() {
        let rules = UploadRules::default();
        assert_eq!(rules.time_for(0), Duration::from_secs(60));
        assert!(rules.time_for(20 << 20) >= Duration::from_secs(600), "34 kB a second is enough");
        assert_eq!(rules.time_for(u64::MAX), rules.time_max);
    }
}
