use super::*;
use crate::crypto::entropy::{SeededEntropy, SystemEntropy};

fn text(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[test]
fn a_key_is_read_in_every_spelling() {
    let spellings = [
        "fbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbef",
        "FBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEF\n",
        "++++++++++++++++++++++++++++++++++++++++++8=",
        "------------------------------------------8",
    ];
    let prints: Vec<String> = spellings
        .iter()
        .map(|spelling| {
            let key = MasterKey::from_text(&text(spelling)).expect("a key");
            key.fingerprint()
        })
        .collect();
    assert_eq!(prints, vec!["TBP-NMGqW66XMMYx"; 4]);
}

#[test]
fn other_text_is_no_key() {
    let long = "A".repeat(44);
    let hex = "g".repeat(64);
    for other in ["", "secret", &long, &hex, &long[..42]] {
        let refused = MasterKey::from_text(&text(other));
        assert!(matches!(refused, Err(CustodyError::Malformed)));
    }
}

#[test]
fn a_file_is_made_once_for_its_owner_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys/master");
    assert!(MasterKey::read(&path).is_err());
    let first = MasterKey::read_or_create(&path, &SystemEntropy).expect("made");
    let again = MasterKey::read_or_create(&path, &SystemEntropy).expect("read");
    assert_eq!(first.fingerprint(), again.fingerprint());
    let names = fs::read_dir(folder.path().join("keys")).expect("listed");
    assert_eq!(names.count(), 1, "no draft is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_race_to_make_the_file_has_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = &folder.path().join("master");
    let prints: Vec<String> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| MasterKey::read_or_create(path, &SystemEntropy)))
            .collect();
        let keys = racers.into_iter().map(|racer| racer.join().expect("ends"));
        keys.map(|key| key.expect("a key").fingerprint()).collect()
    });
    assert!(prints.iter().all(|print| *print == prints[0]));
}

#[test]
fn a_damaged_file_is_an_error_and_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("master");
    fs::write(&path, "").expect("written");
    let refused = MasterKey::read_or_create(&path, &SystemEntropy);
    assert!(matches!(refused, Err(CustodyError::Malformed)));
    assert_eq!(fs::read(&path).expect("there"), b"");
}

#[test]
fn wraps_and_seals() {
    let entropy = SeededEntropy::new(1);
    let master = MasterKey::from_text(&text(&"ab".repeat(32))).expect("a key");
    let key = DataKey::generate(&entropy);
    let wrapped = master.wrap("bucket:1", &key, &entropy).expect("wraps");
    let unwrapped = master.unwrap_key("bucket:1", &wrapped).expect("unwraps");
    assert_eq!(unwrapped.bytes(), key.bytes());
    assert!(master.unwrap_key("bucket:2", &wrapped).is_none());
    let sealed = master.seal("signing:1", b"pkcs8", &entropy).expect("seals");
    let opened = master.open("signing:1", &sealed).expect("opens");
    assert_eq!(*opened, b"pkcs8");
}

#[test]
fn another_key_opens_and_never_wraps() {
    let entropy = SeededEntropy::new(1);
    let of = |digits: &str| MasterKey::from_text(&text(&digits.repeat(32))).expect("a key");
    let both = of("ab").with_other(of("cd"));
    assert_eq!(both.other_fingerprint(), Some(of("cd").fingerprint()));
    let key = DataKey::generate(&entropy);
    let old = of("cd").wrap("bucket:1", &key, &entropy).expect("wraps");
    let sealed = of("cd").seal("keys:1", b"pkcs8", &entropy).expect("seals");
    assert!(both.unwrap_key("bucket:1", &old).is_some());
    assert!(both.open("keys:1", &sealed).is_some());
    let new = both.wrap("bucket:1", &key, &entropy).expect("wraps");
    assert!(of("cd").unwrap_key("bucket:1", &new).is_none());
    assert!(of("ab").unwrap_key("bucket:1", &new).is_some());
    assert_eq!(of("ab").with_other(of("ab")).other_fingerprint(), None);
}

#[test]
fn what_the_other_key_opens_comes_under_the_current_one() {
    let entropy = SeededEntropy::new(1);
    let of = |digits: &str| MasterKey::from_text(&text(&digits.repeat(32))).expect("a key");
    let both = of("ab").with_other(of("cd"));
    let key = DataKey::generate(&entropy);
    let old = of("cd").wrap("bucket:1", &key, &entropy).expect("wraps");
    let Ok(Rewrapped::Anew(new)) = both.rewrap_key("bucket:1", &old, &entropy) else {
        panic!("it lies under the other");
    };
    let opened = of("ab").unwrap_key("bucket:1", &new).expect("unwraps");
    assert_eq!(opened.bytes(), key.bytes());
    let again = both.rewrap_key("bucket:1", &new, &entropy);
    assert_eq!(again, Ok(Rewrapped::Current));
    let elsewhere = both.rewrap_key("bucket:2", &old, &entropy);
    assert_eq!(elsewhere, Err(RewrapError::Unopened));
    let sealed = of("cd").seal("keys:1", b"pkcs8", &entropy).expect("seals");
    let Ok(Rewrapped::Anew(new)) = both.reseal("keys:1", &sealed, &entropy) else {
        panic!("it lies under the other");
    };
    assert_eq!(*of("ab").open("keys:1", &new).expect("opens"), b"pkcs8");
    assert_eq!(
        both.reseal("keys:1", &new, &entropy),
        Ok(Rewrapped::Current)
    );
    let stranger = of("ef").reseal("keys:1", &new, &entropy);
    assert_eq!(stranger, Err(RewrapError::Unopened));
}
