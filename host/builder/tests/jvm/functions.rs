//! SQL functions in Flink's class syntax.

use crate::{
    building::{build, cases, request, run},
    sandboxed::{Lines, load, open, sandbox},
};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray, cast::AsArray, types};
use millrace_builder::{Language, World};
use millrace_model::DataType;
use millrace_sandbox::{FunctionCall, LoadedComponent, OpenGuest, OperatorLimits};
use std::{collections::BTreeMap, sync::Arc};

async fn function(case: &str, world: World, language: Language) -> Arc<LoadedComponent> {
    let folder = cases("functions").into_iter().find(|folder| folder.ends_with(case)).unwrap();
    let report = build(request(&folder, world, language)).await;
    load(report.component.unwrap_or_else(|| panic!("{:#?}", report.diagnostics))).await
}

fn guest() -> OpenGuest {
    open(BTreeMap::new(), Arc::new(Lines::default()))
}

/// EXT-2: overloads, null, variadic parameters, hints, and a fault that names its row.
#[test]
fn scalar_functions_have_overloads() {
    run(async {
        let loaded = function("label", World::ScalarFunction, Language::Java).await;
        let signatures = sandbox().signatures(&loaded, guest()).await.unwrap_or_else(|fault| panic!("{fault}"));
        let find = |wanted: &[DataType], variadic: bool| {
            let found = signatures
                .iter()
                .position(|s| s.variadic == variadic && s.parameters.iter().map(|p| p.data_type.clone()).collect::<Vec<_>>() == wanted);
            u32::try_from(found.unwrap_or_else(|| panic!("{signatures:#?}"))).unwrap()
        };
        let call = async |signature, arguments: Vec<ArrayRef>| {
            let opened = FunctionCall { signature, arguments: arguments.len() as u32 };
            let mut scalar = sandbox().open_scalar(&loaded, guest(), opened).await.unwrap_or_else(|fault| panic!("{fault}"));
            scalar.eval(&arguments, arguments.first().map_or(2, |column| column.len())).await
        };

        let text = find(&[DataType::BigInt, DataType::String], false);
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("ann"), None]));
        let answer = call(text, vec![ids, names.clone()]).await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(answer.as_string::<i32>(), &StringArray::from(vec![Some("ann#7"), None]));
        let fault = call(text, vec![Arc::new(Int64Array::from(vec![1, 13])), names]).await.unwrap_err();
        assert!(fault.row == Some(1) && fault.message.contains("unlucky at acme.Label.eval(Label.java:"), "{fault}");

        let number = find(&[DataType::Int], false);
        let answer = call(number, vec![Arc::new(Int32Array::from(vec![Some(10), None]))]).await.unwrap();
        assert_eq!(answer.as_primitive::<types::Int32Type>(), &Int32Array::from(vec![Some(2), None]));
        let fault = call(number, vec![Arc::new(Int32Array::from(vec![5]))]).await.unwrap_err();
        assert!(fault.message.contains("java.lang.ArithmeticException: / by zero"), "{fault}");

        let sum = find(&[DataType::Double], true);
        let column = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value, value * 2.0])) };
        let answer = call(sum, vec![column(1.0), column(10.0), column(100.0)]).await.unwrap();
        assert_eq!(answer.as_primitive::<types::Float64Type>().values(), &[111.0, 222.0]);
        assert_eq!(call(sum, vec![]).await.unwrap().as_primitive::<types::Float64Type>().values(), &[0.0, 0.0]);

        let decimal = find(&[DataType::Decimal { precision: 10, scale: 2 }, DataType::Int], false);
        let price = Decimal128Array::from(vec![1050_i128, -199]).with_precision_and_scale(10, 2).unwrap();
        let answer = call(decimal, vec![Arc::new(price), Arc::new(Int32Array::from(vec![3, 2]))]).await.unwrap();
        assert_eq!(answer.as_primitive::<types::Decimal128Type>().values(), &[3150, -398]);
    });
}

/// Groups, retraction, and state that another instance takes over and merges.
#[test]
fn aggregate_functions_keep_groups() {
    run(async {
        let loaded = function("weighted-average", World::AggregateFunction, Language::Java).await;
        let signatures = sandbox().signatures(&loaded, guest()).await.unwrap();
        assert!(signatures.len() == 1 && signatures[0].retracts && signatures[0].merges, "{signatures:#?}");
        let call = FunctionCall { signature: 0, arguments: 2 };
        let mut first = sandbox().open_aggregate(&loaded, guest(), call).await.unwrap_or_else(|fault| panic!("{fault}"));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(10.0), Some(20.0), Some(5.0), None]));
        let weights: ArrayRef = Arc::new(Int64Array::from(vec![1, 3, 2, 9]));
        first.update(&[0, 0, 1, 1], None, &[values.clone(), weights.clone()]).await.unwrap_or_else(|fault| panic!("{fault}"));
        let answer = first.values(&[0, 1, 2]).await.unwrap();
        assert_eq!(answer.as_primitive::<types::Float64Type>(), &Float64Array::from(vec![Some(17.5), Some(5.0), None]));
        // The second row is taken back.
        first.update(&[0], Some(&[1]), &[values.slice(1, 1), weights.slice(1, 1)]).await.unwrap();
        let states = first.export_states(&[0, 1]).await.unwrap_or_else(|fault| panic!("{fault}"));

        let mut second = sandbox().open_aggregate(&loaded, guest(), call).await.unwrap();
        second.update(&[4], None, &[values.slice(1, 1), weights.slice(1, 1)]).await.unwrap();
        second.import_states(&[4, 5], &states).await.unwrap_or_else(|fault| panic!("{fault}"));
        let answer = second.values(&[4, 5]).await.unwrap();
        assert_eq!(answer.as_primitive::<types::Float64Type>(), &Float64Array::from(vec![Some(17.5), Some(5.0)]));
        second.clear(&[4]).await.unwrap();
        assert!(second.values(&[4]).await.unwrap().is_null(0));
    });
}

/// EXT-4: groups of far more than an operator's heap, in memory that grows with them.
#[test]
fn aggregate_functions_keep_many_groups() {
    const GROUPS: u32 = 12_000;
    const PER_CALL: u32 = 1_000;
    run(async {
        let loaded = function("longest-list", World::AggregateFunction, Language::Java).await;
        let call = FunctionCall { signature: 0, arguments: 1 };
        let open = OpenGuest { limits: OperatorLimits::of(loaded.world()), ..guest() };
        let mut aggregate = sandbox().open_aggregate(&loaded, open, call).await.unwrap_or_else(|fault| panic!("{fault}"));
        let began = aggregate.usage().memory_peak_bytes;
        assert!(began < 32 << 20, "an instance begins with {began} bytes");
        for first in (0..GROUPS).step_by(PER_CALL as usize) {
            let groups: Vec<u32> = (first..first + PER_CALL).collect();
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values(groups.iter().map(|group| i64::from(*group))));
            aggregate.update(&groups, None, &[values]).await.unwrap_or_else(|fault| panic!("{fault}"));
        }
        let answer = aggregate.values(&[0, GROUPS - 1]).await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(answer.as_primitive::<types::Int64Type>().values(), &[1, i64::from(GROUPS)]);
        let peak = aggregate.usage().memory_peak_bytes;
        assert!(peak > 120 << 20, "the groups alone have 120 MiB, the peak is {peak}");
    });
}

/// Fields of a Scala class, by its getters and setters.
#[test]
fn aggregate_functions_in_scala_keep_their_state() {
    run(async {
        let loaded = function("scala-average", World::AggregateFunction, Language::Scala).await;
        let call = FunctionCall { signature: 0, arguments: 1 };
        let mut first = sandbox().open_aggregate(&loaded, guest(), call).await.unwrap_or_else(|fault| panic!("{fault}"));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 4.0]));
        first.update(&[0, 0], None, &[values]).await.unwrap_or_else(|fault| panic!("{fault}"));
        let states = first.export_states(&[0]).await.unwrap();
        let mut second = sandbox().open_aggregate(&loaded, guest(), call).await.unwrap();
        second.import_states(&[3], &states).await.unwrap();
        assert_eq!(second.values(&[3]).await.unwrap().as_primitive::<types::Float64Type>().values(), &[2.5]);
    });
}

#[test]
fn table_functions_give_rows() {
    run(async {
        let loaded = function("words", World::TableFunction, Language::Java).await;
        let call = FunctionCall { signature: 0, arguments: 1 };
        let mut table = sandbox().open_table(&loaded, guest(), call).await.unwrap_or_else(|fault| panic!("{fault}"));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("one two"), None, Some("three")]));
        let answer = table.eval(&[texts], 3).await.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(answer.input_rows.to_vec(), [0, 0, 2]);
        assert_eq!(answer.columns[0].as_string::<i32>(), &StringArray::from(vec!["one", "two", "three"]));
        assert_eq!(answer.columns[1].as_primitive::<types::Int32Type>().values(), &[3, 3, 5]);
    });
}
