//! The plugin under test, whatever its world: rows in, rows out.
//!
//! Operators are run as the only subtask of a job without an earlier run; a sink sees one checkpoint, at the end.

use anyhow::Context;
use arrow_array::{ArrayRef, RecordBatch};
use millrace_model::{Batch, Field, Schema};
use millrace_sandbox::{
    AggregateGuest, DimensionGuest, EtlOperator, FaultReport, FunctionCall, FunctionSignature, GuestNext, GuestPlace, LoadedComponent,
    OpenGuest, RejectedRow, Sandbox, ScalarGuest, SinkGuest, SourceGuest, TableGuest, TransformGuest, Usage, World,
};
use std::{sync::Arc, time::Duration};

/// The only group that rows are added to.
const GROUP: u32 = 0;
/// The only subtask.
const PLACE: GuestPlace = GuestPlace { subtask: 0, parallelism: 1 };
/// The only checkpoint.
const CHECKPOINT: u64 = 1;
/// Rows that are asked of a source or a table, about.
const ROWS_MAX: usize = 1_000;
/// Rows of one call of a source.
const ROWS_PER_POLL: u32 = 100;
/// Calls of a source.
const POLLS_MAX: usize = 100;
/// Longest wait that a source is given between two calls.
const PAUSE_MAX_MS: u32 = 200;

/// An opened plugin.
pub(super) enum Subject {
    Etl(EtlOperator),
    Scalar(ScalarGuest, Schema),
    Table(TableGuest, Schema),
    Aggregate(AggregateGuest, Schema),
    Source(SourceGuest),
    Sink(SinkGuest, Schema),
    Transform(TransformGuest),
    Dimension(DimensionGuest, Schema),
}

impl Subject {
    /// Whether there is nothing to see without rows.
    pub(super) fn needs_rows(world: World) -> bool {
        !matches!(world, World::Source | World::Dimension)
    }

    /// Whether the same rows can be processed again without doing anything twice.
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(self, Self::Etl(_) | Self::Scalar(..) | Self::Table(..) | Self::Aggregate(..))
    }

    /// Opens the component; also answers the columns that it takes: `given`, those of the function's signature or of the table's
    /// keys, or `guessed`.
    ///
    /// # Errors
    /// Columns that no signature takes. The inner one: a fault of the plugin.
    pub(super) async fn open(
        sandbox: &Sandbox,
        component: &Arc<LoadedComponent>,
        open: OpenGuest,
        signature: u32,
        given: Option<Schema>,
        guessed: impl FnOnce() -> anyhow::Result<Schema>,
    ) -> anyhow::Result<Result<(Self, Schema), FaultReport>> {
        let world = component.world();
        if world == World::Etl {
            let input = given.map_or_else(guessed, Ok)?;
            let opened = sandbox.open_etl(component, open, input.clone()).await;
            return Ok(opened.map(|operator| (Self::Etl(operator), input)));
        }
        match world {
            World::Source => return Ok(open_source(sandbox, component, open).await.map(|guest| (guest, Schema::default()))),
            World::Sink | World::Transform => {
                let input = given.map_or_else(guessed, Ok)?;
                let opened = open_with_input(sandbox, component, open, &input).await;
                return Ok(opened.map(|operator| (operator, input)));
            }
            World::Dimension => {
                let guest = match sandbox.open_dimension(component, open).await {
                    Ok(guest) => guest,
                    Err(report) => return Ok(Err(report)),
                };
                let (key, value) = (guest.columns().key.clone(), &guest.columns().value);
                let rows = Schema::new([key.fields(), value.fields()].concat())?;
                return Ok(Ok((Self::Dimension(guest, rows), key)));
            }
            World::Etl | World::Scalar | World::Table | World::Aggregate => {}
        }
        let signatures = match sandbox.signatures(component, open.clone()).await {
            Ok(signatures) => signatures,
            Err(report) => return Ok(Err(report)),
        };
        let found = usize::try_from(signature).ok().and_then(|number| signatures.get(number));
        let found = found.with_context(|| format!("there is no signature {signature}; the function has {}", signatures.len()))?;
        let input = given.map_or_else(|| parameters(found), Ok)?;
        let call = FunctionCall { signature, arguments: u32::try_from(input.fields().len())? };
        let result = found.result.clone();
        let opened = match world {
            World::Scalar => sandbox.open_scalar(component, open, call).await.map(|guest| Self::Scalar(guest, result)),
            World::Table => sandbox.open_table(component, open, call).await.map(|guest| Self::Table(guest, result)),
            _ => sandbox.open_aggregate(component, open, call).await.map(|guest| Self::Aggregate(guest, result)),
        };
        Ok(opened.map(|subject| (subject, input)))
    }

    /// Columns of the answers.
    pub(super) fn output(&self) -> &Schema {
        match self {
            Self::Etl(operator) => operator.output_schema(),
            Self::Scalar(_, result) | Self::Table(_, result) | Self::Aggregate(_, result) => result,
            Self::Source(guest) => guest.schema(),
            Self::Transform(guest) => guest.output_schema(),
            Self::Sink(_, nothing) => nothing,
            Self::Dimension(_, rows) => rows,
        }
    }

    /// What comes of a batch. An aggregate function adds the rows to its group and answers the value so far; a dimension table
    /// answers the rows of the keys; a sink answers nothing.
    ///
    /// # Errors
    /// A fault of the plugin.
    pub(super) async fn process(&mut self, batch: &Batch) -> Result<Batch, FaultReport> {
        let (columns, rows) = (batch.rows.columns(), batch.rows.num_rows());
        let (schema, answer): (&Schema, Vec<ArrayRef>) = match self {
            Self::Etl(operator) => return operator.process(batch).await,
            Self::Scalar(guest, result) => (result, vec![guest.eval(columns, rows).await?]),
            Self::Table(guest, result) => (result, guest.eval(columns, rows).await?.columns),
            Self::Aggregate(guest, result) => {
                guest.update(&vec![GROUP; rows], None, columns).await?;
                (result, vec![guest.values(&[GROUP]).await?])
            }
            Self::Transform(guest) => return guest.process(0, batch).await,
            Self::Dimension(guest, _) => return guest.load(&batch.rows).await.map(Batch::inserts),
            Self::Sink(guest, nothing) => {
                guest.write(batch).await?;
                return Ok(empty(nothing));
            }
            Self::Source(guest) => return Ok(empty(guest.schema())),
        };
        let rows = RecordBatch::try_new(schema.to_arrow(), answer);
        // The sandbox has checked the columns against the same schema.
        Ok(Batch::inserts(rows.unwrap_or_else(|error| unreachable!("an answer that was checked does not fit: {error}"))))
    }

    /// What comes when all rows are in: an operator's last ones, a source's and, without keys, a table's first ones. A sink sees
    /// a checkpoint.
    ///
    /// # Errors
    /// A fault of the plugin.
    pub(super) async fn rest(&mut self, had_rows: bool) -> Result<Vec<Batch>, FaultReport> {
        Ok(match self {
            Self::Etl(_) | Self::Scalar(..) | Self::Table(..) | Self::Aggregate(..) => Vec::new(),
            Self::Source(guest) => polled(guest).await?,
            Self::Transform(guest) => vec![guest.finish().await?],
            Self::Sink(guest, _) => {
                guest.prepare(CHECKPOINT).await?;
                guest.commit(CHECKPOINT).await?;
                Vec::new()
            }
            Self::Dimension(guest, _) if guest.loads_all() && !had_rows => pages(guest).await?,
            Self::Dimension(..) => Vec::new(),
        })
    }

    /// Rows of the last batch that were rejected one by one.
    pub(super) fn take_rejected(&mut self) -> Vec<RejectedRow> {
        match self {
            Self::Etl(operator) => operator.take_rejected(),
            Self::Transform(guest) => guest.take_rejected(),
            Self::Sink(guest, _) => guest.take_rejected(),
            _ => Vec::new(),
        }
    }

    /// Figures so far.
    pub(super) fn usage(&self) -> Usage {
        match self {
            Self::Etl(operator) => operator.usage(),
            Self::Scalar(guest, _) => guest.usage(),
            Self::Table(guest, _) => guest.usage(),
            Self::Aggregate(guest, _) => guest.usage(),
            Self::Source(guest) => guest.usage(),
            Self::Sink(guest, _) => guest.usage(),
            Self::Transform(guest) => guest.usage(),
            Self::Dimension(guest, _) => guest.usage(),
        }
    }
}

async fn open_source(sandbox: &Sandbox, component: &Arc<LoadedComponent>, open: OpenGuest) -> Result<Subject, FaultReport> {
    let mut guest = sandbox.source(component, open).await?;
    guest.open(PLACE, &[]).await?;
    Ok(Subject::Source(guest))
}

/// Opens a sink or an operator with one input.
async fn open_with_input(
    sandbox: &Sandbox,
    component: &Arc<LoadedComponent>,
    open: OpenGuest,
    input: &Schema,
) -> Result<Subject, FaultReport> {
    if component.world() == World::Transform {
        return sandbox.open_transform(component, open, std::slice::from_ref(input)).await.map(Subject::Transform);
    }
    let mut guest = sandbox.sink(component, open).await?;
    guest.open(input, PLACE, &[]).await?;
    Ok(Subject::Sink(guest, Schema::default()))
}

/// The first rows of a source.
async fn polled(guest: &mut SourceGuest) -> Result<Vec<Batch>, FaultReport> {
    let (mut batches, mut count) = (Vec::new(), 0);
    for _ in 0..POLLS_MAX {
        let polled = guest.poll(ROWS_PER_POLL).await?;
        if let Some(rows) = polled.rows {
            count += rows.num_rows();
            batches.push(Batch::inserts(rows));
        }
        match polled.next {
            _ if count >= ROWS_MAX => break,
            GuestNext::Finished => break,
            GuestNext::Ready => {}
            GuestNext::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms.min(PAUSE_MAX_MS).into())).await,
        }
    }
    Ok(batches)
}

/// The first pages of a dimension table.
async fn pages(guest: &mut DimensionGuest) -> Result<Vec<Batch>, FaultReport> {
    let (mut batches, mut count, mut cursor) = (Vec::new(), 0, None);
    loop {
        let page = guest.load_page(cursor.as_deref()).await?;
        count += page.rows.num_rows();
        batches.push(Batch::inserts(page.rows));
        cursor = page.cursor;
        if cursor.is_none() || count >= ROWS_MAX {
            return Ok(batches);
        }
    }
}

fn empty(schema: &Schema) -> Batch {
    Batch::inserts(RecordBatch::new_empty(schema.to_arrow()))
}

/// The parameters as columns; those without a name of their own are called `p1`, `p2`, ….
fn parameters(signature: &FunctionSignature) -> anyhow::Result<Schema> {
    let mut fields: Vec<Field> = Vec::new();
    for (position, parameter) in signature.parameters.iter().enumerate() {
        let taken = parameter.name.is_empty() || fields.iter().any(|field| field.name == parameter.name);
        let name = if taken { format!("p{}", position + 1) } else { parameter.name.clone() };
        fields.push(Field::new(name, parameter.data_type.clone(), parameter.nullable));
    }
    Ok(Schema::new(fields)?)
}
