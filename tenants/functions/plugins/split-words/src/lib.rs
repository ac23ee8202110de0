//! The words of a text.

use millrace_plugin::prelude::*;

table_function! {
    output Word<'a> { word: &'a str, position: i32 }

    /// The words, counted from 1.
    fn of_text<'a>(text: &'a str) -> Vec<Word<'a>> {
        text.split_whitespace().zip(1..).map(|(word, position)| Word { word, position }).collect()
    }

    /// What lies between separators.
    fn between<'a>(text: &'a str, separator: &'a str) -> Result<Vec<Word<'a>>> {
        if separator.is_empty() {
            bail!("the separator is empty");
        }
        Ok(text.split(separator).zip(1..).map(|(word, position)| Word { word, position }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{TableHarness, TestBatch};

    #[test]
    fn each_row_gives_its_words() {
        let mut words = TableHarness::<Function>::open(0, 1).expect("opens");
        let texts = TestBatch::new()
            .optional::<str>("text", ColumnBuf::<str>::from_iter(["to be", "", "", "or"]).with_validity(Some(vec![0b1101])));
        assert_eq!(words.eval(&texts).expect("works"), ["0: to | 1", "0: be | 2", "3: or | 1"]);
    }
}
