//! Exports of the audit log: whole, in one order for everybody, and proof by themselves.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use tongxing::domain::id::{Id, WriterId};
use tongxing::ledger::audit::export::check::{Expected, ExportReport, KeysFrom, Source, check};
use tongxing::ledger::audit::export::{ExportError, Exported, Position, Signing, export};
use tongxing::ledger::audit::verify::ProblemKind;
use tongxing::ledger::{Heads, Ledger};
use tongxing::storage::Error;
use tongxing::storage::audit_cuts::{self, CutRow};
use tongxing::storage::migrations::MAIN;

use crate::harness::{Database, on_both, race};
use crate::ledger::{House, audit_key, record};

const ISSUER: &str = "https://id.example";

/// What a witness keeps.
struct Kept(Vec<u8>);

impl Source for Kept {
    fn name(&self) -> String {
        "kept.ndjson".to_owned()
    }

    fn open(&self) -> io::Result<Box<dyn BufRead>> {
        Ok(Box::new(io::Cursor::new(self.0.clone())))
    }
}

impl Kept {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn of(lines: &[String]) -> Self {
        Self(
            lines
                .iter()
                .flat_map(|line| format!("{line}\n").into_bytes())
                .collect(),
        )
    }
}

async fn try_export(
    house: &House,
    after: Option<&Position>,
) -> Result<(Kept, Exported), ExportError> {
    let mut output = Vec::new();
    let known = [house.key.public_jwk().clone()];
    let signing = Signing {
        known: &known,
        own: &house.key,
    };
    let exported = export(&house.process(), (ISSUER, after), &signing, &mut output).await?;
    Ok((Kept(output), exported))
}

async fn exported(house: &House, after: Option<&Position>) -> (Kept, Exported) {
    try_export(house, after).await.unwrap()
}

/// With the key that the witness knows.
fn verified(house: &House, files: &[&Kept]) -> ExportReport {
    let keys = BTreeSet::from([house.key.kid().to_owned()]);
    let expected = Expected {
        keys,
        heads: Heads::default(),
    };
    verified_as(files, &expected)
}

fn verified_as(files: &[&Kept], expected: &Expected) -> ExportReport {
    let sources: Vec<&dyn Source> = files.iter().map(|file| *file as &dyn Source).collect();
    check(&sources, expected).unwrap()
}

fn kinds(report: &ExportReport) -> Vec<ProblemKind> {
    report
        .report
        .problems
        .iter()
        .map(|problem| problem.kind)
        .collect()
}

/// A process with batches of three events each.
async fn sealed(house: &House, batches: usize) -> Ledger {
    let ledger = house.process();
    for _ in 0..batches {
        record(&ledger, 3).await;
        ledger.seal().await.unwrap();
    }
    ledger
}

fn cut(position: i64, writer: WriterId, (first, last): (i64, i64)) -> CutRow {
    CutRow {
        position,
        writer,
        first,
        last,
    }
}

on_both! {
    async fn what_chains_grew_by_is_cut_once(database: &Database) {
        let house = House::new(database).await;
        let storage = database.storage(&MAIN).await;
        let (one, other) = (sealed(&house, 2).await, sealed(&house, 1).await);
        let mut reader = storage.reader().await.unwrap();
        let mut writers = [(one.writer(), 2), (other.writer(), 1)];
        writers.sort();
        let expected = writers.map(|(writer, last)| cut(0, writer, (1, last)));
        assert_eq!(audit_cuts::uncut(&mut reader).await.unwrap(), expected);
        assert_eq!(audit_cuts::last_position(&mut reader).await.unwrap(), 0);
        let (writer, more) = (one.writer(), other.writer());
        let inserted: Result<Vec<bool>, Error> = storage
            .write((), move |tx, ()| {
                Box::pin(async move {
                    Ok(vec![
                        audit_cuts::insert(tx, &cut(1, writer, (1, 2))).await?,
                        audit_cuts::insert(tx, &cut(1, more, (1, 1))).await?,
                        audit_cuts::insert(tx, &cut(2, writer, (1, 1))).await?,
                    ])
                })
            })
            .await;
        assert_eq!(inserted.unwrap(), [true, false, false], "neither place nor batch twice");
        assert_eq!(audit_cuts::last_position(&mut reader).await.unwrap(), 1);
        let uncut = audit_cuts::uncut(&mut reader).await.unwrap();
        assert_eq!(uncut, [cut(0, more, (1, 1))]);
        let behind = audit_cuts::behind(&mut reader, 0, 9).await.unwrap();
        assert_eq!(behind, [cut(1, writer, (1, 2))]);
        assert_eq!(audit_cuts::behind(&mut reader, 1, 9).await.unwrap(), []);
    }

    async fn exports_go_on_from_each_other_and_miss_nothing(database: &Database) {
        let house = House::new(database).await;
        let nothing = exported(&house, None).await;
        assert_eq!((nothing.1.position, nothing.1.batches), (None, 0));
        let (one, other) = (sealed(&house, 3).await, sealed(&house, 2).await);
        record(&one, 2).await;
        let (first, begun) = exported(&house, None).await;
        assert_eq!((begun.batches, begun.events, begun.pending), (5, 15, 2));
        // Chains that were there go on, an older one last, and new ones come.
        other.link().await.unwrap().unwrap();
        let third = sealed(&house, 1).await;
        third.seal().await.unwrap();
        one.seal().await.unwrap();
        other.link().await.unwrap().unwrap();
        let (second, ended) = exported(&house, begun.position.as_ref()).await;
        assert_eq!((ended.batches, ended.events, ended.pending), (4, 5, 0));
        let (last, nothing) = exported(&house, ended.position.as_ref()).await;
        assert_eq!((nothing.batches, &nothing.position), (0, &ended.position));
        let report = verified(&house, &[&first, &second, &last]);
        assert!(report.report.ok, "{report:?}");
        let stored = house.verify(None).await;
        assert_eq!(report.report.batches, stored.batches);
        assert_eq!(report.report.events, stored.events);
        assert_eq!(report.report.head, stored.head);
        assert_eq!(report.position, ended.position.map(|position| position.to_string()));
        assert_eq!(report.keys_from, KeysFrom::Given);
        // Each by itself, and the same again in the same order.
        for file in [&first, &second, &last] {
            assert_eq!(kinds(&verified(&house, &[file])), []);
        }
        let (again, _) = exported(&house, begun.position.as_ref()).await;
        assert_eq!(again.lines(), second.lines());
        let (whole, _) = exported(&house, None).await;
        assert_eq!(kinds(&verified(&house, &[&whole])), []);
        assert_eq!(whole.lines().len(), first.lines().len() + second.lines().len() - 3);
    }

    async fn exports_at_once_have_one_order(database: &Database) {
        let house = House::new(database).await;
        sealed(&house, 2).await;
        let (storage, clock) = (house.storage.clone(), house.clock.clone());
        let key = std::sync::Arc::clone(&house.key);
        let outputs = race(6, move |_| {
            let ledger = crate::ledger::process(storage.clone(), &clock);
            ledger.sign_audit_with(std::sync::Arc::clone(&key));
            let key = std::sync::Arc::clone(&key);
            async move {
                record(&ledger, 1).await;
                ledger.seal().await.unwrap();
                let known = [key.public_jwk().clone()];
                let signing = Signing { known: &known, own: &key };
                let mut output = Vec::new();
                export(&ledger, (ISSUER, None), &signing, &mut output).await.unwrap();
                Kept(output)
            }
        })
        .await;
        let (whole, _) = exported(&house, None).await;
        let whole: Vec<String> = whole.lines();
        for output in &outputs {
            assert_eq!(kinds(&verified(&house, &[output])), []);
            let lines = output.lines();
            assert_eq!(whole[..lines.len() - 1], lines[..lines.len() - 1]);
        }
    }

    async fn a_position_of_a_log_that_was_put_back_is_refused(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house, 3).await;
        let (_, done) = exported(&house, None).await;
        let position = done.position.unwrap();
        assert_eq!(position.to_string().parse(), Ok(position.clone()));
        let sql = "DELETE FROM audit_cuts WHERE writer = $1";
        house.tamper(sql, ledger.writer()).await;
        let refused = try_export(&house, Some(&position)).await.err().unwrap();
        assert!(matches!(refused, ExportError::NotHeld), "{refused}");
        exported(&house, None).await;
        assert!(try_export(&house, Some(&position)).await.is_ok(), "the same order again");
        let sql = "UPDATE audit_batches SET at = at + 1 WHERE writer = $1 AND number = 3";
        house.tamper(sql, ledger.writer()).await;
        assert!(matches!(try_export(&house, Some(&position)).await, Err(ExportError::NotHeld)));
    }

    async fn every_line_that_is_missing_moved_or_changed_is_found(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (sealed(&house, 2).await, sealed(&house, 1).await);
        one.link().await.unwrap();
        record(&other, 2).await;
        other.seal().await.unwrap();
        let (kept, _) = exported(&house, None).await;
        let lines = kept.lines();
        assert_eq!(kinds(&verified(&house, &[&kept])), []);
        for at in 0..lines.len() {
            let mut less = lines.clone();
            less.remove(at);
            assert_ne!(kinds(&verified(&house, &[&Kept::of(&less)])), [], "{}", lines[at]);
            let mut twice = lines.clone();
            twice.insert(at, lines[at].clone());
            assert_ne!(kinds(&verified(&house, &[&Kept::of(&twice)])), [], "{}", lines[at]);
            let mut moved = lines.clone();
            moved.swap(at, (at + 1) % lines.len());
            assert_ne!(kinds(&verified(&house, &[&Kept::of(&moved)])), [], "{}", lines[at]);
            for (place, byte) in lines[at].bytes().enumerate().step_by(11) {
                let other = if byte == b'1' { '2' } else { '1' };
                let mut changed = lines.clone();
                changed[at].replace_range(place..=place, &other.to_string());
                let report = verified(&house, &[&Kept::of(&changed)]);
                assert_ne!(kinds(&report), [], "{}", changed[at]);
            }
        }
        // What is changed shows where.
        let at = lines.iter().position(|line| line.contains("\"pwd\"") || line.contains("pwd"));
        let mut changed = lines.clone();
        changed[at.unwrap()] = lines[at.unwrap()].replace("pwd", "otp");
        let found = kinds(&verified(&house, &[&Kept::of(&changed)]));
        assert_eq!(found, [ProblemKind::EventsChanged, ProblemKind::ExportIncomplete]);
        for end in [&lines[..lines.len() - 1], &lines[..1], &[]] {
            let found = kinds(&verified(&house, &[&Kept::of(end)]));
            assert!(found.contains(&ProblemKind::ExportIncomplete), "{found:?}");
        }
    }

    async fn a_file_that_is_left_out_or_moved_is_found(database: &Database) {
        let house = House::new(database).await;
        let ledger = sealed(&house, 1).await;
        let mut files = Vec::new();
        let mut after = None;
        for _ in 0..3 {
            let (kept, done) = exported(&house, after.as_ref()).await;
            files.push(kept);
            after = done.position;
            record(&ledger, 1).await;
            ledger.seal().await.unwrap();
        }
        let [one, two, three] = &files[..] else { panic!("three files") };
        assert_eq!(kinds(&verified(&house, &[one, two, three])), []);
        assert_eq!(kinds(&verified(&house, &[two, three])), []);
        let found = kinds(&verified(&house, &[one, three]));
        assert_eq!(found, [ProblemKind::ExportGap, ProblemKind::BatchMissing]);
        let found = kinds(&verified(&house, &[one, three, two]));
        assert!(found.contains(&ProblemKind::ExportGap), "{found:?}");
    }

    async fn another_key_proves_nothing_to_who_named_one(database: &Database) {
        let house = House::new(database).await;
        sealed(&house, 1).await;
        let (kept, _) = exported(&house, None).await;
        let by_itself = verified_as(&[&kept], &Expected::default());
        assert!(by_itself.report.ok);
        assert_eq!(by_itself.keys_from, KeysFrom::File);
        assert_eq!(by_itself.report.keys, [house.key.kid()]);
        let keys = BTreeSet::from([audit_key().kid().to_owned()]);
        let expected = Expected { keys, heads: Heads::default() };
        let found = kinds(&verified_as(&[&kept], &expected));
        assert_eq!(found, [ProblemKind::KeyUnknown, ProblemKind::KeyUnknown]);
        // A key by the name of another.
        let forger = audit_key();
        let planted = serde_json::to_string(forger.public_jwk())
            .unwrap()
            .replace(forger.kid(), house.key.kid());
        let mut lines = kept.lines();
        let at = lines.iter().position(|line| line.contains("\"key\"")).unwrap();
        lines[at] = format!("{{\"type\":\"key\",\"jwk\":{planted}}}");
        let found = kinds(&verified(&house, &[&Kept::of(&lines)]));
        assert_eq!(found[0], ProblemKind::LineMalformed);
        assert!(found.contains(&ProblemKind::KeyUnknown));
    }

    async fn a_tail_that_is_cut_off_before_the_export_is_found(database: &Database) {
        let house = House::new(database).await;
        let (one, other) = (sealed(&house, 3).await, sealed(&house, 1).await);
        let noted: Heads = house.verify(None).await.head.unwrap().parse().unwrap();
        other.link().await.unwrap().unwrap();
        for sql in [
            "DELETE FROM audit_batches WHERE writer = $1 AND number >= 3",
            "DELETE FROM audit_events WHERE writer = $1 AND seq >= 7",
        ] {
            house.tamper(sql, one.writer()).await;
        }
        let (kept, _) = exported(&house, None).await;
        // By the link, and by who noted the heads.
        assert_eq!(kinds(&verified(&house, &[&kept])), [ProblemKind::HeadMissing]);
        let keys = BTreeSet::from([house.key.kid().to_owned()]);
        let found = kinds(&verified_as(&[&kept], &Expected { keys, heads: noted }));
        assert_eq!(found, [ProblemKind::HeadMissing; 2]);
    }
}

#[test]
fn what_is_no_position_is_refused() {
    let head = format!("{}:3:{}", Id::from_u128(1) as WriterId, "A".repeat(43));
    assert!(format!("17:{head}").parse::<Position>().is_ok());
    for bad in [
        "",
        "17",
        &head,
        &format!("+17:{head}"),
        &format!("17:{head}x"),
        "17:wri_1:1:x",
    ] {
        assert!(bad.parse::<Position>().is_err(), "{bad}");
    }
}
