//! The byte form of keys and values inside a key-group blob: little-endian, length-prefixed, no self-description.
//!
//! Blobs come back from storage that an operator of the platform may have touched: reading is bounded and never panics.

/// State that cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state blob: {0}")]
pub struct StateError(pub String);

/// A value that can be part of keyed state.
pub trait StateCodec: Sized + Send {
    /// Appends the byte form.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads one value from the front of `input` and moves it on.
    ///
    /// # Errors
    /// Too few bytes or bytes without meaning.
    fn decode(input: &mut &[u8]) -> Result<Self, StateError>;
}

impl StateCodec for i64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, StateError> {
        let (head, rest) = input.split_first_chunk::<8>().ok_or_else(|| StateError(format!("{} bytes left, expected 8", input.len())))?;
        *input = rest;
        Ok(i64::from_le_bytes(*head))
    }
}

impl StateCodec for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_input: &mut &[u8]) -> Result<Self, StateError> {
        Ok(())
    }
}

impl StateCodec for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self, out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, StateError> {
        decode_bytes(input).map(<[u8]>::to_vec)
    }
}

pub(crate) fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

pub(super) fn decode_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], StateError> {
    let (head, rest) = input.split_first_chunk::<4>().ok_or_else(|| StateError("ends inside a length".into()))?;
    let length = u32::from_le_bytes(*head) as usize;
    if rest.len() < length {
        return Err(StateError(format!("{} bytes left, expected {length}", rest.len())));
    }
    let (bytes, rest) = rest.split_at(length);
    *input = rest;
    Ok(bytes)
}
