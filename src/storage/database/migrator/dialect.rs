//! What differs between engines in a migration's text.

/// A part of a text: code, or what must stay as it is.
enum Part<'a> {
    Code(&'a str),
    Quoted(&'a str),
    Comment(&'a str),
}

/// Splits a text into code, quoted parts and comments to the end of a line.
fn parts(mut sql: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while !sql.is_empty() {
        let start = sql.find(['\'', '"']).unwrap_or(sql.len());
        let start = sql.find("--").map_or(start, |comment| comment.min(start));
        let (code, rest) = sql.split_at(start);
        parts.push(Part::Code(code));
        let end = match rest.chars().next() {
            Some('-') => rest.find('\n'),
            // A doubled quote inside reads as two quoted parts, which is as good.
            Some(quote) => rest
                .get(1..)
                .and_then(|inner| inner.find(quote))
                .map(|end| end + 2),
            None => None,
        };
        let (kept, rest) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(if kept.starts_with('-') {
            Part::Comment(kept)
        } else {
            Part::Quoted(kept)
        });
        sql = rest;
    }
    parts
}

/// PostgreSQL sorts text by the database's locale unless told otherwise; SQLite sorts bytes. So
/// the column type `TEXT` becomes `TEXT COLLATE "C"`, but not the target of a cast.
pub(super) fn collate(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + sql.len() / 4);
    let mut previous = "";
    for part in parts(sql) {
        match part {
            Part::Code(code) => {
                for word in code.split_inclusive(|letter: char| !is_word(letter)) {
                    let name = word.trim_end_matches(|letter| !is_word(letter));
                    text.push_str(name);
                    if name == "TEXT" && previous != "AS" {
                        text.push_str(" COLLATE \"C\"");
                    }
                    text.push_str(word.get(name.len()..).unwrap_or_default());
                    if !name.is_empty() {
                        previous = name;
                    }
                }
            }
            Part::Quoted(kept) | Part::Comment(kept) => text.push_str(kept),
        }
    }
    text
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A statement of an online migration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Online {
    CreateIndex {
        /// `CREATE INDEX` or `CREATE UNIQUE INDEX`.
        verb: &'static str,
        name: String,
        /// From `ON`.
        rest: String,
    },
    DropIndex {
        name: String,
    },
}

/// The statements of an online migration; an error names the one that may not stand there.
pub(super) fn online(sql: &str) -> Result<Vec<Online>, String> {
    let mut statements = vec![String::new()];
    for part in parts(sql) {
        match part {
            Part::Code(code) => {
                for (index, piece) in code.split(';').enumerate() {
                    if index > 0 {
                        statements.push(String::new());
                    }
                    if let Some(last) = statements.last_mut() {
                        last.push_str(piece);
                    }
                }
            }
            Part::Quoted(kept) => {
                if let Some(last) = statements.last_mut() {
                    last.push_str(kept);
                }
            }
            Part::Comment(_) => {}
        }
    }
    statements
        .iter()
        .map(|statement| statement.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .map(|words| match words.as_slice() {
            ["CREATE", "INDEX", name, rest @ ..] => Ok(Online::CreateIndex {
                verb: "CREATE INDEX",
                name: (*name).to_owned(),
                rest: rest.join(" "),
            }),
            ["CREATE", "UNIQUE", "INDEX", name, rest @ ..] => Ok(Online::CreateIndex {
                verb: "CREATE UNIQUE INDEX",
                name: (*name).to_owned(),
                rest: rest.join(" "),
            }),
            ["DROP", "INDEX", name] => Ok(Online::DropIndex {
                name: (*name).to_owned(),
            }),
            words => Err(format!("not for an online migration: {}", words.join(" "))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_are_collated() {
        let sql = "CREATE TABLE a ( -- TEXT\n  b TEXT NOT NULL DEFAULT 'TEXT; it''s TEXT',\n  \
                   c TEXT,\n  TEXT_d BIGINT CHECK (CAST(b AS TEXT) <> ''), e TEXT);";
        assert_eq!(
            collate(sql),
            "CREATE TABLE a ( -- TEXT\n  b TEXT COLLATE \"C\" NOT NULL DEFAULT 'TEXT; it''s TEXT',\n  \
             c TEXT COLLATE \"C\",\n  TEXT_d BIGINT CHECK (CAST(b AS TEXT) <> ''), e TEXT COLLATE \"C\");"
        );
    }

    #[test]
    fn online_statements_are_indexes() {
        let sql = "-- online\nCREATE UNIQUE INDEX a_b ON a (b)\n  WHERE b <> ';'; -- ;\nDROP INDEX a_c;\n";
        let expected = vec![
            Online::CreateIndex {
                verb: "CREATE UNIQUE INDEX",
                name: "a_b".to_owned(),
                rest: "ON a (b) WHERE b <> ';'".to_owned(),
            },
            Online::DropIndex {
                name: "a_c".to_owned(),
            },
        ];
        assert_eq!(online(sql), Ok(expected));
        assert!(online("-- online\nUPDATE a SET b = 1").is_err());
    }
}
