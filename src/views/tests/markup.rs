//! Just enough of an HTML reader to look at our own pages: every tag closed in its order, every
//! attribute quoted.

use std::collections::BTreeMap;

const VOID: &[&str] = &["meta", "link", "input", "img", "br"];

/// An element in the order of the document.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    /// The text right inside of it.
    pub(super) text: String,
    /// The form it is in.
    pub(super) form: Option<usize>,
}

impl Element {
    pub(super) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }
}

/// Reads a page, or says what is not well-formed.
pub(super) fn parse(html: &str) -> Result<Vec<Element>, String> {
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    while let Some(start) = rest.find('<') {
        if let Some(inner) = open.last() {
            elements[*inner].text.push_str(&unescape(&rest[..start])?);
        } else if !rest[..start].trim().is_empty() {
            return Err(format!("text outside: {:?}", &rest[..start]));
        }
        let end = rest[start..].find('>').ok_or("a tag without end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let inner = open
                .pop()
                .ok_or_else(|| format!("{name} closed, nothing open"))?;
            if elements[inner].name != name {
                return Err(format!("{} closed by {name}", elements[inner].name));
            }
            continue;
        }
        let element = parse_tag(
            tag,
            open.iter().rev().find(|i| elements[**i].name == "form"),
        )?;
        if !VOID.contains(&element.name.as_str()) {
            open.push(elements.len());
        }
        elements.push(element);
    }
    if !rest.trim().is_empty() {
        return Err(format!("text outside: {rest:?}"));
    }
    match open.last() {
        Some(inner) => Err(format!("{} is not closed", elements[*inner].name)),
        None => Ok(elements),
    }
}

fn parse_tag(tag: &str, form: Option<&usize>) -> Result<Element, String> {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    if name.is_empty()
        || !name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    {
        return Err(format!("no tag: <{tag}>"));
    }
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let stop = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(stop);
        if !attribute
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'-')
        {
            return Err(format!("no attribute: {attribute} in <{tag}>"));
        }
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or_else(|| format!("no quote: <{tag}>"))?,
            None if after.starts_with('=') => return Err(format!("not quoted: <{tag}>")),
            None => ("", after),
        };
        if attributes
            .insert(attribute.to_owned(), unescape(value)?)
            .is_some()
        {
            return Err(format!("{attribute} twice in <{tag}>"));
        }
        rest = after;
    }
    Ok(Element {
        name: name.to_owned(),
        attributes,
        text: String::new(),
        form: form.copied(),
    })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, after) = part
            .split_once(';')
            .ok_or_else(|| format!("bare & in {text:?}"))?;
        plain.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "#x27" => '\'',
            "#x2f" => '/',
            other => return Err(format!("unknown entity {other}")),
        });
        plain.push_str(after);
    }
    Ok(plain)
}

#[test]
fn the_reader_refuses_what_is_not_well_formed() {
    for bad in [
        "<p></b>",
        "<p>",
        "<p a=b></p>",
        "<p a=\"1\" a=\"2\"></p>",
        "<p>&x</p>",
        "x",
        "<P></P>",
    ] {
        assert!(parse(&format!("<!doctype html>{bad}")).is_err(), "{bad}");
    }
}
