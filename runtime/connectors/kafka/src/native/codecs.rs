//! Compressed batches, unpacked within bounds.
//!
//! librdkafka unpacks gzip and LZ4 whatever comes of it (1.8 MB become 1.8 GB), and zstd within a bound for each batch but none
//! for the many in an answer. Its functions for these three are replaced: those here have the same names, and since this crate's
//! code is linked before librdkafka's, the parts of that library that hold the originals (`rdgz`, `rdkafka_lz4`, `rdkafka_zstd`)
//! are left out. Snappy stays librdkafka's: nothing grows by more than 22 times in it.
//!
//! Invariants: one batch becomes at most [`BATCH_BYTES_MAX`] bytes, all batches of one answer together at most
//! [`ANSWER_BYTES_MAX`]; more is a batch that cannot be unpacked, which ends whoever reads it.

use super::Code;
use rdkafka_sys as rd;
use std::{
    cell::Cell,
    io::{self, Read},
    os::raw::{c_char, c_int, c_uint, c_void},
    ptr, slice,
};

/// Bytes of one unpacked batch. Brokers take a megabyte of a packed one unless they are told otherwise.
pub(crate) const BATCH_BYTES_MAX: usize = 64 << 20;
/// Bytes that all batches of one answer become.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Largest window of zstd, as a power of two: 32 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

thread_local! {
    /// What the batches of the answer that this thread reads may still become; none on threads of clients that are not ours.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Told by clients before a broker's thread reads an answer.
pub(super) unsafe extern "C" fn on_answer(
    _: *mut rd::rd_kafka_t,
    _: c_int,
    _: *const c_char,
    _: i32,
    _: i16,
    _: i16,
    _: i32,
    _: usize,
    _: i64,
    _: Code,
    _: *mut c_void,
) -> Code {
    LEFT.set(Some(ANSWER_BYTES_MAX));
    Code::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// Keeps the functions below in every program that has clients, and thereby the originals out.
pub(super) fn keep() {
    std::hint::black_box([
        rd_gz_decompress as *const () as usize,
        rd_kafka_lz4_decompress as *const () as usize,
        rd_kafka_lz4_compress as *const () as usize,
        rd_kafka_zstd_decompress as *const () as usize,
        rd_kafka_zstd_compress as *const () as usize,
    ]);
}

/// Memory that librdkafka releases.
struct CBytes {
    start: *mut u8,
    length: usize,
    capacity: usize,
}

impl CBytes {
    fn with_capacity(capacity: usize) -> io::Result<Self> {
        let mut bytes = Self { start: ptr::null_mut(), length: 0, capacity: 0 };
        bytes.grow_to(capacity.max(1))?;
        Ok(bytes)
    }

    fn grow_to(&mut self, capacity: usize) -> io::Result<()> {
        // SAFETY: null or memory of this allocator; zeroed where it is new, so that all of it may be read.
        unsafe {
            let start = libc::realloc(self.start.cast(), capacity).cast::<u8>();
            if start.is_null() {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            ptr::write_bytes(start.add(self.capacity), 0, capacity.saturating_sub(self.capacity));
            (self.start, self.capacity) = (start, capacity);
        }
        Ok(())
    }

    fn free(&mut self) -> &mut [u8] {
        // SAFETY: `length` is at most `capacity`, and all of it is initialized.
        unsafe { slice::from_raw_parts_mut(self.start.add(self.length), self.capacity - self.length) }
    }

    /// Hands the memory over.
    fn into_raw(self) -> (*mut c_void, usize) {
        let raw = (self.start.cast(), self.length);
        std::mem::forget(self);
        raw
    }
}

impl Drop for CBytes {
    fn drop(&mut self) {
        // SAFETY: owned, of this allocator.
        unsafe { libc::free(self.start.cast()) };
    }
}

/// Everything that `reader` gives, within what may still come.
fn unpacked(mut reader: impl Read, packed: usize) -> io::Result<CBytes> {
    let left = LEFT.get();
    let room = left.unwrap_or(BATCH_BYTES_MAX).min(BATCH_BYTES_MAX);
    // A byte more is asked for, to learn that there is one.
    let mut bytes = CBytes::with_capacity(packed.saturating_mul(4).max(4 << 10).min(room + 1))?;
    loop {
        if bytes.length > room {
            return Err(io::Error::other("too large"));
        }
        if bytes.length == bytes.capacity {
            bytes.grow_to(bytes.capacity.saturating_mul(2).min(room + 1))?;
        }
        match reader.read(bytes.free()) {
            Ok(0) => break,
            Ok(count) => bytes.length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    LEFT.set(left.map(|left| left.saturating_sub(bytes.length)));
    Ok(bytes)
}

/// Hands a result over as librdkafka's functions do.
///
/// # Safety
/// Both places can be written to.
unsafe fn answer(result: io::Result<CBytes>, out: *mut *mut c_void, length: *mut usize) -> Code {
    match result {
        Ok(bytes) => {
            // SAFETY: by this function's contract.
            unsafe { (*out, *length) = bytes.into_raw() };
            Code::RD_KAFKA_RESP_ERR_NO_ERROR
        }
        Err(error) => {
            tracing::debug!(%error, "a batch of messages cannot be packed or unpacked");
            Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rd_gz_decompress(packed: *const c_void, length: c_int, unpacked_length: *mut u64) -> *mut c_void {
    // SAFETY: librdkafka passes `length` bytes and a place for the result's length.
    unsafe {
        let packed = bytes_at(packed, usize::try_from(length).unwrap_or(0));
        match unpacked(flate2::bufread::GzDecoder::new(packed), packed.len()) {
            Ok(bytes) => {
                let (start, length) = bytes.into_raw();
                *unpacked_length = length as u64;
                start
            }
            Err(_) => ptr::null_mut(),
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rd_kafka_zstd_decompress(
    _: *mut c_void,
    packed: *const c_char,
    length: usize,
    out: *mut *mut c_void,
    out_length: *mut usize,
) -> Code {
    // SAFETY: librdkafka passes `length` bytes and places for the result.
    unsafe {
        let packed = bytes_at(packed.cast(), length);
        let result = zstd::stream::read::Decoder::with_buffer(packed).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            unpacked(decoder, packed.len())
        });
        answer(result, out, out_length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rd_kafka_zstd_compress(
    _: *mut c_void,
    level: c_int,
    batch: *mut c_void,
    out: *mut *mut c_void,
    out_length: *mut usize,
) -> Code {
    // SAFETY: librdkafka passes a slice of its own and places for the result.
    unsafe {
        let plain = gathered(batch);
        let packed = zstd::bulk::Compressor::new(level).and_then(|mut compressor| {
            let mut packed = CBytes::with_capacity(zstd::zstd_safe::compress_bound(plain.len()))?;
            packed.length = compressor.compress_to_buffer(&plain, packed.free())?;
            Ok(packed)
        });
        answer(packed, out, out_length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rd_kafka_lz4_decompress(
    _: *mut c_void,
    proper_checksum: c_int,
    _: i64,
    packed: *mut c_char,
    length: usize,
    out: *mut *mut c_void,
    out_length: *mut usize,
) -> Code {
    if proper_checksum == 0 {
        // Brokers before 0.10 wrote frames with wrong checksums.
        return Code::RD_KAFKA_RESP_ERR__BAD_COMPRESSION;
    }
    // SAFETY: librdkafka passes `length` bytes and places for the result.
    unsafe {
        let packed = bytes_at(packed.cast_const().cast(), length);
        let result = Lz4Reader::new(packed).and_then(|reader| unpacked(reader, packed.len()));
        answer(result, out, out_length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rd_kafka_lz4_compress(
    _: *mut c_void,
    _: c_int,
    level: c_int,
    batch: *mut c_void,
    out: *mut *mut c_void,
    out_length: *mut usize,
) -> Code {
    // SAFETY: librdkafka passes a slice of its own and places for the result; a frame is not longer than its bound.
    unsafe {
        let plain = gathered(batch);
        // Kafka reads frames of independent blocks only.
        let preferences = Lz4Preferences { block_mode: 1, compression_level: level, ..Lz4Preferences::default() };
        let bound = LZ4F_compressFrameBound(plain.len(), &preferences);
        let packed = CBytes::with_capacity(bound).and_then(|mut packed| {
            let written = LZ4F_compressFrame(packed.start.cast(), packed.capacity, plain.as_ptr().cast(), plain.len(), &preferences);
            packed.length = lz4(written)?;
            Ok(packed)
        });
        answer(packed, out, out_length)
    }
}

/// Bytes that librdkafka passes.
///
/// # Safety
/// There are `length` bytes at `start`, for as long as the answer is used.
unsafe fn bytes_at<'b>(start: *const c_void, length: usize) -> &'b [u8] {
    // SAFETY: by this function's contract.
    if start.is_null() || length == 0 { &[] } else { unsafe { slice::from_raw_parts(start.cast(), length) } }
}

/// All bytes of a slice of librdkafka's.
///
/// # Safety
/// `batch` is a slice of librdkafka's (`rd_slice_t`).
unsafe fn gathered(batch: *mut c_void) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut part = ptr::null();
        // SAFETY: by this function's contract; a part has the length that is answered.
        unsafe {
            let length = rd_slice_reader(batch, &mut part);
            if length == 0 {
                return bytes;
            }
            bytes.extend_from_slice(slice::from_raw_parts(part.cast::<u8>(), length));
        }
    }
}

/// Reads a frame of LZ4 by the library that librdkafka brings with it.
struct Lz4Reader<'p> {
    context: *mut c_void,
    packed: &'p [u8],
    is_over: bool,
}

impl<'p> Lz4Reader<'p> {
    fn new(packed: &'p [u8]) -> io::Result<Self> {
        let mut context = ptr::null_mut();
        // SAFETY: the context is released by `Drop`.
        lz4(unsafe { LZ4F_createDecompressionContext(&mut context, LZ4F_VERSION) })?;
        Ok(Self { context, packed, is_over: false })
    }
}

impl Read for Lz4Reader<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let (mut written, mut taken) = (room.len(), self.packed.len());
            // SAFETY: both places have the stated lengths, which are replaced by what was written and taken.
            let hint = unsafe {
                let (to, from) = (room.as_mut_ptr().cast(), self.packed.as_ptr().cast());
                LZ4F_decompress(self.context, to, &mut written, from, &mut taken, ptr::null())
            };
            self.is_over = lz4(hint)? == 0;
            self.packed = self.packed.get(taken..).unwrap_or_default();
            if written > 0 {
                return Ok(written);
            }
            if !self.is_over && taken == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

impl Drop for Lz4Reader<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, released once.
        unsafe { LZ4F_freeDecompressionContext(self.context) };
    }
}

/// A result of the LZ4 library: a number, unless it is an error.
fn lz4(result: usize) -> io::Result<usize> {
    // SAFETY: looks at the number only.
    if unsafe { LZ4F_isError(result) } == 0 { Ok(result) } else { Err(io::ErrorKind::InvalidData.into()) }
}

const LZ4F_VERSION: c_uint = 100;

/// `LZ4F_preferences_t`, with `LZ4F_frameInfo_t` as its beginning.
#[repr(C)]
#[derive(Default)]
struct Lz4Preferences {
    block_size: c_int,
    block_mode: c_int,
    content_checksum: c_int,
    frame_type: c_int,
    content_size: u64,
    dictionary: c_uint,
    block_checksum: c_int,
    compression_level: c_int,
    auto_flush: c_uint,
    favour_decompression: c_uint,
    reserved: [c_uint; 3],
}

unsafe extern "C" {
    fn rd_slice_reader(slice: *mut c_void, part: *mut *const c_void) -> usize;
    fn LZ4F_isError(result: usize) -> c_uint;
    fn LZ4F_createDecompressionContext(context: *mut *mut c_void, version: c_uint) -> usize;
    fn LZ4F_freeDecompressionContext(context: *mut c_void) -> usize;
    fn LZ4F_decompress(
        context: *mut c_void,
        to: *mut c_void,
        to_length: *mut usize,
        from: *const c_void,
        from_length: *mut usize,
        options: *const c_void,
    ) -> usize;
    fn LZ4F_compressFrameBound(length: usize, preferences: *const Lz4Preferences) -> usize;
    fn LZ4F_compressFrame(
        to: *mut c_void,
        to_length: usize,
        from: *const c_void,
        from_length: usize,
        preferences: *const Lz4Preferences,
    ) -> usize;
}

#[cfg(test)]
mod tests;
