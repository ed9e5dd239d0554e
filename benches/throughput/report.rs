//! The table, and the aims that figures are held against.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::EngineKind;
use super::limits::Limits;
use super::measure::{Figure, Start};
use super::overload::Pressed;
use super::process::Memory;

/// What an operation should cost the server, in milliseconds of processor time: on SQLite, on
/// PostgreSQL. RS256 costs a signature more.
fn aim(name: &str, engine: EngineKind, limits: &Limits) -> Option<f64> {
    let (sqlite, postgres) = match name {
        "discovery" | "jwks" => (0.018, 0.018),
        "client_credentials" => (0.05, 0.05),
        "exchange" => (0.14, 0.25),
        "refresh" | "refresh_rotating" => (0.11, 0.20),
        // A select from PostgreSQL costs its client 0.03 ms.
        "userinfo" | "introspection" => (0.05, 0.08),
        "sso_es256" => (0.22, 0.35),
        "sso_rs256" => (0.22 + 0.27, 0.35 + 0.27),
        "password_login" => {
            let hash = millis(limits.argon2);
            (1.1 * hash, 1.1 * hash)
        }
        _ => return None,
    };
    Some(match engine {
        EngineKind::Sqlite => sqlite,
        EngineKind::Postgres => postgres,
    })
}

/// Prints as results come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    json: bool,
}

impl Report {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn say(self, line: &Value, text: &str) {
        if self.json {
            println!("{line}");
        } else {
            println!("{text}");
        }
    }

    pub(crate) fn note(self, text: &str) {
        self.say(&json!({ "note": text }), text);
    }

    /// What it runs on.
    pub(crate) fn machine(self) {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("unknown processor", |rest| {
                rest.trim_start_matches([' ', '\t', ':'])
            });
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        self.say(
            &json!({ "machine": model, "processors": processors, "load": load }),
            &format!("machine: {processors} × {model}; load before {load}"),
        );
    }

    pub(crate) fn limits(self, limits: &Limits) {
        let line = json!({
            "bare_handler_ms": millis(limits.bare_handler),
            "bare_handler_per_second": limits.bare_per_second,
            "es256_ms": millis(limits.es256),
            "rs256_ms": millis(limits.rs256),
            "argon2_ms": millis(limits.argon2),
            "sqlite_commits_per_second": limits.sqlite_commits,
        });
        let a_core = |time: Duration| 1.0 / time.as_secs_f64();
        let text = format!(
            "limits: bare axum handler {:.4} ms ({:.0}/s) · ES256 {:.4} ms ({:.0}/s a core) · \
             RS256 {:.3} ms ({:.0}/s a core)\n        argon2id {:.1} ms ({:.0}/s a core) · \
             durable commits one by one on SQLite {:.0}/s",
            millis(limits.bare_handler),
            limits.bare_per_second,
            millis(limits.es256),
            a_core(limits.es256),
            millis(limits.rs256),
            a_core(limits.rs256),
            millis(limits.argon2),
            a_core(limits.argon2),
            limits.sqlite_commits,
        );
        self.say(&line, &text);
    }

    pub(crate) fn postgres_commits(self, one: f64, (connections, many): (usize, f64)) {
        self.say(
            &json!({ "postgres_commits_per_second": one, "connections": connections,
                     "postgres_commits_per_second_together": many }),
            &format!(
                "limits: durable commits on PostgreSQL: 1 connection {one:.0}/s, \
                 {connections} connections {many:.0}/s"
            ),
        );
    }

    pub(crate) fn engine(self, engine: EngineKind) {
        if self.json {
            return;
        }
        println!(
            "\n{}\n{:<20}{:>9}{:>9}{:>9}{:>10}{:>10}{:>8}{:>9}{:>8}",
            name(engine),
            "operation",
            "per s",
            "p50 ms",
            "p99 ms",
            "CPU ms",
            "pg ms",
            "aim ms",
            "CPU/aim",
            "×bare"
        );
    }

    pub(crate) fn figure(self, engine: EngineKind, limits: &Limits, figure: &Figure) {
        let cpu = millis(figure.cpu);
        let aim = aim(figure.name, engine, limits);
        let ratio = aim.map(|aim| cpu / aim);
        let bare = figure.cpu.as_secs_f64() / limits.bare_handler.as_secs_f64();
        let line = json!({
            "engine": name(engine),
            "operation": figure.name,
            "per_second": figure.per_second,
            "p50_ms": millis(figure.p50),
            "p99_ms": millis(figure.p99),
            "cpu_ms": cpu,
            "postgres_cpu_ms": figure.postgres_cpu.map(millis),
            "aim_ms": aim,
            "cpu_to_aim": ratio,
            "cpu_to_bare_handler": bare,
        });
        let optional = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let text = format!(
            "{:<20}{:>9.0}{:>9.2}{:>9.2}{:>10.4}{:>10}{:>8}{:>9}{:>8.1}",
            figure.name,
            figure.per_second,
            millis(figure.p50),
            millis(figure.p99),
            cpu,
            optional(figure.postgres_cpu.map(millis), 4),
            optional(aim, 3),
            optional(ratio, 2),
            bare
        );
        self.say(&line, &text);
    }

    /// What came of a load, beside what comes of one that can be carried.
    pub(crate) fn pressed(self, what: &str, pressed: &Pressed, normal: &Pressed, memory: &Memory) {
        let round = &pressed.round;
        let goodput = round.per_second() / normal.round.per_second();
        let line = json!({
            "pressed": what,
            "per_second": round.per_second(),
            "to_normal": goodput,
            "p50_ms": millis(round.percentile(50)),
            "p99_ms": millis(round.percentile(99)),
            "refused": pressed.refused,
            "resident_kb": memory.resident,
        });
        let text = format!(
            "{what:<20}{:>9.0}{:>9.2}{:>9.2}   {goodput:.2} of normal · {} refused · {} MB",
            round.per_second(),
            millis(round.percentile(50)),
            millis(round.percentile(99)),
            pressed.refused,
            memory.resident / 1024
        );
        self.say(&line, &text);
    }

    pub(crate) fn start(self, start: &Start) {
        let line = json!({
            "first_start_ms": millis(start.first),
            "restart_ms": millis(start.restart),
            "idle_kb": start.idle.resident,
        });
        let text = format!(
            "first start {:.0} ms · restart to first answer {:.0} ms (aim 100) · idle {} MB (aim 30)",
            millis(start.first),
            millis(start.restart),
            start.idle.resident / 1024
        );
        self.say(&line, &text);
    }

    pub(crate) fn memory(self, memory: &Memory) {
        let line = json!({ "after_load_kb": memory.resident, "peak_kb": memory.peak });
        let text = format!(
            "memory after the load {} MB, at most {} MB (aim 60, of it 38 for two hashing threads)",
            memory.resident / 1024,
            memory.peak / 1024
        );
        self.say(&line, &text);
    }
}

pub(crate) const fn name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "sqlite",
        EngineKind::Postgres => "postgres",
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
