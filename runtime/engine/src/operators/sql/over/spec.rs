//! What an `OVER` computes, for both of its operators.

use millrace_sql::plan::{AggregateCall, Frame, Over, TimeKind};

/// What is computed.
#[derive(Debug, Clone)]
pub(crate) struct OverSpec {
    pub keys: Vec<usize>,
    /// The column that rows are ordered by.
    pub order: usize,
    /// Which time it is; `None` when it is none.
    pub time: Option<TimeKind>,
    /// NULL comes before all values.
    pub nulls_first: bool,
    pub frame: Frame,
    pub calls: Vec<AggregateCall>,
    pub state_ttl_ms: Option<u64>,
}

impl OverSpec {
    pub(crate) fn new(over: &Over) -> Result<Self, String> {
        let Some(order) = over.order.first() else {
            return Err("OVER has no order".to_owned());
        };
        let mut frame = over.frame;
        // Rows are told apart by when they come: each is answered by itself.
        frame.is_rows |= over.time == Some(TimeKind::Proctime) && frame.preceding.is_none();
        let (keys, calls) = (over.keys.clone(), over.calls.clone());
        let (nulls_first, state_ttl_ms) = (order.nulls_first, over.state_ttl_ms);
        Ok(Self { keys, order: order.column, time: over.time, nulls_first, frame, calls, state_ttl_ms })
    }

    /// Changes whenever the state's meaning changes.
    pub(crate) fn signature(&self) -> String {
        // Time to live changes when rows are forgotten, not what is kept.
        let Self { keys, order, time, nulls_first, frame, calls, .. } = self;
        format!("over {keys:?} {order} {time:?} {nulls_first} {frame:?} {calls:?}")
    }
}
