//! The bytes of stored state, written down. A change here makes every checkpoint and savepoint unreadable, or worse,
//! misread: raise `state_version` of the kind with it, or keep the bytes.

use super::all;
use std::fmt::Write;

#[tokio::test]
async fn stored_state_is_as_it_was() {
    for (name, sql, query) in all().await {
        let states = query.state().await;
        let mut shown = format!("{sql}\n");
        for (stage, states) in query.stages.iter().zip(&states) {
            if states.is_empty() {
                continue;
            }
            writeln!(shown, "{} {} version {}", stage.node, stage.name, stage.state_version()).unwrap();
            for (state, groups) in states {
                // The watermark is the same in every key group.
                let is_same = groups.len() == 128 && groups.values().all(|b| Some(b) == groups.values().next());
                for (group, bytes) in groups.iter().take(if is_same { 1 } else { usize::MAX }) {
                    let group = if is_same { "*".to_owned() } else { group.to_string() };
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    writeln!(shown, "  {state} {group}: {hex}").unwrap();
                }
            }
        }
        assert!(shown.contains(" version "), "{name} keeps no state");
        insta::assert_snapshot!(name, shown);
        // What is restored is stored again as the same bytes.
        let again = query.open(&states).await.unwrap().snapshot().await.unwrap();
        assert_eq!(again, states, "{name}: restored and stored again");
    }
}
