//! Uploads of any size: to a file without a name, hashed on the way.
//!
//! Invariant: nothing of an upload stays when its request ends, however that is; memory does not grow with its size.

use crate::{problem::Problem, state::ApiState};
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use std::{fs::File, io};
use tokio::{
    io::{AsyncSeekExt, AsyncWriteExt},
    sync::SemaphorePermit,
};

/// An upload that is in.
pub(crate) struct Upload<'a> {
    /// The bytes, in a file without a name.
    pub(crate) file: File,
    /// SHA-256 of the bytes, in hex.
    pub(crate) content_hash: String,
    /// How many bytes.
    pub(crate) size_bytes: i64,
    _place: SemaphorePermit<'a>,
}

/// Takes a body in.
pub(crate) async fn receive<'a>(api: &'a ApiState, headers: &HeaderMap, body: Body) -> Result<Upload<'a>, Problem> {
    let bytes_max = api.config.resource_bytes_max;
    let too_large = || {
        let detail = format!("the upload has more than {bytes_max} bytes, which is the most for one resource");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail)
    };
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > bytes_max) {
        return Err(too_large());
    }
    let place = api.uploads.acquire().await.map_err(|_| Problem::internal("uploads are closed"))?;
    let failed = |error: io::Error| Problem::internal(format!("an upload cannot be kept: {error}"));
    let folder = api.config.spool_dir.clone();
    let file = tokio::task::spawn_blocking(move || std::fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)));
    let mut file = tokio::fs::File::from_std(file.await.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?);
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "request.malformed", "the upload ended before its time"))?;
        size += chunk.len() as u64;
        if size > bytes_max {
            return Err(too_large());
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.rewind().await.map_err(failed)?;
    let size_bytes = i64::try_from(size).map_err(|_| too_large())?;
    Ok(Upload { file: file.into_std().await, content_hash: hex::encode(hash.finalize()), size_bytes, _place: place })
}
