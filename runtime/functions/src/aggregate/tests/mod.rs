//! Tests of all aggregates: rows and results as text.
//!
//! A row is `a | b`, with `~` before it when it is taken back; rows are separated by `;`. Values are cast from text.

mod damage;
mod differential;
mod model;
mod recorded;
mod results;

use super::{Accumulator, Update, distinct};
use crate::{Argument, EvaluationError, FunctionRegistry, Typed, registry::Function};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use millrace_model::DataType;
use std::sync::Arc;

/// A call of an aggregate: `SUM(INT)`, `SUM(DISTINCT INT)`, `JSON_ARRAYAGG(INT; #NULL ON NULL)`.
/// Parameters are separated by `; `: a type, `'…'` a string, `=…` a double, or `#…` a symbol.
pub(super) struct Call {
    name: String,
    is_distinct: bool,
    parameters: Vec<Parameter>,
    types: Vec<DataType>,
    pub(super) result: Typed,
}

struct Parameter {
    typed: Typed,
    constant: Option<String>,
    is_symbol: bool,
}

impl Call {
    /// Resolves a call.
    pub(super) fn new(text: &str) -> Self {
        Self::resolve(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Resolves a call that may be refused.
    pub(super) fn resolve(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('(').expect("a call");
        let rest = rest.strip_suffix(')').expect("a call");
        let (is_distinct, rest) = rest.strip_prefix("DISTINCT ").map_or((false, rest), |rest| (true, rest));
        let parameters: Vec<_> = rest.split("; ").filter(|p| !p.is_empty()).map(parameter).collect();
        let literals: Vec<Option<ArrayRef>> =
            parameters.iter().map(|p| p.constant.as_ref().map(|c| column(&p.typed.data_type, &[Some(c.as_str())]))).collect();
        let arguments: Vec<Argument<'_>> = parameters
            .iter()
            .zip(&literals)
            .map(|(p, literal)| Argument {
                typed: &p.typed,
                literal: literal.as_ref(),
                symbol: p.constant.as_deref().filter(|_| p.is_symbol),
            })
            .collect();
        let resolution = function(name).resolve(&arguments).map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), is_distinct, parameters, types: resolution.arguments, result: resolution.result })
    }

    /// An accumulator of the call.
    pub(super) fn accumulator(&self, can_retract: bool) -> Box<dyn Accumulator> {
        let inner = function(&self.name).accumulator(&self.types, &self.result.data_type, can_retract).expect(&self.name);
        if self.is_distinct { distinct(inner, &self.types) } else { inner }
    }

    /// How many columns a row has.
    pub(super) fn columns_given(&self) -> usize {
        self.parameters.iter().filter(|p| p.constant.is_none()).count()
    }

    /// Argument columns of these rows.
    pub(super) fn columns(&self, rows: &[Vec<Option<String>>]) -> Vec<ArrayRef> {
        let mut next = 0;
        let mut columns = Vec::new();
        for (parameter, data_type) in self.parameters.iter().zip(&self.types) {
            columns.push(match &parameter.constant {
                Some(constant) => column(data_type, &vec![Some(constant.as_str()); rows.len()]),
                None => {
                    next += 1;
                    column(data_type, &rows.iter().map(|row| row[next - 1].as_deref()).collect::<Vec<_>>())
                }
            });
        }
        columns
    }
}

fn parameter(text: &str) -> Parameter {
    let constant =
        |text: &str, data_type, is_symbol| Parameter { typed: Typed::not_null(data_type), constant: Some(text.to_owned()), is_symbol };
    if let Some(symbol) = text.strip_prefix('#') {
        return constant(symbol, DataType::String, true);
    }
    if let Some(literal) = text.strip_prefix('\'') {
        return constant(literal.trim_end_matches('\''), DataType::String, false);
    }
    if let Some(number) = text.strip_prefix('=') {
        return constant(number, DataType::Double, false);
    }
    let (text, nullable) = text.strip_suffix(" NOT NULL").map_or((text, true), |text| (text, false));
    Parameter { typed: Typed::new(text.parse().expect("a type"), nullable), constant: None, is_symbol: false }
}

fn function(name: &str) -> Arc<dyn super::AggregateFunction> {
    match FunctionRegistry::builtin().get(name) {
        Some(Function::Aggregate(function)) => function.clone(),
        _ => panic!("no aggregate {name}"),
    }
}

/// A column out of text.
fn column(data_type: &DataType, values: &[Option<&str>]) -> ArrayRef {
    if let DataType::Array(element) = data_type {
        // `[1 2]`; NULL elements are not needed.
        let mut lengths = Vec::new();
        let mut items: Vec<Option<&str>> = Vec::new();
        for value in values {
            let parts = value.unwrap_or_default().trim_matches(['[', ']']).split(' ').filter(|part| !part.is_empty());
            let before = items.len();
            items.extend(parts.map(Some));
            lengths.push(items.len() - before);
        }
        let nulls = values.iter().map(Option::is_some).collect::<Vec<_>>().into();
        let field = Arc::new(arrow_schema::Field::new("item", element.data_type.to_arrow(), element.nullable));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths(lengths);
        return Arc::new(arrow_array::ListArray::new(field, offsets, column(&element.data_type, &items), Some(nulls)));
    }
    if *data_type == DataType::Bitmap {
        // `1 2`
        let bitmap = |text: &str| crate::bitmap::write(text.split_whitespace().map(|n| n.parse::<u32>().expect("a number")).collect());
        let bitmaps = values.iter().map(|text| text.map(|text| bitmap(text).expect("bytes")));
        return Arc::new(bitmaps.collect::<arrow_array::BinaryArray>());
    }
    let text: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    arrow_cast::cast(&text, &data_type.to_arrow()).expect("a castable type")
}

/// Values of a column as text, NULL as `NULL`.
pub(super) fn texts(array: &ArrayRef) -> Vec<String> {
    let formatter = ArrayFormatter::try_new(array, &FormatOptions::new().with_null("NULL")).expect("a printable type");
    (0..array.len()).map(|row| formatter.value(row).to_string()).collect()
}

/// A row of text and whether it is taken back.
pub(super) type Row = (bool, Vec<Option<String>>);

/// Rows in the notation above.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let row = |row: &str| {
        let (retract, row) = row.strip_prefix("~").map_or((false, row), |row| (true, row));
        let cell = |cell: &str| Some(cell.trim().to_owned()).filter(|cell| cell != "NULL");
        (retract, row.split('|').map(cell).collect())
    };
    text.split(';').map(str::trim).filter(|r| !r.is_empty()).map(row).collect()
}

/// Gives rows of some slots to an accumulator.
pub(super) fn update(call: &Call, to: &mut dyn Accumulator, groups: &[u32], rows: &[Row]) -> Result<(), EvaluationError> {
    let cells: Vec<_> = rows.iter().map(|(_, row)| row.clone()).collect();
    let retract: Vec<bool> = rows.iter().map(|(retract, _)| *retract).collect();
    let retract = retract.contains(&true).then_some(retract);
    to.update(&Update { groups, retract: retract.as_deref(), arguments: &call.columns(&cells) })
}

/// The result of a call over rows.
pub(super) fn result(call: &Call, text: &str) -> Result<String, EvaluationError> {
    let rows = rows(text);
    let mut accumulator = call.accumulator(rows.iter().any(|(retract, _)| *retract));
    accumulator.resize(1);
    update(call, accumulator.as_mut(), &vec![0; rows.len()], &rows)?;
    let array = accumulator.values(&[0])?;
    assert_eq!(*array.data_type(), call.result.data_type.to_arrow());
    Ok(texts(&array).remove(0))
}
