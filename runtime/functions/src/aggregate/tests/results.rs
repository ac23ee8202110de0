//! Results that Flink 2.3 was seen to give.

use super::{Call, result};

/// A call, its type, and its results over rows.
type Expected = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const RESULTS: &[Expected] = &[
    ("COUNT()", "BIGINT NOT NULL", &[("", "0"), (";", "0")]),
    ("COUNT(INT)", "BIGINT NOT NULL", &[("", "0"), ("NULL", "0"), ("1; NULL; 1", "2"), ("1; ~1; ~2", "-1")]),
    ("COUNT(INT; INT)", "BIGINT NOT NULL", &[("1 | NULL; 6 | 1; 17 | 1", "2")]),
    ("COUNT(DISTINCT INT)", "BIGINT NOT NULL", &[("1; NULL; 3; 1", "2"), ("1; 1; ~1", "1"), ("~1; 1; 1", "1")]),
    ("SUM(TINYINT)", "TINYINT", &[("", "NULL"), ("NULL", "NULL"), ("100; 100", "-56"), ("100; 100; 100; -1", "43"), ("1; ~1", "NULL")]),
    ("SUM(INT NOT NULL)", "INT NOT NULL", &[("2147483647; 1", "-2147483648"), ("~1; 3", "NULL")]),
    ("SUM(DISTINCT INT)", "INT", &[("1; NULL; 3; 1", "4")]),
    ("SUM(FLOAT)", "FLOAT", &[("1.5; 2.7; 2.75", "6.95"), ("-0.0", "-0.0")]),
    ("SUM(DOUBLE)", "DOUBLE", &[("0.1; 0.2; 0.3", "0.6000000000000001"), ("0.1; 0.2; ~0.1; ~0.2", "NULL"), ("NaN; 1", "NaN")]),
    ("$SUM0(DOUBLE)", "DOUBLE NOT NULL", &[("", "0.0"), ("NULL", "0.0"), ("-0.0", "0.0"), ("0.5; 1", "1.5")]),
    (
        "SUM(DECIMAL(38, 18))",
        "DECIMAL(38, 18)",
        &[("1.123456789012345678; 2.000000000000000005; ~1.123456789012345678; 3.123456789012345673", "5.123456789012345678")],
    ),
    (
        "SUM(DECIMAL(38, 0))",
        "DECIMAL(38, 0)",
        &[
            ("99999999999999999999999999999999999999; 1; 5; 7", "12"),
            (
                "99999999999999999999999999999999999999; 5; 1; ~99999999999999999999999999999999999999; 7",
                "-99999999999999999999999999999999999991",
            ),
        ],
    ),
    ("AVG(TINYINT)", "TINYINT", &[("100; 100", "100"), ("1; 2; -8", "-1")]),
    ("AVG(INT)", "INT", &[("NULL", "NULL"), ("1; 6; -17", "-3"), ("2147483647; 2147483647; 1", "1431655765"), ("1; ~1", "NULL")]),
    ("AVG(FLOAT)", "FLOAT", &[("1.5; 2.7; 2.75", "2.3166666"), ("0.1; 0.7; 1e10", "3333333200.0")]),
    ("AVG(DOUBLE)", "DOUBLE", &[("0.1; 0.2; 0.3", "0.20000000000000004")]),
    ("AVG(DECIMAL(5, 2))", "DECIMAL(38, 6)", &[("1; 1; 0", "0.666667"), ("-1; -1; 0", "-0.666667"), ("1; 0; 0", "0.333333")]),
    ("AVG(DECIMAL(10, 8))", "DECIMAL(38, 8)", &[("1.25; 7.5; -7.51000001", "0.41333333")]),
    ("AVG(DECIMAL(38, 0))", "DECIMAL(38, 6)", &[("99999999999999999999999999999999999999", "NULL")]),
    ("MIN(INT)", "INT", &[("", "NULL"), ("3; NULL; -1; 2", "-1"), ("3; 1; ~1", "3"), ("~1; 1", "NULL"), ("2; ~1; 1; 3", "2")]),
    ("MAX(STRING NOT NULL)", "STRING NOT NULL", &[("b; é; a", "é"), ("b; é; a; ~é", "b")]),
    ("MAX(BOOLEAN)", "BOOLEAN", &[("false; true; NULL", "true"), ("false; true; ~true", "false")]),
    ("MIN(DOUBLE)", "DOUBLE", &[("NaN; -0.0; 0.0", "NaN"), ("1; NaN", "1.0"), ("0.0; -0.0", "0.0"), ("NaN; 2; 0.0; -0.0; ~2", "-0.0")]),
    ("MAX(DOUBLE)", "DOUBLE", &[("1; NaN", "1.0"), ("1; NaN; 0; ~0", "NaN")]),
    ("MAX(DATE)", "DATE", &[("2020-01-01; 2021-05-06", "2021-05-06")]),
    ("MIN(TIMESTAMP(3))", "TIMESTAMP(3)", &[("2020-01-01T00:00:00.123; 2019-01-01T00:00:00.5", "2019-01-01T00:00:00.500")]),
    ("FIRST_VALUE(STRING)", "STRING", &[("", "NULL"), ("NULL; b; a", "b"), ("d; a; ~d; a", "a"), ("a; b; a; ~a", "b")]),
    ("LAST_VALUE(STRING)", "STRING", &[("b; a; NULL", "a"), ("a; z; ~z", "a"), ("a; b; a; ~a", "a"), ("~a; a", "NULL")]),
    ("FIRST_VALUE(DISTINCT INT)", "INT", &[("1; NULL; 3; 1", "1")]),
    ("FIRST_VALUE(ARRAY<INT NOT NULL>)", "ARRAY<INT NOT NULL>", &[("[1 2]; [3]", "[1, 2]"), ("[1 2]; [3]; ~[1 2]", "[3]")]),
    ("SINGLE_VALUE(INT NOT NULL)", "INT", &[("", "NULL"), ("4", "4"), ("4; ~4; 5", "5"), ("~4; 4", "NULL")]),
    ("LISTAGG(STRING)", "STRING", &[("", "NULL"), ("NULL", "NULL"), ("d; NULL; a", "d,a"), ("d; a; ~d; a; z", "a,a,z"), ("a; ~a", "NULL")]),
    ("LISTAGG(STRING; '-')", "STRING", &[("d; NULL; a", "d-a"), ("d; c; a; ~c", "d-a")]),
    ("LISTAGG(DISTINCT STRING)", "STRING", &[("1; NULL; 3; 1", "1,3")]),
    ("ARRAY_AGG(INT)", "ARRAY<INT>", &[("", "NULL"), ("1; NULL; 3; 1", "[1, NULL, 3, 1]"), ("1; NULL; ~NULL", "[1]"), ("1; ~1", "NULL")]),
    ("ARRAY_AGG(INT NOT NULL)", "ARRAY<INT NOT NULL> NOT NULL", &[("1; 2", "[1, 2]")]),
    ("ARRAY_AGG(INT; #IGNORE NULLS)", "ARRAY<INT>", &[("1; NULL; 3; 1", "[1, 3, 1]"), ("NULL", "NULL")]),
    ("ARRAY_AGG(DISTINCT INT)", "ARRAY<INT>", &[("1; NULL; 3; 1", "[1, NULL, 3]")]),
    ("COLLECT(INT)", "MULTISET<INT> NOT NULL", &[("", "{}"), ("1; NULL; 3; 1", "{1: 2, 3: 1}"), ("1; 3; ~1", "{3: 1}"), ("~1", "{}")]),
    ("COLLECT(DISTINCT INT)", "MULTISET<INT> NOT NULL", &[("1; NULL; 3; 1", "{1: 1, 3: 1}")]),
    ("STDDEV_POP(INT)", "INT", &[("1", "0"), ("1; 6", "2"), ("1; 6; 17", "6"), ("NULL", "NULL"), ("1; 6; 9; ~9", "2")]),
    ("VAR_SAMP(DECIMAL(10, 2))", "DECIMAL(38, 6)", &[("1.25", "NULL"), ("1.25; 7.5", "19.531250"), ("1.25; 7.5; -7.51", "56.850033")]),
    ("STDDEV(BIGINT NOT NULL)", "BIGINT", &[("1", "NULL"), ("1; 7", "4"), ("1; 7; -7", "7")]),
    ("VARIANCE(DOUBLE)", "DOUBLE", &[("1.5; 9.1", "28.88"), ("1.5; 9.1; 0.1", "23.453333333333333")]),
    ("VAR_POP(FLOAT)", "FLOAT", &[("1.5", "0.0"), ("1.5; 2.7", "0.36"), ("1.5; 2.7; 2.75", "0.3338889")]),
    ("VAR_POP(TINYINT NOT NULL)", "TINYINT NOT NULL", &[("1; 2", "0"), ("1; 2; 100", "108")]),
    ("VAR_SAMP(FLOAT)", "FLOAT", &[("0.1; 0.7", "0.17999999"), ("0.1; 0.7; 1e10", "3.3333333e19")]),
    ("STDDEV_SAMP(DECIMAL(5, 2))", "DECIMAL(38, 6)", &[("1; 1; 0", "0.577350")]),
    ("PERCENTILE(INT; =0.5)", "DOUBLE", &[("", "NULL"), ("1; 2", "1.5"), ("1; 2; 2", "2.0"), ("1; 2; 2; 7", "2.0"), ("1; 2; ~1", "2.0")]),
    ("PERCENTILE(INT; =0.3; BIGINT)", "DOUBLE", &[("1 | 2; 2 | 2; 2 | 2", "1.5"), ("1 | 0", "NULL"), ("1 | NULL; 3 | 1", "3.0")]),
    ("PERCENTILE(INT; ARRAY<DOUBLE>)", "ARRAY<DOUBLE>", &[("1 | [0.25 0.75]; 2 | []; 2 | []; 7 | []", "[1.75, 3.25]")]),
    (
        "JSON_OBJECTAGG(STRING; STRING; #FORMAT JSON)",
        "STRING NOT NULL",
        &[
            ("", "{}"),
            ("z | 1; b | NULL; a | [3]; é | 1", r#"{"a":[3],"b":null,"z":1,"é":1}"#),
            ("a\"\u{1}\\ | 1", r#"{"a\"\u0001\\":1}"#),
            ("a | 1; ~a | 1; a | 2; ~b | NULL; b | NULL", r#"{"a":2}"#),
        ],
    ),
    ("JSON_OBJECTAGG(STRING; STRING; #ABSENT ON NULL; #FORMAT JSON)", "STRING NOT NULL", &[("b | NULL; a | 3", r#"{"a":3}"#)]),
    ("JSON_ARRAYAGG(STRING; #FORMAT JSON)", "STRING NOT NULL", &[("", "[]"), ("1; NULL; 3; 1", "[1,3,1]"), ("1; 3; ~1", "[3]")]),
    ("JSON_ARRAYAGG(STRING; #NULL ON NULL; #FORMAT JSON)", "STRING NOT NULL", &[("1; NULL; 3", "[1,null,3]"), ("1; NULL; ~NULL", "[1]")]),
];

#[test]
fn results_are_those_of_flink() {
    let mut wrong = Vec::new();
    for (text, typed, cases) in RESULTS {
        let call = Call::new(text);
        assert_eq!(call.result.to_string(), *typed, "type of {text}");
        for (rows, expected) in *cases {
            let found = result(&call, rows);
            if found.as_deref() != Ok(*expected) {
                wrong.push(format!("{text} over {rows}: {found:?} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_flink_refuses_is_refused() {
    let refused: &[(&str, &str)] = &[
        ("SUM(STRING)", "SUM takes a number, not STRING"),
        ("SUM(INT; INT)", "SUM takes one argument, not 2"),
        ("MAX(BYTES)", "MAX does not take (BYTES)"),
        ("MIN(ARRAY<INT>)", "MIN does not take (ARRAY<INT>)"),
        ("LISTAGG(INT)", "LISTAGG takes a string, and a string literal as separator"),
        ("LISTAGG(STRING; STRING)", "the separator of LISTAGG must be a literal"),
        ("STDDEV(STRING)", "STDDEV takes a number, not STRING"),
        ("PERCENTILE(INT; =0.5; DOUBLE)", "the frequency of PERCENTILE is an integer, not DOUBLE"),
        ("APPROX_COUNT_DISTINCT(INT)", "APPROX_COUNT_DISTINCT is not supported in streaming queries; COUNT(DISTINCT …) is exact"),
    ];
    for (text, message) in refused {
        assert_eq!(Call::resolve(text).map(|_| ()), Err((*message).to_owned()), "{text}");
    }
}

#[test]
fn data_can_make_a_call_fail() {
    let failing: &[(&str, &str, &str)] = &[
        ("SINGLE_VALUE(INT)", "1; 2", "a sub-query that stands for one value gave more than one row"),
        ("PERCENTILE(INT; =1.5)", "1", "the percentage of PERCENTILE must be between 0 and 1, not 1.5"),
        ("JSON_OBJECTAGG(STRING; STRING; #FORMAT JSON)", "a | 1; a | 2", "JSON_OBJECTAGG was given the key 'a' more than once"),
        ("JSON_OBJECTAGG(STRING; STRING; #FORMAT JSON)", "NULL | 1", "a key of JSON_OBJECTAGG is NULL"),
    ];
    for (text, rows, message) in failing {
        assert_eq!(result(&Call::new(text), rows).map_err(|e| e.to_string()), Err((*message).to_owned()), "{text} over {rows}");
    }
}
