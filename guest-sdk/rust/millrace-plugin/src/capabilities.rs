//! What an administrator may have granted: the clock, HTTP requests, secrets, folders. Using what is not granted answers
//! an error that says who can grant it.
//!
//! In native tests a stand-in answers: see [`Outside`].

use crate::failure::{Error, Result};

#[cfg(not(target_arch = "wasm32"))]
pub use stand_in::Outside;

/// Milliseconds since 1970-01-01 UTC.
///
/// # Errors
/// The clock is not granted.
pub fn now_ms() -> Result<i64> {
    backend::now_ms().map_err(Error::new)
}

/// A secret by name.
///
/// # Errors
/// It is not granted.
pub fn secret(name: &str) -> Result<String> {
    backend::secret(name).map_err(Error::new)
}

/// Says that a row of the batch being processed cannot be processed. Answers whether to go on with the other rows; if not,
/// answer an error that names the row.
pub fn reject_row(row: usize, message: &str) -> bool {
    backend::reject_row(row as u32, message)
}

/// A number to seed random numbers with: the same when this subtask is started again.
pub fn random_seed() -> u64 {
    backend::random_seed()
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// `https://host/path`
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// Longest wait for the answer.
    pub timeout_ms: u32,
}

/// The answer to a request. Redirects are answered, not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `200`, `404`, …
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What was answered.
    pub body: Vec<u8>,
}

impl Request {
    /// A request that reads.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".into(), url: url.into(), headers: Vec::new(), body: None, timeout_ms: 5_000 }
    }

    /// A request that sends.
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST".into(), body: Some(body.into()), ..Self::get(url) }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends it and waits for the answer, whatever its status.
    ///
    /// # Errors
    /// The host is not granted or cannot be reached.
    pub fn send(self) -> Result<Response> {
        backend::send(self).map_err(Error::new)
    }

    /// Sends it and answers the body.
    ///
    /// # Errors
    /// As for [`Request::send`], and any status but 200 to 299.
    pub fn body(self) -> Result<Vec<u8>> {
        let url = self.url.clone();
        let response = self.send()?;
        match response.status {
            200..=299 => Ok(response.body),
            status => Err(Error::new(format!("{url} answered status {status}"))),
        }
    }
}

/// A folder by the name that the grant gives it. Paths are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(String);

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes of a file.
    pub size_bytes: u64,
}

impl Folder {
    /// The folder of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// What lies in the folder `path`; the empty path is the folder itself.
    ///
    /// # Errors
    /// It is not granted, or there is no such folder.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>> {
        backend::list(&self.0, path).map_err(Error::new)
    }

    /// At most `bytes_max` bytes from `offset`; fewer at the end of the file.
    ///
    /// # Errors
    /// It is not granted, or there is no such file.
    pub fn read(&self, path: &str, offset: u64, bytes_max: u32) -> Result<Vec<u8>> {
        backend::read(&self.0, path, offset, bytes_max).map_err(Error::new)
    }

    /// Replaces the file, whole or not at all.
    ///
    /// # Errors
    /// It is not granted for writing, or the disk fails.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<()> {
        backend::write(&self.0, path, content).map_err(Error::new)
    }

    /// Appends to the file, which is made if it is not there.
    ///
    /// # Errors
    /// It is not granted for writing, or the disk fails.
    pub fn append(&self, path: &str, content: &[u8]) -> Result<()> {
        backend::append(&self.0, path, content).map_err(Error::new)
    }

    /// Renames; replaces `to`.
    ///
    /// # Errors
    /// It is not granted for writing, there is no such file, or the disk fails.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        backend::rename(&self.0, from, to).map_err(Error::new)
    }

    /// Removes a file or an empty folder.
    ///
    /// # Errors
    /// It is not granted for writing, there is no such file, or the disk fails.
    pub fn remove(&self, path: &str) -> Result<()> {
        backend::remove(&self.0, path).map_err(Error::new)
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) mod backend {
    use super::{Entry, Request, Response};
    use crate::bindings::{
        host,
        millrace::plugin::{clock, files, http, secrets},
        types as wit,
    };

    pub(crate) use clock::now_ms;
    pub(crate) use files::{append, read, remove, rename, write};
    pub(crate) use host::{random_seed, reject_row};
    pub(crate) use secrets::get as secret;

    pub(crate) fn send(request: Request) -> Result<Response, String> {
        let headers = request.headers.into_iter().map(|(name, value)| http::Header { name, value }).collect();
        let Request { method, url, body, timeout_ms, .. } = Request { headers: Vec::new(), ..request };
        let answer = http::send(&http::Request { method, url, headers, body, timeout_ms })?;
        let headers = answer.headers.into_iter().map(|h| (h.name, h.value)).collect();
        Ok(Response { status: answer.status, headers, body: answer.body })
    }

    pub(crate) fn list(folder: &str, path: &str) -> Result<Vec<Entry>, String> {
        let entry = |e: files::Entry| Entry { name: e.name, is_folder: e.is_folder, size_bytes: e.size_bytes };
        Ok(files::list(folder, path)?.into_iter().map(entry).collect())
    }

    pub(crate) fn dimension_schema(table: &str) -> Result<(wit::Schema, wit::Schema), String> {
        let columns = host::dimension_schema(table)?;
        Ok((columns.key, columns.value))
    }

    pub(crate) fn dimension_lookup(table: &str, keys: wit::Batch) -> Result<wit::Batch, String> {
        host::dimension_lookup(table, &keys)
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use stand_in as backend;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod stand_in {
    //! The outside world of native tests.

    use super::{Entry, Request, Response};
    use crate::bindings::types as wit;
    use std::{cell::RefCell, collections::BTreeMap};

    thread_local! {
        static OUTSIDE: RefCell<Outside> = RefCell::default();
    }

    /// What a plugin under test finds outside, per thread; nothing is granted unless it is set.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct Outside {
        /// The time.
        pub now_ms: Option<i64>,
        /// Values by name.
        pub secrets: BTreeMap<String, String>,
        /// Status and body by URL; others answer 404.
        pub pages: BTreeMap<String, (u16, Vec<u8>)>,
        /// Requests that were sent.
        pub requests: Vec<Request>,
        /// Contents by folder and path.
        pub files: BTreeMap<(String, String), Vec<u8>>,
        /// Rejected rows and why.
        pub rejected: Vec<(u32, String)>,
    }

    impl Outside {
        /// Makes this the outside world of this thread.
        pub fn set(self) {
            OUTSIDE.set(self);
        }

        /// The outside world of this thread as it is now.
        pub fn now() -> Self {
            OUTSIDE.with_borrow(Clone::clone)
        }

        /// Changes the outside world of this thread.
        pub fn change(change: impl FnOnce(&mut Self)) {
            OUTSIDE.with_borrow_mut(change);
        }
    }

    fn denied<T>(what: &str) -> Result<T, String> {
        Err(format!("{what} is not granted"))
    }

    pub(crate) fn now_ms() -> Result<i64, String> {
        OUTSIDE.with_borrow(|o| o.now_ms).map_or_else(|| denied("the capability \"clock\""), Ok)
    }

    pub(crate) fn secret(name: &str) -> Result<String, String> {
        OUTSIDE.with_borrow(|o| o.secrets.get(name).cloned()).map_or_else(|| denied(&format!("the secret \"{name}\"")), Ok)
    }

    pub(crate) fn reject_row(row: u32, message: &str) -> bool {
        OUTSIDE.with_borrow_mut(|o| o.rejected.push((row, message.to_owned())));
        true
    }

    pub(crate) fn random_seed() -> u64 {
        42
    }

    pub(crate) fn send(request: Request) -> Result<Response, String> {
        OUTSIDE.with_borrow_mut(|o| {
            let (status, body) = o.pages.get(&request.url).cloned().unwrap_or((404, Vec::new()));
            o.requests.push(request);
            Ok(Response { status, headers: Vec::new(), body })
        })
    }

    fn key(folder: &str, path: &str) -> (String, String) {
        (folder.to_owned(), path.to_owned())
    }

    fn missing<T>(folder: &str, path: &str) -> Result<T, String> {
        Err(format!("`{path}` in the folder \"{folder}\": entity not found"))
    }

    pub(crate) fn list(folder: &str, path: &str) -> Result<Vec<Entry>, String> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        OUTSIDE.with_borrow(|o| {
            let files = o.files.iter().filter(|((at, _), _)| at == folder);
            let mut entries: Vec<Entry> = Vec::new();
            for ((_, file), content) in files {
                let Some(rest) = file.strip_prefix(&prefix) else { continue };
                let entry = match rest.split_once('/') {
                    Some((name, _)) => Entry { name: name.to_owned(), is_folder: true, size_bytes: 0 },
                    None => Entry { name: rest.to_owned(), is_folder: false, size_bytes: content.len() as u64 },
                };
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
            Ok(entries)
        })
    }

    pub(crate) fn read(folder: &str, path: &str, offset: u64, bytes_max: u32) -> Result<Vec<u8>, String> {
        OUTSIDE.with_borrow(|o| match o.files.get(&key(folder, path)) {
            Some(content) => Ok(content.iter().copied().skip(offset as usize).take(bytes_max as usize).collect()),
            None => missing(folder, path),
        })
    }

    pub(crate) fn write(folder: &str, path: &str, content: &[u8]) -> Result<(), String> {
        OUTSIDE.with_borrow_mut(|o| drop(o.files.insert(key(folder, path), content.to_vec())));
        Ok(())
    }

    pub(crate) fn append(folder: &str, path: &str, content: &[u8]) -> Result<(), String> {
        OUTSIDE.with_borrow_mut(|o| o.files.entry(key(folder, path)).or_default().extend_from_slice(content));
        Ok(())
    }

    pub(crate) fn rename(folder: &str, from: &str, to: &str) -> Result<(), String> {
        OUTSIDE.with_borrow_mut(|o| match o.files.remove(&key(folder, from)) {
            Some(content) => {
                o.files.insert(key(folder, to), content);
                Ok(())
            }
            None => missing(folder, from),
        })
    }

    pub(crate) fn remove(folder: &str, path: &str) -> Result<(), String> {
        OUTSIDE.with_borrow_mut(|o| o.files.remove(&key(folder, path)).map_or_else(|| missing(folder, path), |_| Ok(())))
    }

    pub(crate) fn dimension_schema(table: &str) -> Result<(wit::Schema, wit::Schema), String> {
        Err(format!("the job declares no dimension table `{table}`"))
    }

    pub(crate) fn dimension_lookup(table: &str, _keys: wit::Batch) -> Result<wit::Batch, String> {
        Err(format!("the job declares no dimension table `{table}`"))
    }
}
