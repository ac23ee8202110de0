//! Windows of `OVER`: names followed, expressions bound, frames worked out.

use super::super::{Binder, expression::Env, grouping::form};
use crate::{
    ast::{NamedWindow, OrderItem, Over as Written, Span, WindowFrame},
    error::SqlError,
    plan::{Frame, PlanNode, SortColumn, TimeKind, changelog::changelog_mode},
};
use arrow_array::{cast::AsArray, types::Int32Type};
use millrace_functions::Expr;
use millrace_model::DataType;

/// A window, resolved.
#[derive(Clone)]
pub(super) struct Window {
    pub(super) partition: Vec<Expr>,
    pub(super) order: Vec<Order>,
    pub(super) frame: Frame,
    /// Where `OVER` stands.
    pub(super) span: Span,
}

#[derive(Clone)]
pub(super) struct Order {
    pub(super) expr: Expr,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

impl Window {
    pub(super) fn form(&self) -> String {
        let order: Vec<_> = self.order.iter().map(|o| (form(&o.expr), o.descending, o.nulls_first)).collect();
        format!("{:?} {order:?} {:?}", self.partition.iter().map(form).collect::<Vec<_>>(), self.frame)
    }
}

impl Binder<'_> {
    /// Refuses two windows of one name.
    pub(crate) fn check_named_windows(&self, windows: &[NamedWindow]) -> Result<(), SqlError> {
        for (position, window) in windows.iter().enumerate() {
            if windows[..position].iter().any(|w| w.name.value == window.name.value) {
                let message = format!("the window `{}` is declared twice", window.name.value);
                return Err(self.error("sql.duplicate_window", message, window.name.span));
            }
        }
        Ok(())
    }

    pub(super) fn window(&mut self, written: &Written, windows: &[NamedWindow], env: &mut Env<'_>) -> Result<Window, SqlError> {
        let base = match &written.name {
            None => None,
            Some(name) => {
                let Some(position) = windows.iter().position(|w| w.name.value == name.value) else {
                    let error = self.error("sql.unknown_window", format!("there is no window `{}`", name.value), name.span);
                    return Err(match crate::error::nearest(&name.value, windows.iter().map(|w| w.name.value.as_str())) {
                        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                        None => error.with_hint("declare it behind the SELECT: `WINDOW w AS (PARTITION BY … ORDER BY …)`"),
                    });
                };
                // A window refines only those before it, so this ends.
                Some(self.window(&windows[position].over, &windows[..position], env)?)
            }
        };
        let mut partition = Vec::new();
        for key in &written.partition_by {
            let expr = self.expression(key, env)?;
            if matches!(expr.typed().data_type, DataType::Map(..) | DataType::Multiset(_)) {
                let message = format!("{} cannot be a key of PARTITION BY", expr.typed().data_type);
                return Err(self.error("sql.type_mismatch", message, key.span));
            }
            partition.push(expr);
        }
        let mut order = Vec::new();
        for item in &written.order_by {
            order.push(self.order(item, env)?);
        }
        if let Some(base) = &base
            && ((!partition.is_empty() && !base.partition.is_empty()) || (!order.is_empty() && !base.order.is_empty()))
        {
            let message = "a window that refines another cannot say again what that one says already";
            return Err(self.error("sql.invalid_window", message, written.span));
        }
        let time = order.first().or_else(|| base.as_ref().and_then(|b| b.order.first())).map(|o| o.expr.typed().data_type);
        let frame = match &written.frame {
            Some(frame) => self.frame(frame, time.as_ref(), env)?,
            None => base.as_ref().map_or(Frame { is_rows: false, preceding: None }, |b| b.frame),
        };
        let base = base.unwrap_or(Window { partition: Vec::new(), order: Vec::new(), frame, span: written.span });
        partition.extend(base.partition);
        order.extend(base.order);
        Ok(Window { partition, order, frame, span: written.span })
    }

    /// The frame that is written, in the window or in one that it refines.
    pub(super) fn frame_of<'f>(&self, written: &'f Written, windows: &'f [NamedWindow]) -> Option<&'f WindowFrame> {
        written.frame.as_ref().or_else(|| {
            let name = written.name.as_ref()?;
            let position = windows.iter().position(|w| w.name.value == name.value)?;
            self.frame_of(&windows[position].over, &windows[..position])
        })
    }

    fn order(&mut self, item: &OrderItem, env: &mut Env<'_>) -> Result<Order, SqlError> {
        let expr = self.expression(&item.expression, env)?;
        // NULL is the least value.
        let nulls_first = item.nulls_first.unwrap_or(!item.descending);
        Ok(Order { expr, descending: item.descending, nulls_first })
    }

    fn frame(&mut self, frame: &WindowFrame, order: Option<&DataType>, env: &mut Env<'_>) -> Result<Frame, SqlError> {
        let Some(distance) = &frame.preceding else {
            return Ok(Frame { is_rows: frame.is_rows, preceding: None });
        };
        let bound = self.expression(distance, env)?;
        if frame.is_rows {
            let number = match bound.typed().data_type {
                DataType::Int => bound.literal().map(|v| v.as_primitive::<Int32Type>().value(0)),
                _ => None,
            };
            let Some(rows) = number.and_then(|n| u64::try_from(n).ok()) else {
                let message = "a frame of ROWS begins a constant number of rows before the row, from 0";
                return Err(self.error("sql.invalid_window", message, distance.span).with_hint("for a time before the row write RANGE"));
            };
            return Ok(Frame { is_rows: true, preceding: Some(rows) });
        }
        let is_time = order.is_some_and(|t| matches!(t, DataType::Timestamp { .. } | DataType::TimestampLtz { .. }));
        if !is_time {
            let message = "a frame of RANGE with a distance needs ORDER BY a time";
            return Err(self
                .error("sql.invalid_window", message, distance.span)
                .with_hint("write `UNBOUNDED PRECEDING`, or order by time"));
        }
        let length_ms = self.interval_ms(&bound, distance.span)?;
        let preceding = u64::try_from(length_ms)
            .map_err(|_| self.error("sql.invalid_window", "the interval of a frame must not be negative", distance.span))?;
        Ok(Frame { is_rows: false, preceding: Some(preceding) })
    }

    /// What is wrong with a window, but for ranks.
    pub(super) fn refused_window(
        &self,
        window: &Window,
        order: &[SortColumn],
        time: Option<TimeKind>,
        input: &PlanNode,
    ) -> Option<SqlError> {
        let [only] = order else {
            let message = "the window of `OVER` needs ORDER BY one column";
            let error = self.error("sql.invalid_window", message, window.span);
            return Some(error.with_hint("order by the event-time column of the table, or by its processing time"));
        };
        if only.descending {
            let error = self.error("sql.invalid_window", "the window of `OVER` is ordered descending", window.span);
            return Some(error.with_hint("leave out DESC: a stream is seen from the past to the present"));
        }
        match time {
            None if window.frame.preceding.is_some() => {
                let message = "a frame that rows leave again needs ORDER BY a time";
                let error = self.error("sql.invalid_window", message, window.span);
                Some(error.with_hint("order by the event-time column of the table, or begin at UNBOUNDED PRECEDING"))
            }
            Some(_) if !changelog_mode(input).is_insert_only() => {
                let message = "`OVER` by time over a stream with updates: what has been given out cannot change any more";
                Some(self.error("sql.updates_not_supported", message, window.span))
            }
            _ => None,
        }
    }
}
