//! What the sources must keep, whoever writes them: the order of layers, the home of each engine,
//! the size of files, the portable subset of SQL, and documents that name only what exists.
//!
//! Each rule is a function from sources to faults, so that each has a test on the tree and a test
//! on a small bad sample that shows it can fail. `ARCHITECTURE.md` gives the reasons.

#[cfg(test)]
#[path = "architecture/codes.rs"]
mod codes;
#[cfg(test)]
#[path = "architecture/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "architecture/homes.rs"]
mod homes;
#[cfg(test)]
#[path = "architecture/layers.rs"]
mod layers;
#[cfg(test)]
#[path = "architecture/limits.rs"]
mod limits;
#[cfg(test)]
#[path = "architecture/links.rs"]
mod links;
#[cfg(test)]
#[path = "architecture/migrations.rs"]
mod migrations;
#[cfg(test)]
#[path = "architecture/settings.rs"]
mod settings;
#[cfg(test)]
#[path = "architecture/source.rs"]
mod source;
