//! How often something is in something else.

use millrace_plugin::prelude::*;

scalar_function! {
    /// How often a word is in a text.
    fn in_text(text: &str, word: &str) -> Result<i64> {
        if word.is_empty() {
            bail!("the word is empty");
        }
        Ok(text.matches(word).count() as i64)
    }

    /// How often a digit is in a number; no digit means 7.
    fn in_number(number: i64, digit: Option<i32>) -> i64 {
        let digit = digit.unwrap_or(7).to_string();
        number.to_string().matches(digit.as_str()).count() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{ScalarHarness, TestBatch};

    #[test]
    fn overloads_nulls_and_errors() {
        let mut of_text = ScalarHarness::<Function>::open(0, 2).expect("opens");
        let texts = ColumnBuf::<str>::from_iter(["banana", "", "an"]).with_validity(Some(vec![0b101]));
        let words = TestBatch::new().optional::<str>("text", texts).required::<str>("word", vec!["an", "an", "an"]);
        assert_eq!(of_text.eval(&words).expect("works"), ["2", "NULL", "1"]);
        let empty = TestBatch::new().required::<str>("text", vec!["a", "b"]).required::<str>("word", vec!["a", ""]);
        assert_eq!(of_text.eval(&empty).expect_err("fails").to_string(), "row 1: the word is empty");
        let mut of_number = ScalarHarness::<Function>::open(1, 2).expect("opens");
        let digits = ColumnBuf::from_iter([Some(1), None]);
        let numbers = TestBatch::new().required::<i64>("number", vec![1011, 1727]).optional::<i32>("digit", digits);
        assert_eq!(of_number.eval(&numbers).expect("works"), ["3", "2"]);
    }
}
