//! The broker's jars: fetched once per machine with Maven into the cache folder.

use crate::{ServerError, cache};
use std::path::PathBuf;

const VERSION: &str = "4.3.0";

/// Folder with all jars, downloaded if it is not there.
pub(super) fn jars() -> Result<PathBuf, ServerError> {
    cache::folder("kafka", &format!("kafka-{VERSION}"), |work| {
        let artifacts = ["kafka_2.13", "kafka-tools"].map(|artifact| format!("org.apache.kafka:{artifact}:{VERSION}"));
        let jars = work.join("jars");
        cache::maven("kafka", &artifacts, false, work, &jars)?;
        Ok(jars)
    })
}
