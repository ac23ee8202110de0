//! What is read and answered at most.

/// Bytes of a text file that are looked at.
pub const SAMPLE_BYTES_MAX: u64 = 8 << 20;
/// Rows of a text file that types are found from.
pub const SAMPLE_ROWS_MAX: usize = 10_000;
/// Columns of a package.
pub const COLUMNS_MAX: usize = 1_000;
/// Rows of a preview.
pub const PREVIEW_ROWS_MAX: usize = 100;
/// Characters of one text in a preview; longer ones are cut.
pub const PREVIEW_TEXT_MAX: usize = 1_000;
/// Bytes of a preview as JSON.
pub const PREVIEW_BYTES_MAX: usize = 256 << 10;
/// Rows that are answered in full, when they are asked for.
pub const LINES_MAX: usize = 500_000;
/// Bytes of rows in full.
pub const LINES_BYTES_MAX: usize = 32 << 20;
/// Warnings about one package.
pub const WARNINGS_MAX: usize = 20;
/// Memory of the process that looks into a file.
pub const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// Processor seconds of that process.
pub const CPU_SECONDS_MAX: u64 = 20;
/// Wall-clock seconds of that process.
pub const WALL_SECONDS_MAX: u64 = 60;
/// Bytes of its answer.
pub const ANSWER_BYTES_MAX: u64 = 2 << 20;
/// Bytes of its answer with rows in full: each byte of a row may need two in a JSON text.
pub const LINES_ANSWER_BYTES_MAX: u64 = 80 << 20;
