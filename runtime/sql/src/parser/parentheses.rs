//! Finds out before parsing which parentheses belong together and which of them hold a query.
//!
//! `((SELECT 1) + 1)` and `((SELECT 1) UNION SELECT 2)` begin alike; knowing the difference beforehand spares the parser
//! any going back, whose cost could double with each level.

use super::token::{Kind, Token};

/// Fills in `partner` and `opens_query` of every `(`.
pub(super) fn link(text: &str, tokens: &mut [Token]) {
    let end = tokens.len().saturating_sub(1);
    let mut open: Vec<usize> = Vec::new();
    for i in 0..tokens.len() {
        match tokens[i].kind {
            Kind::LeftParen => {
                tokens[i].partner = end as u32;
                open.push(i);
            }
            Kind::RightParen => {
                if let Some(opening) = open.pop() {
                    tokens[opening].partner = i as u32;
                }
            }
            _ => {}
        }
    }
    let is_any = |token: Token, words: &[&str]| {
        token.kind == Kind::Word
            && text.get(token.start as usize..token.end as usize).is_some_and(|w| words.iter().any(|k| k.eq_ignore_ascii_case(w)))
    };
    // From the inside out: what stands in an inner pair is known when the outer one is looked at.
    for i in (0..end).rev() {
        if tokens[i].kind != Kind::LeftParen {
            continue;
        }
        let first = tokens[i + 1];
        tokens[i].opens_query = if first.kind == Kind::LeftParen {
            let behind = tokens[(first.partner as usize + 1).min(end)];
            let goes_on = ["UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH"];
            first.opens_query && (behind.kind == Kind::RightParen || is_any(behind, &goes_on))
        } else {
            is_any(first, &["SELECT", "WITH", "VALUES"]) || is_any(first, &["TABLE"]) && tokens[i + 2].kind != Kind::LeftParen
        };
    }
}
