use super::*;
use std::io::Write;

type Pack = fn(&[u8]) -> Vec<u8>;
type Unpack = fn(&[u8]) -> Option<Vec<u8>>;

/// Takes memory over as librdkafka does.
fn taken(start: *mut c_void, length: usize) -> Vec<u8> {
    // SAFETY: the functions answer memory of the C allocator of that length.
    unsafe {
        let bytes = slice::from_raw_parts(start.cast::<u8>(), length).to_vec();
        libc::free(start);
        bytes
    }
}

fn gzip(packed: &[u8]) -> Option<Vec<u8>> {
    let mut length = 0;
    // SAFETY: a slice and a place for the length.
    let start = unsafe { rd_gz_decompress(packed.as_ptr().cast(), packed.len() as c_int, &mut length) };
    (!start.is_null()).then(|| taken(start, length as usize))
}

fn zstd(packed: &[u8]) -> Option<Vec<u8>> {
    let (mut start, mut length) = (ptr::null_mut(), 0);
    // SAFETY: a slice and places for the result.
    let code = unsafe { rd_kafka_zstd_decompress(ptr::null_mut(), packed.as_ptr().cast(), packed.len(), &mut start, &mut length) };
    (code == Code::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| taken(start, length))
}

fn lz4_frame(packed: &[u8]) -> Option<Vec<u8>> {
    let (mut start, mut length) = (ptr::null_mut(), 0);
    let from = packed.as_ptr().cast_mut().cast();
    // SAFETY: a slice and places for the result.
    let code = unsafe { rd_kafka_lz4_decompress(ptr::null_mut(), 1, 0, from, packed.len(), &mut start, &mut length) };
    (code == Code::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| taken(start, length))
}

fn packed_lz4(plain: &[u8]) -> Vec<u8> {
    let preferences = Lz4Preferences { block_mode: 1, ..Lz4Preferences::default() };
    // SAFETY: the room is as large as the bound.
    unsafe {
        let mut packed = vec![0; LZ4F_compressFrameBound(plain.len(), &preferences)];
        let written = LZ4F_compressFrame(packed.as_mut_ptr().cast(), packed.len(), plain.as_ptr().cast(), plain.len(), &preferences);
        packed.truncate(lz4(written).unwrap());
        packed
    }
}

fn packed_gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn packed_zstd(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).unwrap()
}

const CODECS: [(&str, Pack, Unpack); 3] = [("gzip", packed_gzip, gzip), ("zstd", packed_zstd, zstd), ("lz4", packed_lz4, lz4_frame)];

#[test]
fn batches_are_unpacked_within_bounds() {
    let text: Vec<u8> = (0..200_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
    let bomb = vec![0; BATCH_BYTES_MAX + 1];
    for (name, pack, unpack) in CODECS {
        for plain in [&b""[..], b"x", &text] {
            assert_eq!(unpack(&pack(plain)).as_deref(), Some(plain), "{name}");
        }
        let packed = pack(&bomb);
        assert!(packed.len() < bomb.len() / 100, "{name}");
        assert_eq!(unpack(&packed), None, "{name}: a byte too many");
        let damaged = pack(&text);
        assert_eq!(unpack(&damaged[..damaged.len() / 2]), None, "{name}: half a batch");
        assert_eq!(unpack(b"no such thing"), None, "{name}");
    }
}

#[test]
fn many_batches_of_one_answer_have_a_bound_together() {
    std::thread::spawn(|| {
        let packed = packed_lz4(&vec![0; BATCH_BYTES_MAX]);
        let next = || {
            // SAFETY: looks at none of what it is given.
            unsafe {
                let (none, name) = (ptr::null_mut(), ptr::null());
                on_answer(ptr::null_mut(), 0, name, 0, 0, 0, 0, 0, 0, Code::RD_KAFKA_RESP_ERR_NO_ERROR, none)
            }
        };
        next();
        let batches = ANSWER_BYTES_MAX / BATCH_BYTES_MAX;
        let unpacked = (0..batches + 2).filter(|_| lz4_frame(&packed).is_some()).count();
        assert_eq!(unpacked, batches);
        next();
        assert!(lz4_frame(&packed).is_some(), "the next answer begins anew");
    })
    .join()
    .unwrap();
}
