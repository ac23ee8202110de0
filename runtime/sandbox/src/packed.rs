//! Files packed into a component, as the sandbox keeps them.

use crate::admission::AdmissionError;
use bytes::Bytes;
use millrace_model::packed;
use std::collections::BTreeMap;

/// The packed files of one component.
#[derive(Debug, Default)]
pub struct PackedFiles(BTreeMap<String, Bytes>);

impl PackedFiles {
    /// Code without packed files, and the files.
    ///
    /// # Errors
    /// The component cannot be taken apart.
    pub fn unpack(component: &Bytes) -> Result<(Bytes, Self), AdmissionError> {
        let unpacked = packed::unpack(component).map_err(|e| AdmissionError::Malformed(e.to_string()))?;
        // Copies: a slice would keep the whole upload in memory.
        let files = unpacked.files.into_iter().map(|(name, content)| (name, Bytes::copy_from_slice(content))).collect();
        let code = match unpacked.code {
            std::borrow::Cow::Borrowed(_) => component.clone(),
            std::borrow::Cow::Owned(code) => code.into(),
        };
        Ok((code, Self(files)))
    }

    /// A file by name.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.get(name)
    }

    /// Bytes of all files, names included.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().map(|(name, content)| name.len() + content.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
