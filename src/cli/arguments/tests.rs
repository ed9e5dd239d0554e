use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split_whitespace())
}

#[test]
fn the_grammar_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn reads_the_commands_that_others_rely_on() {
    for line in [
        "tongxing serve",
        "tongxing --config a.toml serve",
        "tongxing serve --set server.listen=127.0.0.1:1 --set log.level=debug",
        "tongxing demo --fresh",
        "tongxing migrate",
        "tongxing migrate --check",
        "tongxing backup /backups/today",
        "tongxing restore /backups/today",
        "tongxing restore /backups/old --despite-gaps",
        "tongxing restore --replay",
        "tongxing restore --replay /backups/today",
        "tongxing client add --metadata client.json",
        "tongxing client suspend abc --operator li --reason leak",
        "tongxing account import people.ndjson --rejects rejects.ndjson",
        "tongxing account show acc_0",
        "tongxing account show --document-number-file -",
        "tongxing account freeze --document-type passport --document-number-file n",
        "tongxing account remove acc_0 --operator li --reason asked",
        "tongxing keys rotate",
        "tongxing keys rotate --force --operator li --reason leak",
        "tongxing keys rewrap --operator li --reason yearly",
        "tongxing audit verify --head 00 --head @heads",
        "tongxing audit verify --export one.ndjson two.ndjson --key abc --key def",
        "tongxing audit export",
        "tongxing audit export --after 17:wri_0:1:x --to three.ndjson",
        "tongxing authority",
        "tongxing authority --listen 127.0.0.1:0 --seed 7 --people 0 --people-file p.ndjson",
        "tongxing authority --behavior no_record --delay-ms 20 --token-file token",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
    }
}

#[test]
fn refuses_what_says_too_little_or_too_much() {
    for line in [
        "tongxing",
        "tongxing client",
        "tongxing client add",
        "tongxing account show",
        "tongxing account show acc_0 --document-number-file n",
        "tongxing account remove acc_0 --operator li",
        "tongxing account remove acc_0 --reason asked",
        "tongxing serve now",
        "tongxing backup",
        "tongxing restore",
        "tongxing audit verify --key abc",
        "tongxing authority --behavior sometimes",
        "tongxing authority --people 1000001",
        "tongxing authority --delay-ms 600001",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn an_account_that_is_not_named_may_be_named_in_two_ways() {
    let told = parse("tongxing account show").unwrap_err().to_string();
    for way in ["ACCOUNT_ID", "--document-number-file"] {
        assert!(told.contains(way), "{told}");
    }
}
