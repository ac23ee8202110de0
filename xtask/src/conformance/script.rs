//! Takes a script apart into statements that keep their place.

use std::path::Path;

/// The statements, each behind so many line breaks and blanks that its lines and columns are those of the script.
/// Case tables learn the folder that their inputs are relative to, and the file that they are written to.
pub(super) fn statements(script: &str, folder: &Path, output: &Path) -> Vec<String> {
    let quoted = |path: &Path| path.display().to_string().replace('\'', "''");
    let folder = format!("'connector' = 'case', 'folder' = '{}', 'output' = '{}'", quoted(folder), quoted(output));
    let mut statements = Vec::new();
    for (start, statement) in split(script) {
        let before = &script[..start];
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let text = statement.replace("'connector' = 'case'", &folder);
        statements.push(format!("{}{}{text}", "\n".repeat(line), " ".repeat(column)));
    }
    statements
}

/// Whether the statement writes to a table.
pub(super) fn is_insert(statement: &str) -> bool {
    statement.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("INSERT"))
}

/// Start and text of each statement, without the semicolon; comments alone are none.
fn split(script: &str) -> Vec<(usize, &str)> {
    let bytes = script.as_bytes();
    let (mut parts, mut start, mut at, mut code) = (Vec::new(), 0, 0, false);
    while at < bytes.len() {
        let rest = &script[at..];
        let skipped = match bytes[at] {
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            quote @ (b'\'' | b'`' | b'"') => {
                code = true;
                // A doubled quote ends one text and begins the next at once: as good as staying inside.
                bytes[at + 1..].iter().position(|b| *b == quote).map_or(rest.len(), |end| end + 2)
            }
            b';' => {
                parts.push((start, at, code));
                (start, code) = (at + 1, false);
                1
            }
            other => {
                code |= !other.is_ascii_whitespace();
                1
            }
        };
        at += skipped;
    }
    parts.push((start, bytes.len(), code));
    let whole = |(start, end, code): (usize, usize, bool)| {
        let text = script[start..end].trim_end();
        let trimmed = text.trim_start();
        code.then_some((start + (text.len() - trimmed.len()), trimmed))
    };
    parts.into_iter().filter_map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_texts_and_comments_do_not_end_a_statement() {
        let script = "-- a; b\nSELECT ';''' /* ; */ AS `;`;\n  SELECT 2 -- ;\n;\n-- end";
        let found: Vec<_> = split(script).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ["-- a; b\nSELECT ';''' /* ; */ AS `;`", "SELECT 2 -- ;"]);
    }

    #[test]
    fn statements_stand_where_the_script_has_them() {
        let found = statements("SELECT 1; SELECT\n 2", Path::new("/x"), Path::new("/y"));
        assert_eq!(found, ["SELECT 1", "          SELECT\n 2"]);
        let table = statements("CREATE TABLE t (a INT) WITH ('connector' = 'case')", Path::new("/it's"), Path::new("/y"));
        assert_eq!(table, ["CREATE TABLE t (a INT) WITH ('connector' = 'case', 'folder' = '/it''s', 'output' = '/y')"]);
    }
}
