//! "Did you mean …?": the name that is nearest to one that is not there.

/// Names longer than this are not compared: the comparison takes time by the product of both lengths.
const NAME_MAX: usize = 128;

/// The nearest of `names` to `wanted`, when it is near enough to be a slip: a third of its length at most.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips_max = (wanted.chars().count() / 3).max(1);
    (names.into_iter())
        .filter(|name| name.len() <= NAME_MAX && wanted.len() <= NAME_MAX)
        .map(|name| (distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= slips_max)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut before = i + 1;
        let mut next = vec![before];
        for ((to, &above_left), &above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            before = (above_left + usize::from(from != *to)).min(above + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let names = ["clicks", "clean_clicks", "orders"];
        let check = |wanted: &str, expected: Option<&str>| assert_eq!(nearest(wanted, names), expected, "{wanted}");
        check("cliks", Some("clicks"));
        check("Clicks", Some("clicks"));
        check("clean-clicks", Some("clean_clicks"));
        check("order", Some("orders"));
        check("payments", None);
        check("", None);
    }

    #[test]
    fn the_distance_is_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
