//! Checkpoints in steps, against every store: each moment at which a process can die, removal of what is not needed, and
//! damage.

use super::*;
use crate::{Blob, KeyedChain, Manifest, SharedObjects, extended, layout::shared_folder, remove_unshared};

/// Completes checkpoint `id` with a chain that goes on from `previous`.
async fn step(store: &Arc<dyn CheckpointStore>, instance: &InstanceId, id: u64, previous: Option<&Manifest>, adds: &[&str]) -> Manifest {
    let writer = CheckpointWriter::new(Arc::clone(store), instance.clone(), id);
    let mut segments = Vec::new();
    for text in adds {
        segments.push(writer.put_segment(Bytes::copy_from_slice(text.as_bytes())).await.expect("segment"));
    }
    writer.complete(header(), vec![operator(previous, &segments)]).await.expect("complete")
}

fn operator(previous: Option<&Manifest>, segments: &[Blob]) -> OperatorState {
    let node = NodeId::new("agg");
    let before: &[KeyedChain] = previous.and_then(|m| m.operator(&node)).and_then(|o| o.keyed.as_ref()).map_or(&[], |k| &k.chains);
    let mut chains = Vec::new();
    for (start, end) in [(0, 63), (64, 127)] {
        chains.extend(extended(before, "groups", KeyGroupRange { start, end }, segments));
    }
    let keyed = KeyedState { max_parallelism: 128, parts: vec![], chains };
    OperatorState { node, kind: "sql".into(), state_version: 1, signature: None, parallelism: 2, subtasks: vec![], keyed: Some(keyed) }
}

/// What the chain over key group 70 holds, at whatever parallelism it is asked for.
async fn read(reader: &CheckpointReader) -> Result<String, CheckpointError> {
    let mut all = String::new();
    for chain in reader.chains(&NodeId::new("agg"), KeyGroupRange { start: 70, end: 70 }) {
        for segment in &chain.segments {
            all.push_str(std::str::from_utf8(&reader.read_blob(segment).await?).expect("text"));
        }
    }
    Ok(all)
}

async fn latest_text(store: &Arc<dyn CheckpointStore>, instance: &InstanceId) -> (u64, String) {
    let reader = latest(store, instance).await.expect("latest").latest.expect("a checkpoint");
    (reader.manifest().checkpoint, read(&reader).await.expect("chain"))
}

async fn shared_names(store: &Arc<dyn CheckpointStore>, instance: &InstanceId) -> Vec<u64> {
    let paths = store.list(&shared_folder(instance)).await.expect("list");
    let number = |path: &String| path.rsplit('/').next().and_then(|n| n.split('-').next()).and_then(|n| n.parse().ok()).expect("number");
    let mut numbers: Vec<u64> = paths.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Many small steps are joined, and say the same.
async fn many_steps(store: &Arc<dyn CheckpointStore>) {
    let writer = CheckpointWriter::new(Arc::clone(store), InstanceId::new("many"), 1);
    let mut segments = Vec::new();
    for n in 0..15u8 {
        segments.push(writer.put_segment(Bytes::from(vec![b'a' + n])).await.expect("segment"));
        segments = writer.shortened(segments).await.expect("short");
        assert_eq!(segments.len(), usize::from(n) + 1);
    }
    segments.insert(0, writer.put_segment(Bytes::from(vec![b'.'; 5 << 20])).await.expect("large"));
    segments.push(writer.put_segment(Bytes::from_static(b"p")).await.expect("segment"));
    let segments = writer.shortened(segments).await.expect("short");
    assert_eq!(segments.iter().map(|s| s.length).collect::<Vec<_>>(), [5 << 20, 16]);
    let joined = writer.put_segment(Bytes::from_static(b"abcdefghijklmnop")).await.expect("segment");
    assert_eq!(segments[1], joined);
}

pub(super) async fn contract(store: &Arc<dyn CheckpointStore>) {
    many_steps(store).await;
    let instance = InstanceId::new("steps");
    let first = step(store, &instance, 1, None, &["a"]).await;
    let second = step(store, &instance, 2, Some(&first), &["b"]).await;
    assert_eq!((second.format, second.state_bytes(), second.written_bytes()), (2, 4, 2), "two chains of two segments");
    // Died between the upload of a delta and its manifest: the one before counts, and its number is not given again.
    let writer = CheckpointWriter::new(Arc::clone(store), instance.clone(), 3);
    writer.put_segment(Bytes::from_static(b"lost")).await.expect("segment");
    assert_eq!(latest_text(store, &instance).await, (2, "ab".into()));
    let recovery = latest(store, &instance).await.expect("latest");
    assert_eq!(recovery.last_id, 3);
    let mut shared = recovery.shared.expect("all manifests are whole");
    assert_eq!(shared_names(store, &instance).await, [1, 2, 3]);
    // The next run clears it away, and only it.
    assert_eq!(remove_unshared(&**store, &instance, recovery.last_id, &shared.names()).await, Ok(1));
    assert_eq!(shared_names(store, &instance).await, [1, 2]);

    // Checkpoint 5 is being written while 1 and 2 become obsolete: 4 still refers to what they have written.
    let fourth = step(store, &instance, 4, Some(&second), &["d"]).await;
    shared.note(&fourth);
    let writer = CheckpointWriter::new(Arc::clone(store), instance.clone(), 5);
    let in_flight = writer.put_segment(Bytes::from_static(b"e")).await.expect("segment");
    for obsolete in [1, 2] {
        remove_checkpoint(&**store, &instance, obsolete).await.expect("remove");
        shared.forget(obsolete);
    }
    assert_eq!(remove_unshared(&**store, &instance, 4, &shared.names()).await, Ok(0));
    let fifth = writer.complete(header(), vec![operator(Some(&fourth), &[in_flight])]).await.expect("complete");
    assert_eq!(latest_text(store, &instance).await, (5, "abde".into()));
    savepoint_is_self_contained(store, &instance, &fifth).await;

    // A whole state begins a new chain: once 4 and 5 are gone, so is what they alone refer to.
    shared.note(&step(store, &instance, 6, None, &["f"]).await);
    for obsolete in [4, 5] {
        remove_checkpoint(&**store, &instance, obsolete).await.expect("remove");
        shared.forget(obsolete);
    }
    assert_eq!(remove_unshared(&**store, &instance, 6, &shared.names()).await, Ok(4));
    assert_eq!((shared_names(store, &instance).await, latest_text(store, &instance).await), (vec![6], (6, "f".into())));
    damage(store, &instance).await;
}

async fn savepoint_is_self_contained(store: &Arc<dyn CheckpointStore>, instance: &InstanceId, from: &Manifest) {
    let reader = CheckpointReader::open(Arc::clone(store), &checkpoint_folder(instance, from.checkpoint)).await.expect("open");
    let savepoint = SavepointId::new("steps-sp");
    let copied = copy_as_savepoint(&reader, &**store, &savepoint).await.expect("copy");
    assert_eq!((copied.shared().count(), copied.state_bytes()), (0, from.state_bytes()));
    let reader = CheckpointReader::open(Arc::clone(store), &savepoint_folder(&savepoint)).await.expect("open");
    reader.verify().await.expect("whole");
    assert_eq!(read(&reader).await, Ok("abde".into()));
}

async fn damage(store: &Arc<dyn CheckpointStore>, instance: &InstanceId) {
    let last = step(store, instance, 7, None, &["g", "h"]).await;
    let name = last.shared().next().expect("a segment").to_owned();
    let path = format!("{}/{name}", shared_folder(instance));
    store.put(&path, Bytes::from_static(b"x")).await.expect("damage");
    let reader = latest(store, instance).await.expect("latest").latest.expect("segments are verified when they are read");
    let error = read(&reader).await.expect_err("damaged").to_string();
    assert!(error.starts_with(&format!("`{path}` is damaged: SHA-256 ")), "{error}");
    store.delete_prefix(&path).await.expect("lose it");
    let found = latest(store, instance).await.expect("latest");
    assert_eq!(found.skipped[0].reason, SkipReason::Damaged(CheckpointError::NotFound { path }));
    assert_eq!(found.shared, None, "nothing is cleared away beside a damaged checkpoint");
    assert_eq!(found.latest.expect("the one before").manifest().checkpoint, 6);
    assert_eq!(SharedObjects::default().names(), BTreeSet::new());
    // A name that leads out of the folder is refused before it is opened.
    let outside =
        br#"{"format":2,"checkpoint":7,"kind":"checkpoint","instance":"steps","job":"j","version_hash":"h","created_ms":1,"operators":
        [{"node":"agg","kind":"k","state_version":1,"parallelism":1,"keyed":{"max_parallelism":128,"chains":[
        {"state":"s","key_groups":{"start":0,"end":127},"segments":[{"length":1,"sha256":"x","shared":"../../x"}]}]}}]}"#;
    store.put("steps/chk-7/manifest.json", Bytes::from_static(outside)).await.expect("outside");
    let reader = CheckpointReader::open(Arc::clone(store), "steps/chk-7").await.expect("open");
    assert!(matches!(reader.verify().await, Err(CheckpointError::BadPath { .. })));
}
