//! Links of documents lead somewhere: to a file that is committed and, behind `#`, to a heading.
//!
//! Documents are read as Markdown as far as they use it; a heading is called as GitHub calls it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::source::{Source, assert_found, assert_none, root};

/// What is committed, and the headings of each document.
struct Tree {
    files: BTreeSet<String>,
    headings: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    fn of(files: BTreeSet<String>, documents: &[Source]) -> Self {
        let headings = documents
            .iter()
            .map(|document| (document.path.clone(), anchors(document)))
            .collect();
        Self { files, headings }
    }

    fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let inside = |file: &String| file.starts_with(&folder);
        path.is_empty() || self.files.contains(path) || self.files.iter().any(inside)
    }

    /// What is wrong with a link that stands in the document at `from`.
    fn fault(&self, from: &str, link: &str) -> Option<String> {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() {
            Some(from.to_owned())
        } else {
            resolved(from, path)
        };
        let Some(target) = target.filter(|target| self.has(target)) else {
            return Some(format!("{link} leads to no committed file"));
        };
        let headings = self.headings.get(&target);
        let is_there = anchor.is_empty() || headings.is_some_and(|all| all.contains(anchor));
        (!is_there).then(|| format!("{link} leads to no heading"))
    }
}

/// A path from the root, for one that is seen from a document; none outside of the root.
fn resolved(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines that are text, with what stands in code quotes left out: links in code are not links.
fn prose(document: &Source) -> Vec<(usize, String)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(document.text.lines()) {
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, Some(mark)) => fence = Some(mark),
            (None, None) => lines.push((number, line.to_owned())),
            (Some(_), _) => {}
        }
    }
    lines
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The targets of links and pictures, with their lines.
fn links(document: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(document) {
        let line = without_code(&line);
        let inline = line.split("](").skip(1).filter_map(|rest| {
            let target = rest.split(')').next()?;
            target.split_whitespace().next()
        });
        // A link that is defined apart: `[name]: target`.
        let apart = line.strip_prefix('[').and_then(|rest| {
            let (_, target) = rest.split_once("]: ")?;
            target.split_whitespace().next()
        });
        let attributes = ["src=\"", "href=\""].into_iter().flat_map(|attribute| {
            let rests = line.split(attribute).skip(1);
            rests.filter_map(|rest| rest.split('"').next())
        });
        let targets = inline.chain(apart).chain(attributes);
        let targets = targets.map(|target| target.trim_matches(['<', '>']));
        found.extend(
            targets
                .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
                .map(|target| (number, target.to_owned())),
        );
    }
    found
}

/// The names of a document's headings.
fn anchors(document: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, line) in prose(document) {
        let heading = line.trim_start_matches('#');
        let depth = line.len() - heading.len();
        if !(1..=6).contains(&depth) || !heading.starts_with(' ') {
            continue;
        }
        let name = slug(heading.trim());
        // Of two headings alike, the second is called `…-1`.
        let again = (1..).map(|count| format!("{name}-{count}"));
        let mut candidates = std::iter::once(name.clone()).chain(again);
        names.extend(candidates.find(|name| !names.contains(name)));
    }
    names
}

/// Small letters and digits of any script, `_` and `-`; a space becomes `-`, all else is left out.
fn slug(heading: &str) -> String {
    let mut text = String::new();
    // Of a link in a heading, only its words are there.
    for (index, part) in heading.split("](").enumerate() {
        let words = if index == 0 {
            part
        } else {
            part.split_once(')').map_or("", |(_, words)| words)
        };
        text.push_str(words);
    }
    text.to_lowercase()
        .chars()
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            '-' | '_' => Some(sign),
            _ => sign.is_alphanumeric().then_some(sign),
        })
        .collect()
}

fn broken(documents: &[Source], tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for document in documents {
        for (line, link) in links(document) {
            let fault = tree.fault(&document.path, &link);
            faults.extend(fault.map(|what| document.fault(line, &what)));
        }
    }
    faults
}

/// What git knows of; where there is no git, what lies there.
fn committed() -> BTreeSet<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|listed| listed.status.success());
    let Some(listed) = listed else {
        let mut files = BTreeSet::new();
        lying("", &mut files);
        return files;
    };
    let listed = String::from_utf8(listed.stdout).expect("UTF-8 names");
    let names = listed.split('\0').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn lying(folder: &str, files: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}{name}");
        if entry.file_type().expect("its type").is_file() {
            files.insert(path);
        } else if !["target", "node_modules", ".git"].contains(&&*name) {
            lying(&format!("{path}/"), files);
        }
    }
}

#[test]
fn every_link_leads_to_a_committed_file_and_every_anchor_to_a_heading() {
    let files = committed();
    let documents: Vec<Source> = files
        .iter()
        .filter(|path| Path::new(path).extension().is_some_and(|e| e == "md"))
        .map(|path| {
            let text = std::fs::read_to_string(root().join(path)).expect("the document");
            Source::new(path, &text)
        })
        .collect();
    let count: usize = documents.iter().map(|document| links(document).len()).sum();
    assert!(count > 50, "only {count} links were found");
    assert_none(&broken(&documents, &Tree::of(files, &documents)));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let good = "# 概览\n\n## A `b` & c: [d](e.md)\n\n## 密钥，轮换（一）\n## Twice\n## Twice\n\n\
                [a](../README.md) ![b](p/a.png \"title\") [c](#a-b--c-d) [d](b.md#密钥轮换一)\n\
                [e](#twice-1) [f](https://a.example/#x) `[g](gone.md)` [h](p) [i](<b.md>)\n\
                [j]: b.md#概览\n```md\n# Not one\n[k](gone.md)\n```\n";
    let bad = "# A\n\n[a](gone.md)\n![b](p/gone.png)\n[c](#gone)\n[d](../../out.md)\n\
               [e](b.md#not-one)\n[f](p/a.png#a) [[g](b.md)](gone)\n[h]: gone.md\n<img src=\"no.png\">";
    let files = [
        "README.md",
        "docs/b.md",
        "docs/c.md",
        "docs/e.md",
        "docs/p/a.png",
    ];
    let files = files.into_iter().map(str::to_owned).collect();
    let documents = [
        Source::new("docs/b.md", good),
        Source::new("docs/c.md", bad),
    ];
    let tree = Tree::of(files, &documents);
    let faults = broken(&documents, &tree);
    for (line, link) in [
        (3, "gone.md"),
        (4, "p/gone.png"),
        (5, "#gone"),
        (6, "../../out.md"),
        (7, "b.md#not-one"),
        (8, "p/a.png#a"),
        (8, "gone"),
        (9, "gone.md"),
        (10, "no.png"),
    ] {
        assert_found(&faults, &format!("docs/c.md:{line}: {link} leads to no"));
    }
    assert_eq!(faults.len(), 9, "{faults:?}");
}
