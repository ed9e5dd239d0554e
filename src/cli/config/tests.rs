use std::ffi::OsString;
use std::time::Duration;

use super::*;
use crate::crypto::entropy::SystemEntropy;

fn load(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.toml");
    std::fs::write(&path, file).unwrap();
    let sources = Sources {
        file: Some(path),
        environment: environment
            .iter()
            .map(|&(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
        assignments: flags.iter().map(|&flag| flag.to_owned()).collect(),
    };
    Config::load(&sources).map_err(|problems| problems.to_string())
}

fn refused(path: &str, value: &str) -> String {
    load("", &[], &[&format!("{path}={value}")]).expect_err(path)
}

#[test]
fn with_nothing_configured_it_is_a_loopback_server_on_sqlite() {
    let config = Config::load(&Sources::default()).unwrap();
    assert_eq!(config.server.issuer.as_str(), "http://localhost:8080");
    assert!(config.server.issuer.is_loopback());
    assert_eq!(config.database.url.to_string(), "sqlite:data/tongxing.db");
    assert_eq!(config.vault.url.to_string(), "sqlite:data/vault.db");
    assert!(matches!(
        config.vault.master_key,
        MasterKeySource::BesideVault(path) if path.ends_with("data/master.key")
    ));
    assert_eq!(config.lifetimes.access_token, Duration::from_mins(5));
    assert!(config.login.password.threads > 0);
    assert!(config.tls.is_none());
}

#[test]
fn later_layers_win() {
    let file = "[server]\nlisten = '127.0.0.1:1'\nmax_connections = 5\n[log]\nlevel = 'warn'";
    let environment = [
        ("TONGXING__SERVER__LISTEN", "127.0.0.1:2"),
        ("TONGXING__LOGIN__PASSWORD__MEMORY_KIB", "64"),
        ("TONGXING__OUTBOUND__ALLOW_LOOPBACK", "true"),
        ("TONGXING__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("TONGXING__REDIS__URL", ""),
        ("PATH", "/bin"),
    ];
    let config = load(file, &environment, &["server.listen=127.0.0.1:3"]).unwrap();
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.max_connections, 5);
    assert_eq!(config.log.level, tracing::Level::WARN);
    assert_eq!(config.login.password.memory_kib, 64);
    let reach = crate::outbound::Reach::new(crate::outbound::Loopback::Allowed, Vec::new());
    assert_eq!(config.outbound.reach, reach);
    assert_eq!(config.server.trusted_proxies.len(), 2);
}

#[test]
fn all_problems_are_told_at_once_with_path_and_origin() {
    let file = "surprise = 1\n[server]\nlisten = 8080\nno_such = 1\n[tls]\nkey = 'k.pem'";
    let environment = [
        ("TONGXING__SERVER__NO_SUCH_SETTING", "1"),
        ("TONGXING__LIFETIMES__CODE_SECONDS", "61"),
        ("TONGXING__LOG", "x"),
    ];
    let problems = load(file, &environment, &["log.format=xml", "nonsense"]).unwrap_err();
    for part in [
        "9 problems",
        "t.toml): must be text",
        "surprise (from ",
        "server.no_such (from ",
        "server.no_such_setting (from TONGXING__SERVER__NO_SUCH_SETTING): unknown setting",
        "lifetimes.code_seconds (from TONGXING__LIFETIMES__CODE_SECONDS): must be from 1 to 60",
        "log (from TONGXING__LOG): is a section, not a setting",
        "log.format (from --set): must be one of: human, json",
        "tls.certificate",
    ] {
        assert!(problems.contains(part), "{part} in\n{problems}");
    }
}

#[test]
fn a_single_problem_is_one_line() {
    let problem = load("", &[("TONGXING__SERVER__NO_SUCH_SETTING", "1")], &[]).unwrap_err();
    assert_eq!(
        problem,
        "configuration: server.no_such_setting \
         (from TONGXING__SERVER__NO_SUCH_SETTING): unknown setting"
    );
}

#[test]
fn who_nearly_named_a_setting_is_told_its_name() {
    let environment = [("TONGXING__SEVER__LISTEN", "127.0.0.1:1")];
    for problem in [
        load("[server]\nisuer = 'http://localhost'", &[], &[]),
        load("", &environment, &[]),
        load("", &[], &["log.levle=info"]),
    ] {
        let problem = problem.unwrap_err();
        let meant = ["server.issuer?", "server.listen?", "log.level?"];
        assert!(
            meant
                .iter()
                .any(|name| problem.ends_with(&format!("did you mean {name}"))),
            "{problem}"
        );
    }
}

#[test]
fn a_file_that_is_missing_or_broken_is_told_without_quoting_it() {
    let sources = Sources {
        file: Some("/nonexistent/t.toml".into()),
        ..Sources::default()
    };
    let problem = Config::load(&sources).unwrap_err().to_string();
    assert!(
        problem.contains("/nonexistent/t.toml: cannot be read"),
        "{problem}"
    );
    let problem = load("[vault]\nmaster_key = 'hunter2\n", &[], &[]).unwrap_err();
    assert!(problem.contains("line 2"), "{problem}");
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn the_issuer_is_a_bare_https_origin_unless_loopback() {
    for issuer in [
        "https://id.example.gov.cn",
        "https://id.example:8443",
        "http://localhost:1",
        "http://zhejiang.localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]:1",
    ] {
        assert!(
            load("", &[], &[&format!("server.issuer={issuer}")]).is_ok(),
            "{issuer}"
        );
    }
    for issuer in [
        "http://id.example.gov.cn",
        "http://10.0.0.1",
        "http://localhost.example",
        "https://id.example/",
        "https://id.example/tenant",
        "https://id.example?x",
        "https://id.example#x",
        "https://user:pw@id.example",
        "https://ID.example",
        "https://id.example:443",
        "ftp://localhost",
        "localhost:8080",
        "",
    ] {
        assert!(
            refused("server.issuer", issuer).contains("server.issuer"),
            "{issuer}"
        );
    }
}

#[test]
fn what_contradicts_itself_or_is_not_there_yet_is_refused() {
    for (flags, part) in [
        (vec!["redis.url=http://h"], "redis-cluster://"),
        (vec!["redis.url=redis://h:port"], "Redis URL is malformed"),
        (vec!["redis.url_file=/nonexistent"], "cannot be read"),
        (
            vec!["server.mtls_listen=127.0.0.1:1"],
            "not supported by this release yet",
        ),
        (vec!["registration.mode=open"], "only `closed` is"),
        (
            vec!["server.management_listen=127.0.0.1:8080"],
            "must differ",
        ),
        (vec!["tls.certificate=c.pem"], "tls.key"),
        (
            vec!["testing.enabled=true", "server.issuer=https://id.example"],
            "unless the issuer is loopback",
        ),
        (
            vec!["vault.url=sqlite:data/tongxing.db"],
            "must not be the database",
        ),
        (vec!["database.url=mysql://h/d"], "is `sqlite:PATH` or"),
        (vec!["database.url=sqlite:"], "path of a file"),
        (vec!["database.url=sqlite::memory:"], "path of a file"),
        (vec!["signing.rsa_bits=2560"], "2048 or 3072"),
        (
            vec!["login.password.memory_kib=8", "login.password.lanes=2"],
            "8 for a lane",
        ),
        (vec!["server.trusted_proxies=10.0.0.1/8"], "address blocks"),
        (vec!["server.max_connections=many"], "whole number"),
        (vec!["outbound.allow_loopback=yes"], "true or false"),
        (
            vec![r#"outbound.private_networks=["0.0.0.0/0"]"#],
            "private networks",
        ),
        (
            vec!["authority.url=http://authority.example"],
            "must be https",
        ),
        (
            vec!["authority.url=https://u:p@authority.example"],
            "a user's",
        ),
        (vec!["authority.token=two words"], "one word"),
        (
            vec!["authority.token=a", "authority.token_file=b"],
            "together with",
        ),
        (vec!["authority.token_file=/nonexistent"], "/nonexistent"),
        (vec!["authority.timeout_ms=0"], "from 1 to 60000"),
        (
            vec![
                "notification.outbox=f",
                "notification.gateway_url=https://sms.example",
            ],
            "a message goes one way",
        ),
        (
            vec!["notification.gateway_url=http://sms.example"],
            "must be https",
        ),
        (vec!["notification.gateway_token=two words"], "one word"),
    ] {
        let problem = load("", &[], &flags).expect_err(part);
        assert!(problem.contains(part), "{part} in {problem}");
    }
}

#[test]
fn secrets_are_neither_printed_nor_told() {
    let key = "07".repeat(32);
    let flags = [
        format!("vault.master_key={key}"),
        "database.url=postgres://tongxing:hunter2@db.example/tongxing".to_owned(),
    ];
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let config = load("", &[], &flags).unwrap();
    for shown in [config.to_toml().to_owned(), format!("{:?}", config.vault)] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains(&key), "{shown}");
    }
    let printed = config.to_toml();
    assert!(
        printed.contains("master_key = \"[redacted]\" # --set"),
        "{printed}"
    );
    assert!(
        printed.contains("postgres://tongxing:[redacted]@db.example/tongxing"),
        "{printed}"
    );
    let query = "database.url=postgres://db.example/t?user=u&password=hunter2";
    let config = load("", &[], &[query]).unwrap();
    assert!(
        !config.to_toml().contains("hunter2"),
        "{}",
        config.to_toml()
    );
    assert!(!refused("vault.master_key", "hunter2").contains("hunter2"));
    assert!(!refused("database.url", "mysql://u:hunter2@h/d").contains("hunter2"));
}

#[test]
fn there_is_an_authority_when_it_has_an_address() {
    assert!(load("", &[], &[]).unwrap().authority.is_none());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret-hunter2\n").unwrap();
    let file = format!("authority.token_file={}", file.display());
    let flags = [
        "authority.url=http://127.0.0.1:9200",
        &file,
        "notification.outbox=messages.ndjson",
    ];
    let authority = load("", &[], &flags).unwrap().authority.unwrap();
    assert_eq!(authority.url.as_str(), "http://127.0.0.1:9200/");
    assert_eq!(authority.timeout, Duration::from_secs(3));
    let token = authority
        .token
        .as_ref()
        .map(|token| token.expose().as_str());
    assert_eq!(token, Some("s3cret-hunter2"));
    assert!(!format!("{authority:?}").contains("hunter2"));
    let mute = refused("authority.url", "http://127.0.0.1:9200");
    assert!(
        mute.contains("needs a way to send one-time codes"),
        "{mute}"
    );
    let flags = ["authority.token=s3cret-hunter2"];
    let printed = load("", &[], &flags).unwrap().to_toml().to_owned();
    assert!(printed.contains("token = \"[redacted]\"") && !printed.contains("hunter2"));
    assert!(!refused("authority.token", "hunter2 x").contains("hunter2"));
}

#[test]
fn messages_go_to_a_file_a_gateway_or_nowhere() {
    let gateway = |flags: &[&str]| load("", &[], flags).unwrap().notification.gateway;
    assert!(gateway(&[]).is_none());
    let Some(GatewayConfig::File(path)) = gateway(&["notification.outbox=sent.ndjson"]) else {
        panic!("a file is a gateway");
    };
    assert_eq!(path.to_str(), Some("sent.ndjson"));
    let flags = [
        "notification.gateway_url=https://sms.example/send",
        "notification.gateway_token=s3cret-hunter2",
    ];
    let Some(GatewayConfig::Http { url, token }) = gateway(&flags) else {
        panic!("an address is a gateway");
    };
    assert_eq!(url.as_str(), "https://sms.example/send");
    assert_eq!(token.unwrap().expose(), "s3cret-hunter2");
    let config = load("", &[], &flags).unwrap();
    for shown in [
        config.to_toml().to_owned(),
        format!("{:?}", config.notification),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_master_key_comes_from_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let key = "09".repeat(32);
    std::fs::write(&file, format!("{key}\n")).unwrap();
    let by_file = format!("vault.master_key_file={}", file.display());
    let named = load("", &[], &[&by_file]).unwrap().vault;
    let by_value = format!("vault.master_key={key}");
    let given = load("", &[], &[&by_value]).unwrap().vault;
    let entropy = SystemEntropy;
    let fingerprint = |vault: VaultConfig| vault.master_key(&entropy).unwrap().fingerprint();
    assert_eq!(fingerprint(named), fingerprint(given));
    let problem = load("", &[], &[&by_file, &by_value]).unwrap_err();
    assert!(problem.contains("together with"), "{problem}");
    assert!(refused("vault.master_key_file", "/nonexistent").contains("/nonexistent"));
    assert!(refused("vault.master_key", "c2hvcnQ=").contains("32 bytes"));
}

#[test]
fn another_master_key_is_given_or_there_is_none() {
    let (one, other) = ("09".repeat(32), "0a".repeat(32));
    let key = format!("vault.master_key={one}");
    let vault = load("", &[], &[&key]).unwrap().vault;
    let alone = vault.master_key(&SystemEntropy).unwrap();
    assert_eq!(alone.other_fingerprint(), None);
    let by_value = format!("vault.other_master_key={other}");
    let config = load("", &[], &[&key, &by_value]).unwrap();
    assert!(!config.to_toml().contains(&other), "{}", config.to_toml());
    let both = config.vault.master_key(&SystemEntropy).unwrap();
    assert_eq!(both.fingerprint(), alone.fingerprint());
    assert!(both.other_fingerprint().is_some());
    assert!(refused("vault.other_master_key_file", "/nonexistent").contains("/nonexistent"));
    assert!(!refused("vault.other_master_key", "hunter2").contains("hunter2"));
    let twice = [&*by_value, "vault.other_master_key_file=/nonexistent"];
    let problem = load("", &[], &twice).unwrap_err();
    assert!(problem.contains("together with"), "{problem}");
}

#[test]
fn the_master_key_is_made_once_and_never_in_place_of_a_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("database.url=sqlite:{}/t.db", folder.path().display());
    let vault = load("", &[], &[&database]).unwrap().vault;
    let made = vault.master_key(&SystemEntropy).unwrap();
    assert_eq!(
        vault.url.file(),
        Some(folder.path().join("vault.db").as_path())
    );
    std::fs::write(folder.path().join("vault.db"), "").unwrap();
    let again = vault.master_key(&SystemEntropy).unwrap();
    assert_eq!(made.fingerprint(), again.fingerprint());
    std::fs::remove_file(folder.path().join("master.key")).unwrap();
    let error = vault.master_key(&SystemEntropy).unwrap_err();
    assert!(matches!(error, MasterKeyError::Lost { .. }), "{error}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    let printed = Config::load(&Sources::default())
        .unwrap()
        .to_toml()
        .to_owned();
    assert!(
        printed.contains("issuer = \"http://localhost:8080\"\n"),
        "{printed}"
    );
    assert!(
        printed.contains("url = \"\" # sqlite:data/vault.db\n"),
        "{printed}"
    );
    assert_eq!(
        load(&printed, &[], &[]).unwrap().server.in_flight.page,
        1024
    );
}

#[test]
fn every_default_has_a_comment() {
    let mut commented = false;
    for line in include_str!("../../../config/default.toml").lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(commented, "{line}");
        } else {
            commented = line.starts_with('#') || line.starts_with('[') && commented;
        }
    }
}

#[test]
fn a_database_url_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://tongxing:hunter2@db.example/tongxing\n").unwrap();
    for section in ["database", "vault"] {
        let by_file = format!("{section}.url_file={}", file.display());
        let config = load("", &[], &[&by_file]).unwrap();
        let url = match section {
            "database" => config.database.url.to_string(),
            _ => config.vault.url.to_string(),
        };
        assert!(url.contains("db.example"), "{url}");
        assert!(!config.to_toml().contains("hunter2"));
        let both = format!("{section}.url=sqlite:other.db");
        let problem = load("", &[], &[&by_file, &both]).unwrap_err();
        assert!(problem.contains("together with"), "{problem}");
        let missing = refused(&format!("{section}.url_file"), "/nonexistent");
        assert!(missing.contains("/nonexistent cannot be read"), "{missing}");
    }
    std::fs::write(&file, "mysql://u:hunter2@h/d").unwrap();
    let by_file = format!("{}", file.display());
    let problem = refused("database.url_file", &by_file);
    assert!(
        problem.contains("is `sqlite:PATH` or") && !problem.contains("hunter2"),
        "{problem}"
    );
}

#[test]
fn there_is_a_redis_when_it_has_an_address() {
    assert!(load("", &[], &[]).unwrap().redis.is_none());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "rediss://:hunter2@redis.example\n").unwrap();
    let by_file = format!("redis.url_file={}", file.display());
    for (flag, host) in [
        (
            "redis.url=redis://u:hunter2@redis.example:6380/2",
            ":6380/2",
        ),
        ("redis.url=redis://:hunter2@redis.example:6380", ":6380"),
        (
            "redis.url=redis-cluster://u:hunter2@a.example:1,b.example:2",
            "@a.example:1,b.example:2",
        ),
        (&by_file, "@redis.example"),
    ] {
        let config = load("", &[], &[flag]).unwrap();
        let shown = format!("{:?}", config.redis.as_ref().unwrap());
        assert!(shown.contains(host), "{shown}");
        for shown in [&shown, config.to_toml()] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
    let problem = load("", &[], &[&by_file, "redis.url=redis://h"]).unwrap_err();
    assert!(problem.contains("together with"), "{problem}");
    assert!(!refused("redis.url", "redis://u:hunter2@h:x").contains("hunter2"));
    std::fs::write(&file, "redis://u:hun/ter2@h").unwrap();
    let by_file = file.display().to_string();
    assert!(!refused("redis.url_file", &by_file).contains("ter2"));
}

#[test]
fn a_problem_tells_what_was_given_unless_it_may_be_secret() {
    for (setting, value, told) in [
        ("log.format", "xml", "json; it is \"xml\""),
        ("lifetimes.code_seconds", "90", "to 60; it is 90"),
        ("server.max_connections", "many", "number; it is \"many\""),
        ("server.listen", "here", "8080; it is \"here\""),
    ] {
        let problem = refused(setting, value);
        assert!(problem.contains(told), "{told} in {problem}");
    }
    let problem = refused("server.issuer", "https://user:hunter2@id.example");
    assert!(!problem.contains("hunter2"), "{problem}");
}

#[test]
fn a_variable_with_one_underscore_is_noticed() {
    let names = [
        "TONGXING_SERVER_ISSUER",
        "TONGXING_DATABASE__URL",
        "TONGXING__SERVER__ISSUER",
        "TONGXING_TEST_POSTGRES",
        "PATH",
    ];
    let environment: Vec<_> = names.map(|name| (name.into(), "x".into())).into();
    assert_eq!(
        misspelled(&environment),
        ["TONGXING_SERVER_ISSUER", "TONGXING_DATABASE__URL"]
    );
}
