//! A function for SQL: the part of an e-mail address behind the `@`.
//!
//! Build it with `millrace plugin build .`, test it with `cargo test`.

use millrace_plugin::prelude::*;

scalar_function! {
    /// Called for every row. An argument that is not an `Option` is never NULL: where it would be, the result is NULL.
    fn domain<'a>(address: &'a str) -> Option<&'a str> {
        address.split_once('@').map(|(_, domain)| domain)
    }

    /// A second function is an overload: SQL chooses by the types of the arguments. An error fails the job and names the row.
    fn domain_or(address: &str, otherwise: Option<&str>) -> Result<String> {
        match (domain(address), otherwise) {
            (Some(domain), _) => Ok(domain.to_lowercase()),
            (None, Some(otherwise)) => Ok(otherwise.to_owned()),
            (None, None) => bail!("`{address}` is no e-mail address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_plugin::testing::{ScalarHarness, TestBatch};

    #[test]
    fn domains_are_behind_the_sign() {
        let addresses = TestBatch::new().required::<str>("address", vec!["ada@example.org", "nobody"]);
        let mut function = ScalarHarness::<Function>::open(0, 1).expect("opens");
        assert_eq!(function.eval(&addresses).expect("works"), ["example.org", "NULL"]);
    }
}
