//! An error code that nothing sends is none: its page would explain what does not happen.

use crate::source::{Source, assert_found, assert_none, program};

/// The enums of codes, and the files that list them.
const CODES: [(&str, &str); 2] = [
    ("ErrorCode", "src/protocol/error.rs"),
    ("PageCode", "src/views/error_code.rs"),
];

/// Where codes are put into words: whoever explains a code does not send it.
const WORDS: &str = "src/views/";

/// The codes that a file lists, with their lines.
fn listed<'a>(source: &'a Source, codes: &str) -> Vec<(usize, &'a str)> {
    let head = format!("    {codes};");
    (1..)
        .zip(source.text.lines())
        .skip_while(|(_, line)| *line != head)
        .take_while(|(_, line)| *line != "}")
        .filter_map(|(number, line)| Some((number, line.split_once(" = \"")?.0.trim())))
        .collect()
}

fn is_sent(code: (&str, &str), sources: &[Source]) -> bool {
    sources.iter().any(|source| {
        let tokens = source.tokens.windows(3);
        !source.path.starts_with(WORDS)
            && tokens.into_iter().any(|tokens| {
                let [codes, colons, variant] = tokens else {
                    return false;
                };
                colons.text == "::" && (codes.text.as_str(), variant.text.as_str()) == code
            })
    })
}

fn unsent(codes: (&str, &str), sources: &[Source]) -> Vec<String> {
    let (name, path) = codes;
    let Some(list) = sources.iter().find(|source| source.path == path) else {
        return vec![format!("{path} is not there")];
    };
    let listed = listed(list, name);
    if listed.is_empty() {
        return vec![format!("{path} lists no {name}")];
    }
    listed
        .into_iter()
        .filter(|(_, code)| !is_sent((name, code), sources))
        .map(|(line, code)| list.fault(line, &format!("nothing sends {name}::{code}")))
        .collect()
}

#[test]
fn every_code_is_sent_by_something() {
    let sources = program();
    let faults: Vec<String> = CODES
        .into_iter()
        .flat_map(|codes| unsent(codes, &sources))
        .collect();
    assert_none(&faults);
}

#[test]
fn a_code_that_nothing_sends_is_found() {
    let list = "error_codes! {\n    /// Codes.\n    C;\n\n    /// One.\n    One = \"one\",\n    \
                /// Two.\n    Two = \"two\",\n}\n\nfn f() -> C {\n    Self::Two\n}\n";
    let sources = [
        Source::new("src/protocol/c.rs", list),
        Source::new("src/views/a.rs", "fn f() { C::One; C::Two; }"),
        Source::new(
            "src/http/a.rs",
            "fn f() { C::One } // C::Two\n#[cfg(test)]\nmod tests { fn g() { C::Two } }",
        ),
    ];
    let faults = unsent(("C", "src/protocol/c.rs"), &sources);
    assert_found(&faults, "src/protocol/c.rs:8: nothing sends C::Two");
    assert_eq!(faults.len(), 1);
    assert_found(&unsent(("D", "src/protocol/c.rs"), &sources), "lists no D");
    assert_found(&unsent(("C", "src/gone.rs"), &sources), "is not there");
}
