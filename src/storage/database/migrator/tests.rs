use super::*;

static THREE: Migrations = Migrations::new(
    "main",
    2,
    &[
        Migration::new("0001_a", "A"),
        Migration::new("0002_b", "B"),
        Migration::new("folder/0003_c", "-- online\nC"),
    ],
);

fn applied(number: i64, oldest_admitted: i64) -> Applied {
    Applied {
        number,
        checksum: THREE
            .list
            .iter()
            .find(|migration| migration.number == number)
            .map_or_else(|| "unknown".to_owned(), Migration::checksum),
        schema_name: "main".to_owned(),
        oldest_admitted,
    }
}

#[test]
fn migrations_come_in_order() {
    let first = THREE.next(&[]).unwrap().unwrap();
    assert_eq!((first.number, first.is_online()), (1, false));
    let third = THREE
        .next(&[applied(1, 1), applied(2, 1)])
        .unwrap()
        .unwrap();
    assert_eq!((third.number, third.is_online()), (3, true));
    let all = [applied(1, 1), applied(2, 1), applied(3, 2)];
    assert!(THREE.next(&all).unwrap().is_none());
}

#[test]
fn a_newer_schema_that_admits_this_binary_is_used() {
    assert_eq!(THREE.admit(&[applied(3, 2), applied(4, 3)]).unwrap(), 4);
    assert!(THREE.next(&[applied(4, 3)]).unwrap().is_none());
}

#[test]
fn who_may_go_on_after_a_migration_is_known_before_it() {
    assert!(!THREE.admits(1));
    assert!(THREE.admits(2) && THREE.admits(3));
}

#[test]
fn a_newer_schema_that_does_not_is_refused() {
    let refused = THREE.admit(&[applied(3, 2), applied(5, 4)]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "this binary knows schema 3, the database has 5, which admits binaries from 4"
    );
}

#[test]
fn another_schema_and_a_changed_file_are_refused() {
    let mut other = applied(1, 1);
    other.schema_name = "vault".to_owned();
    assert!(matches!(
        THREE.admit(&[other]),
        Err(OpenError::OtherSchema { .. })
    ));
    let mut changed = applied(1, 1);
    changed.checksum = "0".to_owned();
    assert!(matches!(
        THREE.admit(&[changed]),
        Err(OpenError::Changed { file: "0001_a" })
    ));
}
