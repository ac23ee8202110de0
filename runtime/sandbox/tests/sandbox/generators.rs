//! Uploads too large or too odd to be written down: compile bombs, enormous and broken files.

use crate::guests;
use bytes::Bytes;
use millrace_sandbox::WIT_VERSION;

/// The upload of that name and size.
pub fn generate(name: &str, size: usize) -> Bytes {
    match name {
        "many_locals" => echo_with(&format!("(func (export \"bomb\") {})", "(local i64) ".repeat(size))),
        "many_functions" => echo_with(&"(func)\n".repeat(size)),
        "live_values" => echo_with(&live_values(size)),
        "loop_carried" => echo_with(&loop_carried(size)),
        "br_table" => echo_with(&br_table(size)),
        "one_large_function" => echo_with(&format!("(func {})", "(drop (i32.add (i32.const 1000000) (i32.const 2)))".repeat(size))),
        "many_core_instances" => wat_bytes(&format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(size))),
        "deep_nesting" => wat_bytes(&format!("{}{}", "(component ".repeat(size), ")".repeat(size))),
        "many_types" => wat_bytes(&format!("(component {})", "(type (list u8))".repeat(size))),
        "deep_type" => {
            let lists: String = (1..=size).map(|level| format!("(type $t{level} (list $t{}))", level - 1)).collect();
            wat_bytes(&format!("(component (type $t0 (list u8)) {lists})"))
        }
        "truncated" => guests::component(&guests::module(&guests::ECHO, ""), WIT_VERSION).slice(..size),
        "flipped" => {
            let mut bytes = guests::component(&guests::module(&guests::ECHO, ""), WIT_VERSION).to_vec();
            let at = bytes.len() / 2;
            bytes.iter_mut().skip(at).take(size).for_each(|byte| *byte ^= 0xFF);
            bytes.into()
        }
        "enormous" => {
            let mut bytes = guests::component(&guests::module(&guests::ECHO, ""), WIT_VERSION).to_vec();
            bytes.resize(size, 0);
            bytes.into()
        }
        _ => panic!("no generator `{name}`"),
    }
}

fn echo_with(fields: &str) -> Bytes {
    guests::component(&guests::module(&guests::ECHO, fields), WIT_VERSION)
}

fn wat_bytes(text: &str) -> Bytes {
    wat::parse_str(text).unwrap().into()
}

/// So many loads that all have to be kept until the last one: register allocation goes wild.
fn live_values(count: usize) -> String {
    let loads: String = (0..count).map(|at| format!("i32.const {} i64.load\n", at % 4096 * 8)).collect();
    format!("(func (export \"bomb\") (result i64) {loads} {})", "i64.add\n".repeat(count - 1))
}

/// So many loops around changing locals.
fn loop_carried(count: usize) -> String {
    let locals = 500;
    let steps: String = (0..count)
        .map(|at| format!("(local.set {} (i64.add (local.get {}) (local.get {})))\n", at % locals, at * 7 % locals, at * 3 % locals))
        .collect();
    format!(
        "(func (export \"bomb\") {} (loop {} (br_if 0 (i32.wrap_i64 (local.get 0)))))",
        "(local i64)".repeat(locals),
        blocks(&steps, 60)
    )
}

fn blocks(body: &str, depth: usize) -> String {
    format!("{}{body}{}", "(loop (br_if 0 (i32.wrap_i64 (local.get 1)))".repeat(depth), ")".repeat(depth))
}

/// Jump tables of so many entries, again and again.
fn br_table(entries: usize) -> String {
    let table = format!("(block (br_table {} (i32.const 3)))", "0 ".repeat(entries));
    (0..30).map(|_| format!("(func {})", table.repeat(20))).collect()
}
