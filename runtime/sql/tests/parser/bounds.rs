//! No text may exhaust the stack or take forever: deep and long texts, and random ones.

use millrace_sql::parser::{parse_expression, parse_query, parse_script};
use proptest::prelude::*;

/// Runs on a stack as small as a thread's usually is.
fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

fn is_refused_as_too_deep(text: &str) {
    let shown: String = text.chars().take(40).collect();
    let code = parse_script(text).map(|_| "no error").unwrap_or_else(|e| e.code);
    assert_eq!(code, "sql.too_deep", "for {shown}…");
}

#[test]
fn deep_texts_are_refused_without_using_up_the_stack() {
    on_small_stack(|| {
        // Tens of thousands of levels, about as many as a text of the greatest length and number of words can have.
        let levels = |part: &str| if part.len() <= 4 { 60_000 } else { 20_000 };
        let repeated = |head: &str, part: &str, tail: &str| format!("SELECT {head}{}{tail}", part.repeat(levels(part)));
        for text in [
            repeated("", "(", ""),
            repeated("", "NOT ", "a"),
            repeated("", "- ", "a"),
            repeated("", "CASE ", ""),
            repeated("", "f(", ""),
            repeated("", "ROW(", ""),
            repeated("", "ARRAY[", ""),
            repeated("a[", "a[", ""),
            repeated("a", "[1]", ""),
            repeated("f(x)", ".a", ""),
            repeated("a", " + a", ""),
            repeated("a", " = a", ""),
            repeated("a", " IS NULL", ""),
            repeated("a", " IN (1", ""),
            repeated("a", " LIKE b", ""),
            repeated("a", " BETWEEN 1 AND 2", ""),
            repeated("CAST(a AS ", "ARRAY<", ""),
            repeated("CAST(a AS INT", " ARRAY", ")"),
            repeated("", "(SELECT ", ""),
            repeated("", "EXISTS (SELECT ", ""),
            repeated("1 FROM ", "(", ""),
            repeated("1 FROM ", "(SELECT 1 FROM ", ""),
            repeated("1 FROM t", " JOIN t", ""),
            repeated("1 FROM t GROUP BY ", "GROUPING SETS (", ""),
            repeated("1", " EXCEPT SELECT 1", ""),
            repeated("", "TRIM(BOTH a FROM ", ""),
            repeated("", "SUM(1) OVER (ORDER BY ", ""),
            "EXPLAIN ".repeat(100_000),
            "WITH a AS (".repeat(40_000),
        ] {
            if text.starts_with("EXPLAIN") {
                assert_eq!(parse_script(&text).unwrap_err().code, "sql.syntax");
            } else {
                is_refused_as_too_deep(&text);
            }
        }
    });
}

#[test]
fn the_deepest_texts_that_are_read_fit_the_stack() {
    on_small_stack(|| {
        let deepest = |make: &dyn Fn(usize) -> String| {
            let levels = (1..=200).rev().find(|levels| parse_script(&make(*levels)).is_ok());
            assert!(levels.is_some_and(|l| l >= 25), "{} is read to level {levels:?} only", make(2));
        };
        deepest(&|n| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("SELECT {}1{}", "COALESCE(1, ".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("SELECT {}1{}", "CASE WHEN a THEN ".repeat(n), " END".repeat(n)));
        deepest(&|n| format!("SELECT {}1{}", "(SELECT ".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("{}SELECT 1{}", "SELECT * FROM (".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("{}SELECT 1{}", "SELECT 1 UNION (".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("SELECT {}1{}", "JSON_OBJECT('a' VALUE ".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("SELECT {}1{}", "SUM(1) OVER (ORDER BY ".repeat(n), ")".repeat(n)));
        deepest(&|n| format!("SELECT a{}", " - a".repeat(n)));
        deepest(&|n| format!("SELECT 1 FROM t MATCH_RECOGNIZE (PATTERN ({}A{}) DEFINE A AS TRUE)", "(".repeat(n), ")".repeat(n)));
    });
}

#[test]
fn long_flat_texts_are_read() {
    on_small_stack(|| {
        let check = |text: String| {
            if let Err(error) = parse_script(&text) {
                panic!("{}", error.render(&text));
            }
        };
        check(format!("SELECT a{}", " OR a = 1".repeat(20_000)));
        check(format!("SELECT a{}", " || 'x'".repeat(20_000)));
        check(format!("SELECT a{} FROM t", ", a + 1".repeat(20_000)));
        check(format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)));
        check(format!("VALUES (1, 2){}", ", (1, 2)".repeat(20_000)));
        check(format!("SELECT a IN (1{})", ", 1".repeat(50_000)));
        check("SELECT 1;".repeat(20_000));
    });
}

#[test]
fn a_text_that_is_too_long_is_refused() {
    assert_eq!(parse_script(&" ".repeat((1 << 20) + 1)).unwrap_err().code, "sql.too_long");
    assert_eq!(parse_script(&"+".repeat(300_000)).unwrap_err().code, "sql.too_long");
}

const PIECES: &str = "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT UNION ALL JOIN LEFT ON USING AS AND OR NOT IS NULL IN BETWEEN LIKE CASE WHEN THEN \
     ELSE END CAST TRY_CAST INTERVAL DAY TO SECOND DATE TIMESTAMP ARRAY MAP ROW TABLE LATERAL UNNEST VALUES INSERT INTO CREATE VIEW \
     FUNCTION WITH WATERMARK FOR PRIMARY KEY METADATA SET RESET EXPLAIN EXECUTE STATEMENT BEGIN OVER PARTITION ROWS RANGE CURRENT \
     GROUPING SETS CUBE ROLLUP WINDOW MATCH_RECOGNIZE MEASURES AFTER MATCH SKIP PATTERN PERMUTE DEFINE FILTER WITHIN DISTINCT TRIM EXTRACT SUBSTRING POSITION JSON_VALUE JSON_OBJECT \
     RETURNING DEFAULT EMPTY ERROR INT STRING DECIMAL a b c `q` 'text' U&'\\0041' X'0A' 1 2.5 1e3 ( ) [ ] , ; . : + - * / % { } ? ^ $ | || = <> < <= > \
     >= => /*+ */ \" ' ` -- /* # é 😀 \0";

fn soup() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = PIECES.split(' ').collect();
    prop::collection::vec(prop::sample::select(pieces), 0..60).prop_map(|words| words.join(" "))
}

/// Parses as everything and shows what is wrong, against the text and against another one.
fn survive(text: &str) {
    let errors = [parse_script(text).err(), parse_query(text).err(), parse_expression(text).err()];
    for error in errors.into_iter().flatten() {
        assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{error:?} in {text:?}");
        assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end), "{error:?} in {text:?}");
        assert!(!error.render(text).is_empty() && !error.render("é\n").is_empty());
        assert_ne!(error.code, "sql.internal", "{error:?} in {text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn random_characters_never_panic(text in "\\PC{0,200}") {
        survive(&text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_words_never_panic(text in soup()) {
        survive(&text);
    }

    #[test]
    fn a_statement_with_something_in_it_never_panics(text in soup(), at in any::<prop::sample::Index>()) {
        let whole = include_str!("trees/query.sql");
        let cut = whole.floor_char_boundary(at.index(whole.len()));
        survive(&format!("{}{text}{}", &whole[..cut], &whole[cut..]));
        survive(&whole[cut..]);
    }
}
