//! The frames that everybody has: the class around an ETL operator, a UDF, a UDAF and a UDTF.

use super::{Parameter, ParameterKind, Template, TemplateLanguage};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

/// A frame.
#[derive(Debug, Clone)]
pub struct BuiltinTemplate {
    /// Its name: `java-etl`.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// World of the components that come of it.
    pub world: &'static str,
    /// The frame.
    pub template: Template,
}

/// All frames, in the order in which they are shown.
pub fn builtin() -> &'static [BuiltinTemplate] {
    static FRAMES: LazyLock<Vec<BuiltinTemplate>> =
        LazyLock::new(|| SOURCES.iter().filter_map(read).chain(BODIES.iter().filter_map(read_body)).collect());
    &FRAMES
}

impl BuiltinTemplate {
    /// The frame of a world and language that is shown first, and taken where none is named.
    pub fn default_for(world: &str, language: TemplateLanguage) -> Option<&'static Self> {
        builtin().iter().find(|frame| frame.world == world && frame.template.language() == language)
    }

    /// Whether it is the one that is shown first.
    pub fn is_default(&self) -> bool {
        Self::default_for(self.world, self.template.language()).is_some_and(|first| first.name == self.name)
    }
}

/// Name, description, world, language, the frame, the class's name, the content to begin with.
type Source = (&'static str, &'static str, &'static str, TemplateLanguage, &'static str, &'static str, &'static str);

macro_rules! frame {
    ($name:literal, $description:literal, $world:literal, $language:ident, $extension:literal, $class:literal) => {
        (
            $name,
            $description,
            $world,
            TemplateLanguage::$language,
            include_str!(concat!("frames/", $name, ".frame.", $extension)),
            $class,
            include_str!(concat!("frames/", $name, ".content.", $extension)),
        )
    };
}

const SOURCES: [Source; 8] = [
    frame!("java-etl", "ETL operator: records in, records out", "etl-operator", Java, "java", "MyEtl"),
    frame!("java-udf", "Scalar function: one value per row", "scalar-function", Java, "java", "MyFunction"),
    frame!("java-udaf", "Aggregate function: one value per group", "aggregate-function", Java, "java", "MyAggregate"),
    frame!("java-udtf", "Table function: rows per row", "table-function", Java, "java", "MyTableFunction"),
    frame!("scala-etl", "ETL operator: records in, records out", "etl-operator", Scala, "scala", "MyEtl"),
    frame!("scala-udf", "Scalar function: one value per row", "scalar-function", Scala, "scala", "MyFunction"),
    frame!("scala-udaf", "Aggregate function: one value per group", "aggregate-function", Scala, "scala", "MyAggregate"),
    frame!("scala-udtf", "Table function: rows per row", "table-function", Scala, "scala", "MyTableFunction"),
];

/// Frames of which the user writes statements only: name, description, language, the frame, `tableSchema` and `ETL` to begin with.
type Body = (&'static str, &'static str, TemplateLanguage, &'static str, &'static str, &'static str);

const BODIES: [Body; 2] = [
    (
        "java-etl-body",
        "ETL operator, of which only the statements are written",
        TemplateLanguage::Java,
        include_str!("frames/java-etl-body.frame.java"),
        "        return \"{\\\"type\\\": \\\"object\\\", \\\"properties\\\": {\\\"id\\\": {\\\"type\\\": \\\"integer\\\"}}}\";",
        "        return List.of(row);",
    ),
    (
        "scala-etl-body",
        "ETL operator, of which only the statements are written",
        TemplateLanguage::Scala,
        include_str!("frames/scala-etl-body.frame.scala"),
        "    \"\"\"{\"type\": \"object\", \"properties\": {\"id\": {\"type\": \"integer\"}}}\"\"\"",
        "    Collections.singletonList(row)",
    ),
];

fn parameter(kind: ParameterKind, default: &str, description: &str) -> Parameter {
    Parameter {
        kind,
        default: Some(Value::from(default)),
        description: description.to_owned(),
        allowed: Vec::new(),
        minimum: None,
        maximum: None,
    }
}

fn read_body((name, description, language, text, schema, etl): &Body) -> Option<BuiltinTemplate> {
    let parameters = [
        ("class_name", ParameterKind::Identifier, "MyEtl", "Name of the class"),
        ("imports", ParameterKind::Code, "", "Imports beside those of the frame"),
        ("members", ParameterKind::Code, "", "Fields and methods of your own"),
        ("tableSchema", ParameterKind::Code, schema, "Returns the columns of the output as a JSON Schema"),
        ("ETL", ParameterKind::Code, etl, "Turns a record into records"),
    ];
    let parameters = parameters.map(|(name, kind, default, said)| (name.to_owned(), parameter(kind, default, said))).into();
    let template = Template::new(*language, (*text).to_owned(), parameters).ok()?;
    Some(BuiltinTemplate { name, description, world: "etl-operator", template })
}

/// A test makes sure that none is left out.
fn read((name, description, world, language, text, class, content): &Source) -> Option<BuiltinTemplate> {
    let mut parameters = BTreeMap::from([
        ("class_name".to_owned(), parameter(ParameterKind::Identifier, class, "Name of the class")),
        ("imports".to_owned(), parameter(ParameterKind::Code, "", "Imports beside those of the frame")),
        ("content".to_owned(), parameter(ParameterKind::Code, content, "What stands in the class")),
    ]);
    let (long, extra) = match language {
        TemplateLanguage::Scala => ("java.lang.Long", "  class Accumulator {\n    var sum: Long = 0L\n  }"),
        TemplateLanguage::Java | TemplateLanguage::Javascript | TemplateLanguage::Python => ("Long", ""),
    };
    let result = if *world == "aggregate-function" { long } else { "String" };
    for (name, default, description) in
        [("result", result, "Type of the result"), ("accumulator", extra, "Class that holds a group's state")]
    {
        if text.contains(&format!("{{{{{name}}}}}")) {
            parameters.insert(name.to_owned(), parameter(ParameterKind::Code, default, description));
        }
    }
    let template = Template::new(*language, (*text).to_owned(), parameters).ok()?;
    Some(BuiltinTemplate { name, description, world, template })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_a_template_that_can_be_filled_as_it_is() {
        assert_eq!(builtin().len(), SOURCES.len() + BODIES.len());
        assert_eq!(builtin().iter().filter(|frame| frame.is_default()).count(), SOURCES.len());
        for frame in builtin() {
            assert!(super::super::WORLDS.contains(&frame.world), "{}", frame.name);
            let filled = frame.template.complete(&BTreeMap::new()).unwrap();
            assert!(!filled.text.contains("{{"), "{}: {}", frame.name, filled.text);
            assert!(filled.text.contains("class My"), "{}: {}", frame.name, filled.text);
        }
    }
}
