//! Arrays as sets: no element twice, in the order in which they come first.

use super::{
    any_nullable, common, element_of,
    elements::Elements,
    lists::{ListWriter, Lists},
};
use crate::{
    Argument, Columnar, EvaluationError, Resolution, ResolveError, Typed,
    scalar::{Builtin, Call, columns::extent, signature::refused},
};
use std::collections::HashSet;

pub(super) const FUNCTIONS: &[Builtin] = &[
    Builtin { name: "ARRAY_UNION", resolve: |a| resolve("ARRAY_UNION", a), evaluate: |c| combine(c, Set::Union), deterministic: true },
    Builtin {
        name: "ARRAY_INTERSECT",
        resolve: |a| resolve("ARRAY_INTERSECT", a),
        evaluate: |c| combine(c, Set::Intersection),
        deterministic: true,
    },
    Builtin {
        name: "ARRAY_EXCEPT",
        resolve: |a| resolve("ARRAY_EXCEPT", a),
        evaluate: |c| combine(c, Set::Difference),
        deterministic: true,
    },
];

/// What is made of two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Union,
    Intersection,
    Difference,
}

fn resolve(name: &str, arguments: &[Argument<'_>]) -> Result<Resolution, ResolveError> {
    if arguments.len() != 2 || arguments.iter().any(|a| element_of(Some(a)).is_none()) {
        return Err(refused(name, arguments, "ARRAY, ARRAY"));
    }
    let result = common(name, arguments)?;
    Ok(Resolution { arguments: vec![result.clone(); 2], result: Typed::new(result, any_nullable(arguments)) })
}

fn combine(call: &Call<'_>, set: Set) -> Result<Columnar, EvaluationError> {
    let (lefts, rights) = (Lists::of(call, 0)?, Lists::of(call, 1)?);
    let elements = Elements::new(&[lefts.elements(), rights.elements()])?;
    let (rows, is_scalar) = extent(call);
    let mut writer = ListWriter::new(rows);
    for row in 0..rows {
        let (Some(left), Some(right)) = (lefts.get(row), rights.get(row)) else {
            writer.null()?;
            continue;
        };
        let mut known = HashSet::new();
        // What equals nothing is new every time.
        let mut is_new = |column, at| elements.is_nan(column, at) || known.insert(elements.get(column, at));
        if set == Set::Union {
            writer.extend(1, left.filter(|&at| is_new(0, at)));
            writer.extend(2, right.filter(|&at| is_new(1, at)));
        } else {
            let others: HashSet<_> = right.filter(|&at| !elements.is_nan(1, at)).map(|at| elements.get(1, at)).collect();
            let wanted = set == Set::Intersection;
            writer.extend(1, left.filter(|&at| others.contains(&elements.get(0, at)) == wanted && is_new(0, at)));
        }
        writer.end()?;
    }
    writer.finish(call, &[lefts.elements(), rights.elements()], is_scalar)
}
