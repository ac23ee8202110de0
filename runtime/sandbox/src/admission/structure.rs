//! Counts what is in a component against the structural limits.

use super::{AdmissionError, known};
use crate::limits::AdmissionLimits;
use wasmparser::{Encoding, FunctionBody, Parser, Payload, TableSectionReader};

/// Passes over every section once.
pub fn check_structure(component: &[u8], limits: &AdmissionLimits) -> Result<(), AdmissionError> {
    let known_core = known::has_known(component);
    let limits = &if known_core { known::widened(limits) } else { limits.clone() };
    too_big("bytes", component.len() as u64, limits.upload_bytes_max as u64)?;
    if component.len() < 8 {
        return Err(AdmissionError::NotAComponent(format!("it has {} bytes, not even a header", component.len())));
    }
    if !component.starts_with(b"\0asm") {
        return Err(AdmissionError::NotAComponent("it does not begin with the WebAssembly magic number".into()));
    }
    if Parser::is_core_wasm(component) {
        return Err(AdmissionError::NotAComponent(
            "it is a core module; wrap it with `wasm-tools component new` or build it with the SDK".into(),
        ));
    }
    let mut counts = Counts { level: 1, ..Counts::default() };
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|e| AdmissionError::Malformed(e.to_string()))?;
        if let Payload::ModuleSection { unchecked_range, .. } = &payload {
            counts.in_known_core = known_core && component.get(unchecked_range.clone()).is_some_and(known::is_known);
        }
        counts.section(&payload, limits)?;
    }
    Ok(())
}

/// Running totals over all levels.
#[derive(Default)]
struct Counts {
    level: u32,
    /// The module being read is a known core: its functions may be of any size.
    in_known_core: bool,
    modules: u64,
    functions: u64,
    core_instances: u64,
    component_instances: u64,
    memories: u64,
    tables: u64,
    globals: u64,
    types: u64,
    segments: u64,
    names: u64,
    custom_sections: u64,
}

impl Counts {
    fn section(&mut self, payload: &Payload<'_>, limits: &AdmissionLimits) -> Result<(), AdmissionError> {
        let l = limits;
        match payload {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => Ok(()),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.level += 1;
                too_big("levels of nesting", self.level.into(), l.nesting_max.into())?;
                add(&mut self.modules, 1, "modules", l.modules_max)
            }
            Payload::End(_) => {
                self.level = self.level.saturating_sub(1);
                self.in_known_core = false;
                Ok(())
            }
            Payload::TypeSection(s) => add(&mut self.types, s.count(), "types", l.types_max),
            Payload::CoreTypeSection(s) => add(&mut self.types, s.count(), "types", l.types_max),
            Payload::ComponentTypeSection(s) => add(&mut self.types, s.count(), "types", l.types_max),
            Payload::ImportSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::ExportSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::ComponentImportSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::ComponentExportSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::ComponentAliasSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::ComponentCanonicalSection(s) => add(&mut self.names, s.count(), "imports, exports and aliases", l.names_max),
            Payload::FunctionSection(s) => add(&mut self.functions, s.count(), "functions", l.functions_max),
            Payload::TableSection(s) => self.tables(s, l),
            Payload::MemorySection(s) => add(&mut self.memories, s.count(), "memories", l.memories_max),
            Payload::GlobalSection(s) => add(&mut self.globals, s.count(), "globals", l.globals_max),
            Payload::TagSection(s) => add(&mut self.types, s.count(), "types", l.types_max),
            Payload::ElementSection(s) => add(&mut self.segments, s.count(), "data and element segments", l.segments_max),
            Payload::DataSection(s) => add(&mut self.segments, s.count(), "data and element segments", l.segments_max),
            Payload::InstanceSection(s) => add(&mut self.core_instances, s.count(), "core instances", l.core_instances_max),
            Payload::ComponentInstanceSection(s) => {
                add(&mut self.component_instances, s.count(), "component instances", l.component_instances_max)
            }
            Payload::CodeSectionEntry(_) if self.in_known_core => Ok(()),
            Payload::CodeSectionEntry(body) => function(body, l),
            Payload::CustomSection(_) => add(&mut self.custom_sections, 1, "custom sections", l.custom_sections_max),
            Payload::ComponentStartSection { .. } => Err(AdmissionError::Malformed("component start functions are not supported".into())),
            Payload::UnknownSection { id, .. } => Err(AdmissionError::Malformed(format!("section {id} is not known"))),
            _ => Ok(()),
        }
    }

    fn tables(&mut self, section: &TableSectionReader<'_>, limits: &AdmissionLimits) -> Result<(), AdmissionError> {
        add(&mut self.tables, section.count(), "tables", limits.tables_max)?;
        for table in section.clone() {
            let table = table.map_err(|e| AdmissionError::Malformed(e.to_string()))?;
            too_big("elements in a table", table.ty.initial, limits.table_elements_max)?;
        }
        Ok(())
    }
}

fn function(body: &FunctionBody<'_>, limits: &AdmissionLimits) -> Result<(), AdmissionError> {
    too_big("bytes in one function", body.range().len() as u64, limits.function_bytes_max as u64)?;
    let malformed = |e: wasmparser::BinaryReaderError| AdmissionError::Malformed(e.to_string());
    let mut locals = 0_u64;
    for group in body.get_locals_reader().map_err(malformed)? {
        let (count, _) = group.map_err(malformed)?;
        locals += u64::from(count);
    }
    too_big("locals in one function", locals, limits.locals_max.into())
}

fn add(total: &mut u64, count: u32, what: &'static str, max: u32) -> Result<(), AdmissionError> {
    *total += u64::from(count);
    too_big(what, *total, max.into())
}

fn too_big(what: &'static str, found: u64, max: u64) -> Result<(), AdmissionError> {
    if found <= max { Ok(()) } else { Err(AdmissionError::TooBig { what, found, max }) }
}
