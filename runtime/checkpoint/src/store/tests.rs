//! One contract, checked against every store; a full disk and a real S3 server.

mod chains;
mod full_disk;
mod s3_server;

use super::*;
use crate::{
    CheckpointHeader, CheckpointReader, CheckpointWriter, KeyGroupRange, KeyedPart, KeyedState, OperatorState, SkipReason, SubtaskState,
    copy_as_savepoint, latest,
    layout::{checkpoint_folder, savepoint_folder},
    manifest::{BlobPlace, CheckpointKind},
    remove_checkpoint, remove_incomplete,
};
use millrace_model::ids::{InstanceId, JobId, NodeId, SavepointId};
use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, sync::Arc};

const STATE: &[u8] = b"offsets 1 2 3";

fn header() -> CheckpointHeader {
    CheckpointHeader { job: JobId::new("job"), version_hash: "abc".into(), created_ms: 1 }
}

/// Completes checkpoint `id` with one small and one large blob.
async fn take(store: &Arc<dyn CheckpointStore>, instance: &InstanceId, id: u64) -> Result<(), CheckpointError> {
    let writer = CheckpointWriter::new(Arc::clone(store), instance.clone(), id);
    let small = writer.put_blob(Bytes::from_static(STATE)).await?;
    let large = writer.put_blob(large_state(id)).await?;
    let keyed = KeyedState {
        max_parallelism: 128,
        parts: vec![KeyedPart { key_groups: KeyGroupRange { start: 0, end: 127 }, blob: large }],
        chains: vec![],
    };
    let operator = OperatorState {
        node: NodeId::new("source"),
        kind: "kafka_source".into(),
        state_version: 1,
        signature: None,
        parallelism: 1,
        subtasks: vec![SubtaskState { subtask: 0, blob: small }],
        keyed: Some(keyed),
    };
    writer.complete(header(), vec![operator]).await.map(|_| ())
}

fn large_state(id: u64) -> Bytes {
    Bytes::from(vec![u8::try_from(id % 251).expect("fits"); 100_000])
}

/// Reads back what [`take`] wrote.
async fn assert_whole(reader: &CheckpointReader, id: u64) {
    let node = NodeId::new("source");
    assert_eq!(reader.subtask_states(&node).await, Ok(vec![(0, Bytes::from_static(STATE))]));
    let range = KeyGroupRange { start: 0, end: 127 };
    assert_eq!(reader.keyed_parts(&node, KeyGroupRange { start: 64, end: 64 }).await, Ok(vec![(range, large_state(id))]));
    assert_eq!(reader.subtask_states(&NodeId::new("other")).await, Ok(vec![]));
}

async fn objects_contract(store: &Arc<dyn CheckpointStore>) {
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert_eq!(store.get("a/x").await, Err(CheckpointError::NotFound { path: "a/x".into() }));
    assert_eq!(store.list("a").await, Ok(vec![]));
    store.put("a/x", bytes("1")).await.expect("put");
    store.put("a/x", bytes("2")).await.expect("replace");
    assert_eq!(store.get("a/x").await, Ok(bytes("2")));
    assert_eq!(store.put_if_absent("a/x", bytes("3")).await, Ok(false));
    assert_eq!(store.put_if_absent("a/b/c/y", bytes("4")).await, Ok(true));
    assert_eq!(store.get("a/x").await, Ok(bytes("2")));
    store.put("ab/z", bytes("5")).await.expect("put");
    assert_eq!(store.list("a").await, Ok(vec!["a/b/c/y".into(), "a/x".into()]), "a folder, not a string prefix");
    for bad in ["../x", "/x", "", "a/.aside-1"] {
        assert!(matches!(store.put(bad, bytes("")).await, Err(CheckpointError::BadPath { .. })), "{bad}");
        assert!(matches!(store.delete_prefix(bad).await, Err(CheckpointError::BadPath { .. })), "{bad}");
    }
    store.delete_prefix("a/x").await.expect("one object");
    assert_eq!(store.list("a").await, Ok(vec!["a/b/c/y".into()]));
    store.delete_prefix("a").await.expect("a folder");
    store.delete_prefix("a").await.expect("nothing there is no error");
    assert_eq!((store.list("a").await, store.list("ab").await), (Ok(vec![]), Ok(vec!["ab/z".into()])));
}

async fn one_of_many_completes(store: &Arc<dyn CheckpointStore>) {
    let attempts = (0..8u8).map(|n| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.put_if_absent("race/x", Bytes::from(vec![n; 1_000])).await })
    });
    let mut winners = Vec::new();
    for (n, attempt) in attempts.collect::<Vec<_>>().into_iter().enumerate() {
        if attempt.await.expect("joined").expect("put") {
            winners.push(u8::try_from(n).expect("fits"));
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get("race/x").await, Ok(Bytes::from(vec![winners[0]; 1_000])));
}

async fn checkpoints_contract(store: &Arc<dyn CheckpointStore>) {
    let instance = InstanceId::new("inst");
    let fresh = latest(store, &instance).await.expect("fresh");
    assert!(fresh.latest.is_none() && fresh.last_id == 0 && fresh.skipped.is_empty());
    for id in [1, 2, 3] {
        take(store, &instance, id).await.expect("checkpoint");
    }
    // 4 was never completed, 3 has lost state, of another instance nothing is seen.
    CheckpointWriter::new(Arc::clone(store), instance.clone(), 4).put_blob(large_state(9)).await.expect("blob");
    take(store, &InstanceId::new("inst2"), 77).await.expect("checkpoint");
    store.delete_prefix("inst/chk-3/blobs").await.expect("damage");

    let found = latest(store, &instance).await.expect("latest");
    assert_eq!((found.last_id, found.complete.as_slice()), (4, &[1, 2][..]));
    assert_eq!(found.skipped[0].reason, SkipReason::Incomplete);
    assert!(matches!(&found.skipped[1].reason, SkipReason::Damaged(CheckpointError::NotFound { .. })), "{:?}", found.skipped[1]);
    let reader = found.latest.expect("checkpoint 2");
    assert_eq!(reader.manifest().checkpoint, 2);
    assert_whole(&reader, 2).await;

    assert_eq!(remove_incomplete(&**store, &instance, 4).await, Ok(BTreeSet::from([4])));
    remove_checkpoint(&**store, &instance, 3).await.expect("remove");
    let left = store.list("inst").await.expect("list");
    assert!(left.iter().all(|p| p.starts_with("inst/chk-1/") || p.starts_with("inst/chk-2/")), "{left:?}");
    assert!(matches!(take(store, &instance, 2).await, Ok(())), "the same checkpoint written again is the same");
    let other = CheckpointWriter::new(Arc::clone(store), instance.clone(), 2).complete(header(), vec![]).await;
    assert_eq!(other, Err(CheckpointError::AlreadyComplete { path: "inst/chk-2/manifest.json".into() }));
}

async fn damage_is_seen(store: &Arc<dyn CheckpointStore>) {
    let instance = InstanceId::new("damaged");
    take(store, &instance, 1).await.expect("checkpoint");
    let folder = checkpoint_folder(&instance, 1);
    let reader = CheckpointReader::open(Arc::clone(store), &folder).await.expect("open");
    let blob = reader.manifest().blobs().find(|b| matches!(b.place, BlobPlace::Path(_))).expect("large blob").clone();
    let BlobPlace::Path(path) = &blob.place else { unreachable!() };
    let mut flipped = large_state(1).to_vec();
    flipped[50_000] ^= 1;
    for bytes in [flipped, vec![1; 99_999], Vec::new()] {
        store.put(&format!("{folder}/{path}"), Bytes::from(bytes)).await.expect("damage");
        assert!(matches!(reader.read_blob(&blob).await, Err(CheckpointError::Corrupt { .. })));
        let found = latest(store, &instance).await.expect("latest");
        assert!(found.latest.is_none());
        assert!(matches!(found.skipped[0].reason, SkipReason::Damaged(CheckpointError::Corrupt { .. })));
    }
    let manifest = format!("{folder}/manifest.json");
    store.put(&manifest, Bytes::from_static(br#"{"format":3}"#)).await.expect("newer");
    assert!(matches!(latest(store, &instance).await, Err(CheckpointError::NewerFormat { found: 3, .. })), "never fall back behind");
    // A place that leads out of the folder is refused before it is opened.
    let outside = br#"{"format":1,"checkpoint":1,"kind":"checkpoint","instance":"damaged","job":"j","version_hash":"h","created_ms":1,"operators":
        [{"node":"n","kind":"k","state_version":1,"parallelism":1,"subtasks":[{"subtask":0,"blob":{"length":1,"sha256":"x","path":"../../x"}}]}]}"#;
    store.put(&manifest, Bytes::from_static(outside)).await.expect("outside");
    let reader = CheckpointReader::open(Arc::clone(store), &folder).await.expect("open");
    assert!(matches!(reader.verify().await, Err(CheckpointError::BadPath { .. })));
}

/// A savepoint outlives its checkpoint, and moves to another store object by object.
async fn savepoints_move(store: &Arc<dyn CheckpointStore>, other: &Arc<dyn CheckpointStore>) {
    let (instance, savepoint) = (InstanceId::new("saved"), SavepointId::new("s-1"));
    take(store, &instance, 5).await.expect("checkpoint");
    let reader = CheckpointReader::open(Arc::clone(store), &checkpoint_folder(&instance, 5)).await.expect("open");
    copy_as_savepoint(&reader, &**store, &savepoint).await.expect("savepoint");
    store.delete_prefix("saved").await.expect("remove");
    for path in store.list("savepoints/s-1").await.expect("list") {
        other.put(&format!("moved/{path}"), store.get(&path).await.expect("get")).await.expect("put");
    }
    for (store, folder) in [(store, savepoint_folder(&savepoint)), (other, "moved/savepoints/s-1".to_owned())] {
        let reader = CheckpointReader::open(Arc::clone(store), &folder).await.expect("open");
        assert_eq!((reader.manifest().kind, &reader.manifest().savepoint), (CheckpointKind::Savepoint, &Some(savepoint.clone())));
        assert_whole(&reader, 5).await;
    }
}

async fn whole_contract(store: &Arc<dyn CheckpointStore>) {
    objects_contract(store).await;
    one_of_many_completes(store).await;
    checkpoints_contract(store).await;
    damage_is_seen(store).await;
    chains::contract(store).await;
}

fn local(folder: &tempfile::TempDir) -> Arc<dyn CheckpointStore> {
    Arc::new(LocalStore::open(folder.path().join("checkpoints")).expect("store"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("folder");
    let store = local(&folder);
    whole_contract(&store).await;
    savepoints_move(&store, &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract_and_a_bound() {
    let store: Arc<dyn CheckpointStore> = Arc::new(MemoryStore::new(16 << 20));
    whole_contract(&store).await;
    let full = store.put("a/large", Bytes::from(vec![0; 16 << 20])).await;
    assert!(matches!(full, Err(CheckpointError::DiskFull { .. })), "{full:?}");
}

#[tokio::test]
async fn a_small_checkpoint_is_one_private_file() {
    let folder = tempfile::tempdir().expect("folder");
    let store = local(&folder);
    let writer = CheckpointWriter::new(Arc::clone(&store), InstanceId::new("i"), 1);
    let blob = writer.put_blob(Bytes::from(vec![7; 16 * 1024])).await.expect("blob");
    let subtasks = vec![SubtaskState { subtask: 0, blob }];
    let operator = OperatorState {
        node: NodeId::new("n"),
        kind: "k".into(),
        state_version: 1,
        signature: None,
        parallelism: 1,
        subtasks,
        keyed: None,
    };
    writer.complete(header(), vec![operator]).await.expect("complete");
    assert_eq!(store.list("i").await, Ok(vec!["i/chk-1/manifest.json".into()]));
    let entries: Vec<_> = std::fs::read_dir(folder.path().join("checkpoints/i/chk-1")).expect("folder").collect();
    assert_eq!(entries.len(), 1, "nothing is left aside");
    for (path, mode) in [("checkpoints", 0o700), ("checkpoints/i", 0o700), ("checkpoints/i/chk-1/manifest.json", 0o600)] {
        let found = std::fs::metadata(folder.path().join(path)).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
}

#[tokio::test]
async fn much_small_state_does_not_swell_the_manifest() {
    let folder = tempfile::tempdir().expect("folder");
    let store = local(&folder);
    let writer = CheckpointWriter::new(Arc::clone(&store), InstanceId::new("i"), 1);
    let mut inlined = 0;
    for n in 0..200u8 {
        let blob = writer.put_blob(Bytes::from(vec![n; 10_000])).await.expect("blob");
        inlined += usize::from(matches!(blob.place, BlobPlace::Inline(_)));
    }
    assert_eq!(inlined, 104, "1 MiB of 10,000 bytes each");
}
