//! A document's blocks of shell commands.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::text_of;

/// A document whose blocks are to be run, all of them.
pub(super) struct Document {
    path: &'static str,
    blocks: Vec<Block>,
    taken: RefCell<BTreeSet<usize>>,
}

/// What stands between fences.
struct Block {
    heading: String,
    language: String,
    text: String,
}

impl Document {
    /// A file of the package.
    pub(super) fn read(path: &'static str) -> Self {
        Self {
            path,
            blocks: blocks(&text_of(path)),
            taken: RefCell::default(),
        }
    }

    /// The block of that language, counted from 0, below the heading that begins so.
    pub(super) fn block(&self, heading: &str, language: &str, index: usize) -> String {
        let of_heading = |block: &Block| {
            block.language == language
                && block
                    .heading
                    .trim_start_matches('#')
                    .trim()
                    .starts_with(heading)
        };
        let mut found = (0..)
            .zip(&self.blocks)
            .filter(|(_, block)| of_heading(block));
        let (number, block) = found.nth(index).unwrap_or_else(|| {
            panic!(
                "{}: no {language} number {index} below {heading}",
                self.path
            )
        });
        self.taken.borrow_mut().insert(number);
        block.text.clone()
    }

    /// Shell commands.
    pub(super) fn commands(&self, heading: &str, index: usize) -> String {
        self.block(heading, "sh", index)
    }

    /// Every block of shell commands must have been taken.
    #[track_caller]
    pub(super) fn was_run(&self) {
        let taken = self.taken.borrow();
        let left = (0..).zip(&self.blocks);
        let left: Vec<&str> = left
            .filter(|(number, block)| block.language == "sh" && !taken.contains(number))
            .map(|(_, block)| block.text.as_str())
            .collect();
        assert!(left.is_empty(), "{}: nobody runs {left:#?}", self.path);
    }
}

/// Fences may be indented, as in a list; their text is then, too.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut heading, mut open) = (String::new(), None);
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let indent = line.len() - line.trim_start().len();
                open = Some(indent);
                blocks.push(Block {
                    heading: heading.clone(),
                    language: language.trim().to_owned(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => open = None,
            (Some(indent), None) => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line.get(*indent..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) if line.starts_with('#') => line.clone_into(&mut heading),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn blocks_are_found_by_heading_and_language() {
    let text = "# A\n```sh\none\n```\n## B\n1. x\n\n   ```sh\n   two\n     three\n   ```\n```json\n{}\n```\n";
    let document = Document {
        path: "a.md",
        blocks: blocks(text),
        taken: RefCell::default(),
    };
    assert_eq!(document.commands("A", 0), "one\n");
    assert_eq!(document.commands("B", 0), "two\n  three\n");
    document.was_run();
    assert_eq!(document.block("B", "json", 0), "{}\n");
}

#[test]
#[should_panic(expected = "nobody runs")]
fn a_block_that_nobody_runs_is_told() {
    Document {
        path: "a.md",
        blocks: blocks("# A\n```sh\none\n```\n"),
        taken: RefCell::default(),
    }
    .was_run();
}
