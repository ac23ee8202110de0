//! Early and late results of windows: from the options of the script (Flink's `table.exec.emit.*`) or from the `EMIT` clause.

use super::Binder;
use crate::{
    ast::{Emit, Span},
    error::SqlError,
    plan::{EmitStrategy, WindowKind, WindowSpec},
};

impl Binder<'_> {
    /// The strategy of a window of `GROUP BY`; `None` when it gives out one result, at its end.
    pub(crate) fn emit_strategy(
        &mut self,
        window: &WindowSpec,
        clause: Option<&Emit>,
        span: Span,
    ) -> Result<Option<EmitStrategy>, SqlError> {
        let (early_ms, late_ms, lateness_ms, span) = match clause {
            Some(emit) => self.emit_clause(emit)?,
            None => {
                let settings = &self.settings.emit;
                let delay = |enabled: bool, delay_ms: Option<u64>, which: &str| match (enabled, delay_ms) {
                    (false, _) => Ok(None),
                    (true, Some(ms)) => Ok(Some(ms)),
                    (true, None) => {
                        let message = format!("option 'table.exec.emit.{which}.enabled' is set without 'table.exec.emit.{which}.delay'");
                        Err(self.error("sql.invalid_option", message, span).with_hint("`0 s` gives a result with every row"))
                    }
                };
                let early_ms = delay(settings.early_enabled, settings.early_delay_ms, "early-fire")?;
                let late_ms = delay(settings.late_enabled, settings.late_delay_ms, "late-fire")?;
                // A time to live is the lateness where none is said.
                (early_ms, late_ms, settings.lateness_ms.or(self.settings.state_ttl_ms).unwrap_or(0), span)
            }
        };
        if early_ms.is_none() && late_ms.is_none() {
            return Ok(None);
        }
        if matches!(window.kind, WindowKind::Session { .. }) {
            let message = "sessions give out no early or late results: what they hold is not known before they end";
            return Err(self.error("sql.unsupported", message, span));
        }
        if window.is_processing_time {
            // By the clock no row is late.
            return Ok(early_ms.map(|early_ms| EmitStrategy { early_ms: Some(early_ms), late_ms: None, lateness_ms: 0 }));
        }
        if late_ms.is_some() && lateness_ms == 0 {
            let error = self.error("sql.invalid_option", "late results need a time for which rows may be late", span);
            return Err(error.with_hint("SET 'table.exec.emit.allow-lateness', or write `ALLOW LATENESS INTERVAL '1' HOUR`"));
        }
        if let Some(late_ms) = late_ms.filter(|&ms| ms > lateness_ms) {
            let message = format!("late results every {late_ms} ms would come after the {lateness_ms} ms for which rows may be late");
            return Err(self.error("sql.invalid_option", message, span));
        }
        let lateness_ms = if late_ms.is_some() { lateness_ms } else { 0 };
        Ok(Some(EmitStrategy { early_ms, late_ms, lateness_ms }))
    }

    #[allow(clippy::type_complexity)] // early, late, lateness, place
    fn emit_clause(&mut self, emit: &Emit) -> Result<(Option<u64>, Option<u64>, u64, Span), SqlError> {
        let mut length = |written: &crate::ast::Expression| -> Result<u64, SqlError> {
            let scope = super::scope::Scope::default();
            let bound = self.expression(written, &mut super::expression::Env::over(&scope))?;
            let ms = self.interval_ms(&bound, written.span)?;
            u64::try_from(ms).map_err(|_| self.error("sql.invalid_window", "an interval of EMIT must not be negative", written.span))
        };
        let mut every = |rate: &crate::ast::EmitRate| rate.every.as_ref().map_or(Ok(0), &mut length);
        let early_ms = emit.early.as_ref().map(&mut every).transpose()?;
        let late_ms = emit.late.as_ref().map(&mut every).transpose()?;
        let lateness_ms = emit.allow_lateness.as_ref().map_or(Ok(0), length)?;
        Ok((early_ms, late_ms, lateness_ms, emit.span))
    }

    /// Windows of window functions give out one result; the options are refused there, as Flink does.
    pub(crate) fn refuse_emit(&self, clause: Option<&Emit>, span: Span) -> Result<(), SqlError> {
        let settings = &self.settings.emit;
        let span = match clause {
            Some(emit) => emit.span,
            None if settings.early_enabled || settings.late_enabled => span,
            None => return Ok(()),
        };
        let message = "windows of window functions give out no early or late results";
        let error = self.error("sql.unsupported", message, span);
        Err(error.with_hint("write the window into GROUP BY: `GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)`"))
    }

    /// `EMIT` where there is no window at all.
    pub(crate) fn refuse_emit_clause(&self, clause: Option<&Emit>) -> Result<(), SqlError> {
        let Some(emit) = clause else { return Ok(()) };
        let error =
            self.error("sql.misplaced_clause", "EMIT says when a window gives out results, and there is none in GROUP BY", emit.span);
        Err(error.with_hint("write `GROUP BY TUMBLE(…)` or `GROUP BY HOP(…)`"))
    }
}
