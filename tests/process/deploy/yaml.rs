//! The part of YAML that the examples are written in: mappings and lists by indentation, anchors and
//! merged mappings, lists and mappings in one line, literal blocks, plain and double-quoted scalars.
//! What it does not know it refuses, so that the examples stay in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a text says. Scalars are texts, whatever they look like.
pub(super) fn parse(text: &str) -> Value {
    let lines = text.lines().map(without_comment);
    let mut reader = Reader {
        lines: lines.collect(),
        at: 0,
        anchors: BTreeMap::new(),
    };
    let value = reader.value(0);
    assert_eq!(reader.peek(), None, "line {}", reader.at + 1);
    value
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    anchors: BTreeMap<String, Value>,
}

/// A comment begins a line, or stands after a space; a `#` in quotes is none.
fn without_comment(line: &str) -> &str {
    let mut is_quoted = false;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted && before == ' ' => return line[..at].trim_end(),
            _ => {}
        }
        before = c;
    }
    line.trim_end()
}

impl<'a> Reader<'a> {
    /// The next line that says something, and how far it is indented.
    fn peek(&mut self) -> Option<(usize, &'a str)> {
        while self
            .lines
            .get(self.at)
            .is_some_and(|line| line.trim().is_empty())
        {
            self.at += 1;
        }
        let line = self.lines.get(self.at)?;
        let text = line.trim_start();
        Some((line.len() - text.len(), text))
    }

    /// What is indented at least so far.
    fn value(&mut self, least: usize) -> Value {
        match self.peek() {
            Some((indent, text)) if indent >= least && text.starts_with("- ") => self.list(indent),
            Some((indent, _)) if indent >= least => self.mapping(indent),
            _ => Value::Null,
        }
    }

    fn list(&mut self, indent: usize) -> Value {
        let mut items = Vec::new();
        while let Some((found, text)) = self.peek() {
            let Some(item) = text.strip_prefix("- ").filter(|_| found == indent) else {
                assert!(found < indent, "line {}: {text}", self.at + 1);
                break;
            };
            if key_of(item).is_some() {
                // The mapping begins behind the dash.
                items.push(self.mapping_after_dash(indent + 2, item));
            } else {
                self.at += 1;
                items.push(self.inline(item));
            }
        }
        Value::Array(items)
    }

    fn mapping_after_dash(&mut self, indent: usize, first: &'a str) -> Value {
        let mut members = Map::new();
        self.member(&mut members, indent, first);
        self.members(&mut members, indent);
        Value::Object(members)
    }

    fn mapping(&mut self, indent: usize) -> Value {
        let mut members = Map::new();
        self.members(&mut members, indent);
        Value::Object(members)
    }

    fn members(&mut self, members: &mut Map<String, Value>, indent: usize) {
        while let Some((found, text)) = self.peek() {
            if found < indent || text.starts_with("- ") {
                break;
            }
            assert_eq!(found, indent, "line {}: {text}", self.at + 1);
            self.member(members, indent, text);
        }
    }

    fn member(&mut self, members: &mut Map<String, Value>, indent: usize, text: &'a str) {
        let (key, rest) = key_of(text).unwrap_or_else(|| panic!("line {}: {text}", self.at + 1));
        self.at += 1;
        let (anchor, rest) = match rest.strip_prefix('&') {
            Some(named) => {
                let (name, rest) = named.split_once(' ').unwrap_or((named, ""));
                (Some(name), rest)
            }
            None => (None, rest),
        };
        let value = match rest {
            "" => {
                let is_list = self
                    .peek()
                    .is_some_and(|(found, text)| found == indent && text.starts_with("- "));
                self.value(if is_list { indent } else { indent + 1 })
            }
            "|" => self.literal(indent),
            rest => self.inline(rest),
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.to_owned(), value.clone());
        }
        if key == "<<" {
            let merged = value.as_object().expect("a mapping is merged").clone();
            for (key, value) in merged {
                members.entry(key).or_insert(value);
            }
        } else {
            members.insert(key.to_owned(), value);
        }
    }

    fn literal(&mut self, indent: usize) -> Value {
        let mut text = String::new();
        while let Some((found, line)) = self.peek() {
            if found <= indent {
                break;
            }
            text.push_str(line);
            text.push('\n');
            self.at += 1;
        }
        Value::String(text)
    }

    /// What stands in one line.
    fn inline(&self, text: &str) -> Value {
        if let Some(name) = text.strip_prefix('*') {
            return self
                .anchors
                .get(name)
                .unwrap_or_else(|| panic!("no anchor {name}"))
                .clone();
        }
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
        {
            return Value::Array(items(inner).map(|item| self.inline(item)).collect());
        }
        if let Some(inner) = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            let members = items(inner).map(|item| {
                let (key, value) = key_of(item).unwrap_or_else(|| panic!("{item}"));
                (key.to_owned(), self.inline(value))
            });
            return Value::Object(members.collect());
        }
        let quoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let plain = quoted.unwrap_or_else(|| {
            assert!(
                !text.starts_with(['\'', '|', '>', '!', '%', '@', '`', '"']),
                "{text}"
            );
            assert!(!text.contains(": "), "{text}");
            text
        });
        assert!(!plain.contains(['"', '\\']), "{text}");
        Value::String(plain.to_owned())
    }
}

/// Of a list or mapping in one line; nothing in it is nested.
fn items(inner: &str) -> impl Iterator<Item = &str> {
    inner
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// `key: value`, or `key:`.
fn key_of(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text
        .split_once(": ")
        .or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let is_key = |c: char| c.is_ascii_alphanumeric() || "_-.<".contains(c);
    key.chars().all(is_key).then(|| (key, value.trim()))
}

#[test]
fn the_examples_part_of_yaml_is_read() {
    let text = "# a\nx-b: &b\n  one: \"a # b\"   # c\n  list: [d, \"e:f\"]\n\nf:\n  <<: *b\n  one: g\n  deep:\n    - h: i\n      j: |\n        sum(k) > 1\n    - l:m\n  n: { o: p, q: r }\n  s:\n  - t\n";
    let value = parse(text);
    assert_eq!(
        value["f"],
        serde_json::json!({
            "one": "g", "list": ["d", "e:f"], "n": {"o": "p", "q": "r"}, "s": ["t"],
            "deep": [{"h": "i", "j": "sum(k) > 1\n"}, "l:m"],
        })
    );
    assert_eq!(value["x-b"]["one"], "a # b");
}
