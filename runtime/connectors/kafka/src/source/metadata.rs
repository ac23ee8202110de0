//! Metadata of records as columns, under the keys and types of Flink's Kafka connector.

use crate::native::{Messages, TimestampKind};
use arrow_array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray,
    builder::{BinaryBuilder, MapBuilder, MapFieldNames, StringBuilder},
};
use arrow_schema::{Schema, SchemaRef};
use millrace_connector::{ConnectorError, MetadataColumn, MetadataKey};
use millrace_model::{DataType, data_type::Element};
use std::sync::Arc;

/// What a record has beside its columns.
pub(crate) fn keys() -> Vec<MetadataKey> {
    let element = |data_type| Box::new(Element { data_type, nullable: true });
    vec![
        MetadataKey::new("topic", DataType::String, false),
        MetadataKey::new("partition", DataType::Int, false),
        MetadataKey::new("headers", DataType::Map(element(DataType::String), element(DataType::Bytes)), false),
        MetadataKey::new("leader-epoch", DataType::Int, true),
        MetadataKey::new("offset", DataType::BigInt, false),
        MetadataKey::new("timestamp", DataType::TimestampLtz { precision: 3 }, false),
        MetadataKey::new("timestamp-type", DataType::String, false),
    ]
}

/// Adds the wanted metadata to batches.
pub(crate) struct Metadata {
    kinds: Vec<Kind>,
    /// The table's columns, then the metadata.
    schema: SchemaRef,
    topic: Arc<str>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Topic,
    Partition,
    Headers,
    LeaderEpoch,
    Offset,
    Timestamp,
    TimestampType,
}

impl Metadata {
    /// For batches of `table`'s columns.
    pub(crate) fn new(columns: &[MetadataColumn], table: &Schema, topic: Arc<str>) -> Result<Self, ConnectorError> {
        let kinds = columns.iter().map(|column| {
            Ok(match column.key.as_str() {
                "topic" => Kind::Topic,
                "partition" => Kind::Partition,
                "headers" => Kind::Headers,
                "leader-epoch" => Kind::LeaderEpoch,
                "offset" => Kind::Offset,
                "timestamp" => Kind::Timestamp,
                "timestamp-type" => Kind::TimestampType,
                other => return Err(ConnectorError::Config(format!("Kafka records have no metadata `{other}`"))),
            })
        });
        let kinds = kinds.collect::<Result<Vec<Kind>, _>>()?;
        let mut fields = table.fields().to_vec();
        fields.extend(columns.iter().map(|c| Arc::new(c.field.to_arrow())));
        Ok(Self { kinds, schema: Arc::new(Schema::new(fields)), topic })
    }

    /// `rows` with the metadata of the messages that they were made from, by index.
    pub(crate) fn add_to(&self, rows: RecordBatch, messages: &Messages, indices: &[u32]) -> Result<RecordBatch, ConnectorError> {
        if self.kinds.is_empty() {
            return Ok(rows);
        }
        let count = rows.num_rows();
        let mut columns = rows.columns().to_vec();
        for &kind in &self.kinds {
            columns.push(self.column(kind, messages, indices)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(internal)
    }

    fn column(&self, kind: Kind, messages: &Messages, indices: &[u32]) -> Result<ArrayRef, ConnectorError> {
        let indices = indices.iter().map(|&i| i as usize);
        Ok(match kind {
            Kind::Topic => Arc::new(StringArray::from_iter_values(indices.map(|_| self.topic.as_ref()))),
            Kind::Partition => Arc::new(Int32Array::from_iter(indices.map(|i| messages.get(i).map(|m| m.partition)))),
            Kind::Offset => Arc::new(Int64Array::from_iter(indices.map(|i| messages.get(i).map(|m| m.offset)))),
            Kind::LeaderEpoch => Arc::new(Int32Array::from_iter(indices.map(|i| messages.leader_epoch(i)))),
            Kind::Timestamp => {
                let times = TimestampMillisecondArray::from_iter_values(indices.map(|i| messages.timestamp(i).0));
                Arc::new(times.with_timezone("UTC"))
            }
            Kind::TimestampType => {
                let name = |i| match messages.timestamp(i).1 {
                    TimestampKind::NotThere => "NoTimestampType",
                    TimestampKind::CreateTime => "CreateTime",
                    TimestampKind::LogAppendTime => "LogAppendTime",
                };
                Arc::new(StringArray::from_iter_values(indices.map(name)))
            }
            Kind::Headers => return headers(messages, indices),
        })
    }
}

/// Headers as maps; of several with one name the last counts, as in Flink.
fn headers(messages: &Messages, indices: impl Iterator<Item = usize>) -> Result<ArrayRef, ConnectorError> {
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new());
    let mut found: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for index in indices {
        messages.headers(index, |name, value| {
            let (name, value) = (String::from_utf8_lossy(name), value.map(<[u8]>::to_vec));
            match found.iter_mut().find(|(earlier, _)| *earlier == name) {
                Some((_, earlier)) => *earlier = value,
                None => found.push((name.into_owned(), value)),
            }
        });
        for (name, value) in found.drain(..) {
            maps.keys().append_value(name);
            maps.values().append_option(value);
        }
        maps.append(true).map_err(internal)?;
    }
    Ok(Arc::new(maps.finish()))
}

fn internal(error: arrow_schema::ArrowError) -> ConnectorError {
    ConnectorError::Internal(format!("metadata: {error}"))
}
