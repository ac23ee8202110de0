//! Conditions of rules as SQL over the node's own rows: planned as one stateless stage, which runs inside the operator.
//!
//! Invariant: a condition looks at one row; it answers one BOOLEAN for each row that comes in, in the same order.

use crate::{
    operators::{
        PlanContext, PlannedTransform,
        sql::{self, stage::StageSettings},
    },
    plan::Work,
};
use millrace_model::{
    DataType, Schema,
    graph::{GraphError, Node},
};
use millrace_sql::{SourceTraits, plan::ChangelogMode};
use serde_json::json;

/// A rule's name and its condition.
pub(super) type Named<'a> = (&'a str, &'a str);

/// Plans the conditions over rows with the columns `input`; the stage answers one column per condition.
///
/// # Errors
/// The first condition that is wrong, by the rule's name.
pub(super) async fn plan(
    node: &Node,
    conditions: &[Named<'_>],
    input: &Schema,
    context: &PlanContext<'_>,
) -> Result<PlannedTransform, Vec<GraphError>> {
    match planned(node, conditions, input, context).await {
        Ok(found) => Ok(found),
        Err(together) => {
            // Which of them it is.
            for one in conditions {
                if let Err(message) = planned(node, &[*one], input, context).await {
                    return Err(vec![wrong(node, &format!("the condition of rule `{}`: {message}", one.0))]);
                }
            }
            Err(vec![wrong(node, &together)])
        }
    }
}

fn wrong(node: &Node, message: &str) -> GraphError {
    GraphError::in_field(&node.id, "config.rules", "quality.condition", message)
}

async fn planned(node: &Node, conditions: &[Named<'_>], input: &Schema, context: &PlanContext<'_>) -> Result<PlannedTransform, String> {
    let first = |errors: Vec<GraphError>| errors.into_iter().next().map_or_else(String::new, |error| error.message);
    // SQL calls the rows what SQL behind the node calls them.
    let named = node.config.get("table_name").and_then(serde_json::Value::as_str).filter(|name| !name.is_empty());
    let table = named.unwrap_or("rows");
    let flags = conditions.iter().enumerate().map(|(number, (_, condition))| format!("({condition}) AS `flag {number}`"));
    let text = format!("SELECT {} FROM `{}`", flags.collect::<Vec<_>>().join(", "), table.replace('`', "``"));
    let config = json!({ "sql": text }).as_object().cloned().unwrap_or_default();
    let query = Node { kind: sql::KIND.into(), config, ..node.clone() };
    let functions = sql::node_functions(&query, context).await.map_err(first)?;
    let upstream = sql::Upstream {
        name: table.to_owned(),
        operator: 0,
        parallelism: 1,
        schema: input.clone(),
        // A row is good or bad by itself, whatever kind of change it is.
        changes: ChangelogMode::INSERT_ONLY,
        rowtime: None,
        is_own_source: false,
        reads_by_name: false,
        source: SourceTraits::default(),
    };
    let settings = (context.parameters, &functions);
    let found = sql::plan_sql(&query, &[upstream], &context.dimensions, settings, 1, |_| true).map_err(first)?;
    let mut operators = found.operators.into_iter();
    let (Some(only), None) = (operators.next(), operators.next()) else { return Err(MANY_ROWS.into()) };
    let Work::Transform { planned, .. } = only.work else { return Err(MANY_ROWS.into()) };
    let is_of_rows = planned.settings.downcast_ref::<StageSettings>().is_some_and(|stage| stage.head.is_none());
    if !is_of_rows {
        return Err(MANY_ROWS.into());
    }
    for field in planned.output.fields() {
        if field.data_type != DataType::Boolean {
            return Err(format!("is {}, expected a condition: an expression that is TRUE, FALSE or NULL", field.data_type));
        }
    }
    Ok(planned)
}

const MANY_ROWS: &str = "looks at more than one row; such a rule is an `aggregate` check, which runs as a job of its own";
