//! The whole product as a user meets it: the real `millrace` binary, its HTTP API, and a real Kafka broker.
//!
//! The tests of this package and the measure `idle-jobs` are written with these parts.
//! Invariant: nothing here links the product; what a test knows, it has seen from outside.

mod api;
mod kafka;
mod pipeline;
mod server;
mod small_disk;
mod wait;

pub mod corpus;

pub use api::{Answer, Api, Problem, Project};
pub use kafka::{Kafka, Producing, Reader, Received};
pub use pipeline::{JOB, Pipeline, PipelineOptions, component, manifests, output_columns, unique};
pub use server::{Server, ServerOptions, binary};
pub use small_disk::SmallDisk;
pub use wait::{Deadline, until};
