//! The sink: exactly once (default) or at least once.

mod at_least_once;
mod exactly_once;
mod rows;
mod state;
#[cfg(test)]
mod tests;
mod transaction;
mod upsert;

pub(crate) use at_least_once::{flush, open_producer, send_all};
use state::Identity;
pub(crate) use state::PendingRows;

use crate::config::{Delivery, sink_config};
use millrace_connector::{ConnectorError, Sink, SinkContext};

pub(crate) async fn open(mut context: SinkContext) -> Result<Box<dyn Sink>, ConnectorError> {
    let config = sink_config(&context.config)?;
    // A state without bytes comes from a sink that was at least once: there is nothing to settle.
    context.restored.retain(|state| !state.bytes.is_empty());
    match config.delivery {
        Delivery::ExactlyOnce => Ok(Box::new(exactly_once::ExactlyOnceSink::open(context, config).await?)),
        Delivery::AtLeastOnce => {
            // Rows that were left pending while the sink was exactly once.
            let own = Identity::new(&context.instance, &context.operator, context.subtask, &context.table.physical_name);
            exactly_once::settle_all(&own, &context.restored, &context.table.connection, &config.properties, &context.metrics).await?;
            Ok(Box::new(at_least_once::AtLeastOnceSink::open(context, config)?))
        }
    }
}
