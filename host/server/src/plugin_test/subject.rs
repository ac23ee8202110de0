//! The plugin under test, whatever its world: rows in, rows out.

use anyhow::{Context, bail};
use arrow_array::{ArrayRef, RecordBatch};
use millrace_model::{Batch, Field, Schema};
use millrace_sandbox::{
    AggregateGuest, EtlOperator, FaultReport, FunctionCall, FunctionSignature, LoadedComponent, OpenGuest, RejectedRow, Sandbox,
    ScalarGuest, TableGuest, Usage, World,
};
use std::sync::Arc;

/// The only group that rows are added to.
const GROUP: u32 = 0;

/// An opened plugin.
pub(super) enum Subject {
    Etl(EtlOperator),
    Scalar(ScalarGuest, Schema),
    Table(TableGuest, Schema),
    Aggregate(AggregateGuest, Schema),
}

impl Subject {
    /// Opens the component; also answers the columns that it takes: `given`, those of the function's signature, or `guessed`.
    ///
    /// # Errors
    /// A world that cannot be tested this way, columns that no signature takes. The inner one: a fault of the plugin.
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
        if !matches!(world, World::Scalar | World::Table | World::Aggregate) {
            bail!("the component is of the world `{}`; `plugin test` runs ETL operators and SQL functions", world.name());
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
        }
    }

    /// What comes of a batch. An aggregate function adds the rows to its group and answers the value so far.
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
        };
        let rows = RecordBatch::try_new(schema.to_arrow(), answer);
        // The sandbox has checked the columns against the same schema.
        Ok(Batch::inserts(rows.unwrap_or_else(|error| unreachable!("an answer that was checked does not fit: {error}"))))
    }

    /// Rows of the last batch that were rejected one by one.
    pub(super) fn take_rejected(&mut self) -> Vec<RejectedRow> {
        match self {
            Self::Etl(operator) => operator.take_rejected(),
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
        }
    }
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
