//! Window table functions: `TUMBLE`, `HOP`, `CUMULATE`, `SESSION`.

use super::{Binder, expression::Env, scope::Scope, scope_of};
use crate::{
    ast::{ObjectName, Span, TableArgument, TableFunctionArgument, TableFunctionCall, TableReference, TableReferenceKind},
    error::{SqlError, nearest},
    plan::{NodeKind, PlanColumn, PlanNode, TimeKind, WindowBound, WindowKind, WindowPart, WindowSpec},
};
use arrow_array::{cast::AsArray, types::Int64Type};
use millrace_functions::{Expr, Typed};
use millrace_model::DataType;

/// Parameters of each function, in positional order.
const PARAMETERS: [(&str, &[&str]); 4] = [
    ("TUMBLE", &["DATA", "TIMECOL", "SIZE", "OFFSET"]),
    ("HOP", &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"]),
    ("CUMULATE", &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"]),
    ("SESSION", &["DATA", "TIMECOL", "GAP"]),
];

pub(crate) fn is_window_name(name: &ObjectName) -> bool {
    name.parts.len() == 1 && PARAMETERS.iter().any(|(n, _)| name.parts[0].value.eq_ignore_ascii_case(n))
}

impl Binder<'_> {
    pub(crate) fn is_window_function(&self, call: &TableFunctionCall) -> bool {
        is_window_name(&call.name)
    }

    pub(crate) fn window_function(&mut self, call: &TableFunctionCall) -> Result<PlanNode, SqlError> {
        let function = call.name.parts[0].value.to_uppercase();
        let Some((_, parameters)) = PARAMETERS.iter().find(|(n, _)| *n == function) else {
            return Err(self.unknown_function(&function, call.span));
        };
        let given = self.by_parameter(&function, parameters, call)?;
        let missing = |name: &str| {
            let usage = parameters.iter().map(|p| format!("{p} => …")).collect::<Vec<_>>().join(", ");
            self.error("sql.argument_count", format!("`{function}` is called without {name}"), call.span)
                .with_hint(format!("call it as {function}({usage})"))
        };
        let find = |name: &str| parameters.iter().position(|p| *p == name).and_then(|i| given[i]);
        let data = find("DATA").ok_or_else(|| missing("DATA"))?;
        let time = find("TIMECOL").ok_or_else(|| missing("TIMECOL"))?;
        for required in ["SIZE", "SLIDE", "STEP", "GAP"] {
            if parameters.contains(&required) && find(required).is_none() {
                return Err(missing(required));
            }
        }
        let (size, slide, step, gap, offset) = (find("SIZE"), find("SLIDE"), find("STEP"), find("GAP"), find("OFFSET"));
        let (input, scope, partition_keys) = self.window_input(data)?;
        let time_column = self.time_column(time, &input, &function)?;
        let mut length = |argument: Option<&TableFunctionArgument>| argument.map_or(Ok(0), |a| self.window_length(a));
        let (size_ms, slide_ms, step_ms, gap_ms, offset_ms) = (length(size)?, length(slide)?, length(step)?, length(gap)?, length(offset)?);
        drop(scope);
        let kind = match function.as_str() {
            "TUMBLE" => WindowKind::Tumble { size_ms, offset_ms },
            "HOP" => WindowKind::Hop { size_ms, slide_ms, offset_ms },
            "CUMULATE" => WindowKind::Cumulate { size_ms, step_ms, offset_ms },
            _ => WindowKind::Session { gap_ms },
        };
        self.check_window(kind, call.span)?;
        if !partition_keys.is_empty() && !matches!(kind, WindowKind::Session { .. }) {
            let message = format!("PARTITION BY belongs to SESSION windows, `{function}` has none");
            return Err(self.error("sql.misplaced_clause", message, call.span).with_hint("write the keys behind GROUP BY"));
        }
        Ok(self.window_table(input, kind, time_column, partition_keys))
    }

    /// Arguments by parameter.
    fn by_parameter<'c>(
        &self,
        function: &str,
        parameters: &[&str],
        call: &'c TableFunctionCall,
    ) -> Result<Vec<Option<&'c TableFunctionArgument>>, SqlError> {
        let mut given: Vec<Option<&TableFunctionArgument>> = vec![None; parameters.len()];
        for (position, argument) in call.arguments.iter().enumerate() {
            let index = match &argument.name {
                None => position,
                Some(name) => {
                    let wanted = name.value.to_uppercase();
                    let Some(index) = parameters.iter().position(|p| *p == wanted) else {
                        let error = self.error("sql.unknown_argument", format!("`{function}` has no argument `{}`", name.value), name.span);
                        return Err(match nearest(&wanted, parameters.iter().copied()) {
                            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                            None => error.with_hint(format!("its arguments are {}", parameters.join(", "))),
                        });
                    };
                    index
                }
            };
            let Some(place) = given.get_mut(index) else {
                let message = format!("`{function}` takes at most {} arguments", parameters.len());
                return Err(self.error("sql.argument_count", message, argument.span));
            };
            *place = Some(argument);
        }
        Ok(given)
    }

    fn window_input(&mut self, argument: &TableFunctionArgument) -> Result<(PlanNode, Scope, Vec<usize>), SqlError> {
        let TableArgument::Table { table, partition_by, .. } = &argument.value else {
            let error = self.error("sql.type_mismatch", "the first argument of a window function is a table", argument.span);
            return Err(error.with_hint("write `TABLE name` or `TABLE (query)`"));
        };
        let TableReference { kind, .. } = table.as_ref();
        let node = match kind {
            TableReferenceKind::Named { name, hints, .. } => self.named(name, hints)?,
            TableReferenceKind::Derived { query, .. } => self.query(query)?,
            TableReferenceKind::Function { call, .. } if is_window_name(&call.name) => self.window_function(call)?,
            _ => return Err(self.error("sql.type_mismatch", "expected a table or a query", table.span)),
        };
        let scope = scope_of(&node, None);
        let mut keys = Vec::new();
        for key in partition_by {
            match self.expression(key, &mut Env::over(&scope))? {
                Expr::Column { index, .. } => keys.push(index),
                _ => return Err(self.error("sql.type_mismatch", "PARTITION BY takes columns", key.span)),
            }
        }
        Ok((node, scope, keys))
    }

    fn time_column(&self, argument: &TableFunctionArgument, input: &PlanNode, function: &str) -> Result<usize, SqlError> {
        let TableArgument::Descriptor(columns) = &argument.value else {
            let error = self.error("sql.type_mismatch", "the time column is named by DESCRIPTOR", argument.span);
            return Err(error.with_hint("write `DESCRIPTOR(column)`"));
        };
        let [column] = columns.as_slice() else {
            return Err(self.error("sql.argument_count", format!("`{function}` takes one time column"), argument.span));
        };
        let Some(index) = input.columns.iter().position(|c| c.name == column.value) else {
            let error = self.error("sql.unknown_column", format!("there is no column `{}`", column.value), column.span);
            return Err(match nearest(&column.value, input.columns.iter().map(|c| c.name.as_str())) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            });
        };
        self.check_time_attribute(&input.columns[index], column.span)?;
        Ok(index)
    }

    pub(crate) fn check_time_attribute(&self, column: &PlanColumn, span: Span) -> Result<(), SqlError> {
        if matches!(column.time, Some(TimeKind::Rowtime | TimeKind::Proctime)) {
            return Ok(());
        }
        let message = format!("`{}` ({}) is not a time attribute, so windows cannot be made over it", column.name, column.typed.data_type);
        Err(self.error("sql.no_time_attribute", message, span).with_hint(
            "declare event time with `WATERMARK FOR column AS …` (on the canvas: the source's event-time field), or use `PROCTIME()`; \
             computing with a time attribute makes it an ordinary column",
        ))
    }

    fn window_length(&mut self, argument: &TableFunctionArgument) -> Result<i64, SqlError> {
        let TableArgument::Expression(expression) = &argument.value else {
            return Err(self.error("sql.type_mismatch", "expected an interval", argument.span));
        };
        let bound = self.expression(expression, &mut Env::over(&Scope::default()))?;
        self.interval_ms(&bound, expression.span)
    }

    /// A constant interval in milliseconds.
    pub(crate) fn interval_ms(&self, expr: &Expr, span: Span) -> Result<i64, SqlError> {
        match (expr.literal(), expr.typed().data_type) {
            (Some(value), DataType::IntervalDayTime) => Ok(value.as_primitive::<Int64Type>().value(0)),
            (_, other) => {
                let error =
                    self.error("sql.type_mismatch", format!("this is {other}, expected a constant interval of days to seconds"), span);
                Err(error.with_hint("write it as `INTERVAL '5' MINUTE`"))
            }
        }
    }

    pub(crate) fn check_window(&self, kind: WindowKind, span: Span) -> Result<(), SqlError> {
        let fail = |message: String| Err(self.error("sql.invalid_window", message, span));
        match kind {
            WindowKind::Tumble { size_ms, .. } if size_ms <= 0 => fail("the size of a window must be positive".into()),
            WindowKind::Session { gap_ms } if gap_ms <= 0 => fail("the gap of a session must be positive".into()),
            WindowKind::Hop { size_ms, slide_ms, .. } if size_ms <= 0 || slide_ms <= 0 => fail("size and slide must be positive".into()),
            WindowKind::Hop { size_ms, slide_ms, .. } if size_ms / slide_ms > WINDOWS_PER_ROW_MAX => {
                fail(format!("a row would lie in more than {WINDOWS_PER_ROW_MAX} windows"))
            }
            WindowKind::Cumulate { size_ms, step_ms, .. } if size_ms <= 0 || step_ms <= 0 => fail("size and step must be positive".into()),
            WindowKind::Cumulate { size_ms, step_ms, .. } if size_ms % step_ms != 0 => {
                fail(format!("the size ({size_ms} ms) must be a multiple of the step ({step_ms} ms)"))
            }
            WindowKind::Cumulate { size_ms, step_ms, .. } if size_ms / step_ms > WINDOWS_PER_ROW_MAX => {
                fail(format!("a row would lie in more than {WINDOWS_PER_ROW_MAX} windows"))
            }
            _ => Ok(()),
        }
    }

    fn window_table(&mut self, input: PlanNode, kind: WindowKind, time_column: usize, partition_keys: Vec<usize>) -> PlanNode {
        self.windows += 1;
        let time = &input.columns[time_column];
        let spec = WindowSpec {
            kind,
            time_column,
            is_processing_time: time.time == Some(TimeKind::Proctime),
            is_local_zone: matches!(time.typed.data_type, DataType::TimestampLtz { .. }),
            partition_keys,
        };
        let mut columns = input.columns.clone();
        // Only `window_time` is a time attribute behind a window function, as in Flink.
        columns.iter_mut().for_each(|c| {
            if c.time == time.time {
                c.time = None;
            }
        });
        columns.extend(window_columns(&spec, self.windows, &time.lineage));
        PlanNode { kind: NodeKind::WindowTable { input: Box::new(input), window: spec }, columns }
    }

    pub(crate) fn next_window(&mut self) -> usize {
        self.windows += 1;
        self.windows
    }
}

/// More windows per row than this is a mistake that would multiply the stream beyond reason.
const WINDOWS_PER_ROW_MAX: i64 = 10_000;

/// `window_start`, `window_end`, `window_time`.
pub(crate) fn window_columns(spec: &WindowSpec, id: usize, lineage: &crate::plan::Lineage) -> [PlanColumn; 3] {
    let wall = Typed::not_null(DataType::Timestamp { precision: 3 });
    let time =
        if spec.is_local_zone || spec.is_processing_time { Typed::not_null(DataType::TimestampLtz { precision: 3 }) } else { wall.clone() };
    let kind = if spec.is_processing_time { TimeKind::Proctime } else { TimeKind::Rowtime };
    let column = |name: &str, typed: Typed, bound: WindowBound| PlanColumn {
        name: name.to_owned(),
        typed,
        time: (bound == WindowBound::Time).then_some(kind),
        window: Some(WindowPart {
            bound,
            kind: spec.kind,
            is_processing_time: spec.is_processing_time,
            is_local_zone: spec.is_local_zone || spec.is_processing_time,
            id,
        }),
        lineage: lineage.clone(),
    };
    [
        column("window_start", wall.clone(), WindowBound::Start),
        column("window_end", wall, WindowBound::End),
        column("window_time", time, WindowBound::Time),
    ]
}
