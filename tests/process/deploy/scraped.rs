//! What a running server exposes on `/metrics`, and what a query of Prometheus asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::installation::{Installation, free_port};

/// Labels that Prometheus adds, and the one of histograms.
const ADDED: &[&str] = &["instance", "job", "le"];

/// Labels whose values are all there from the start.
const COMPLETE: &[&str] = &["class", "reason", "database", "outcome", "result", "task"];

/// Metrics of one name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) help: String,
    /// Each with the values seen.
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
    samples: BTreeSet<String>,
}

/// Everything by its name.
pub(super) struct Scraped(pub(super) BTreeMap<String, Family>);

impl Scraped {
    /// Of a server that has all that there may be: an authority, a gateway, a Redis. None of them
    /// answers.
    pub(super) async fn of_a_server() -> Self {
        let mut installation = Installation::sqlite();
        let nobody = format!("127.0.0.1:{}", free_port());
        installation.set("authority.url", &format!("http://{nobody}"));
        installation.set("redis.url", &format!("redis://{nobody}"));
        let outbox = installation.path("outbox.ndjson");
        installation.set("notification.outbox", outbox.to_str().unwrap());
        installation.migrate().await;
        let server = installation.serve().await;
        let login = format!("{}/login", server.http.origin());
        assert_eq!(server.http.get(&login).await.status, 200);
        let text = server.manage("/metrics").await.body;
        server.stop().await;
        Self::read(&text)
    }

    fn read(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, help] => {
                    name.clone_into(&mut current);
                    families.entry(current.clone()).or_default().help =
                        help.trim_end_matches('.').to_owned();
                }
                ["#", "TYPE", name, kind] => {
                    name.clone_into(&mut current);
                    kind.clone_into(&mut families.entry(current.clone()).or_default().kind);
                }
                ["#", ..] => {}
                _ => families.get_mut(&current).expect("a name").sample(line),
            }
        }
        Self(families)
    }

    /// What an expression asks for that is not exposed.
    pub(super) fn faults(&self, expression: &str) -> Vec<String> {
        let asked = Asked::of(expression);
        let mut faults = Vec::new();
        if asked.metrics.is_empty() && !expression.starts_with("up{") {
            faults.push(format!("no metric of ours: {expression}"));
        }
        let mut known: BTreeSet<&str> = ADDED.iter().copied().collect();
        for (name, matchers) in &asked.metrics {
            let family = self.0.values().find(|family| family.samples.contains(name));
            let Some(family) = family else {
                faults.push(format!("no metric {name}: {expression}"));
                continue;
            };
            known.extend(family.labels.keys().map(String::as_str));
            for (label, value) in matchers {
                match family.labels.get(label) {
                    _ if ADDED.contains(&&**label) => {}
                    None => faults.push(format!("{name} has no label {label}: {expression}")),
                    Some(values) if COMPLETE.contains(&&**label) => {
                        let missing = value.split('|').filter(|value| !values.contains(*value));
                        faults.extend(
                            missing.map(|v| format!("{name} has no {label}={v}: {expression}")),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        let strays = asked
            .grouped
            .iter()
            .filter(|label| !known.contains(&***label));
        faults.extend(strays.map(|label| format!("nothing has a label {label}: {expression}")));
        faults
    }
}

impl Family {
    fn sample(&mut self, line: &str) {
        let name_end = line.find(['{', ' ']).expect("a sample");
        self.samples.insert(line[..name_end].to_owned());
        let Some(rest) = line[name_end..].strip_prefix('{') else {
            return;
        };
        let (labels, _) = rest.split_once("\"}").expect("the end of labels");
        for pair in labels.split("\",") {
            let (label, value) = pair.split_once("=\"").expect("a label");
            if label != "le" {
                self.labels
                    .entry(label.to_owned())
                    .or_default()
                    .insert(value.to_owned());
            }
        }
    }
}

/// What stands in an expression.
#[derive(Default)]
struct Asked {
    /// With what their labels are compared to.
    metrics: Vec<(String, Vec<(String, String)>)>,
    grouped: Vec<String>,
}

impl Asked {
    fn of(expression: &str) -> Self {
        let mut asked = Self::default();
        let mut rest = expression;
        while let Some(start) = rest.find(is_word) {
            let tail = &rest[start..];
            let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
            let (word, after) = tail.split_at(end);
            rest = after;
            if word == "by" {
                let (labels, after) = rest
                    .trim_start()
                    .strip_prefix('(')
                    .unwrap()
                    .split_once(')')
                    .unwrap();
                asked
                    .grouped
                    .extend(labels.split(',').map(|label| label.trim().to_owned()));
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('{') {
                let (matchers, after) = inner.split_once('}').unwrap();
                rest = after;
                let matchers = matchers.split(',').map(matcher).collect();
                if word.starts_with("tongxing_") {
                    asked.metrics.push((word.to_owned(), matchers));
                }
            } else if word.starts_with("tongxing_") {
                asked.metrics.push((word.to_owned(), Vec::new()));
            }
        }
        asked
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// `label="value"`, or another comparison.
fn matcher(text: &str) -> (String, String) {
    let (label, value) = text.split_once('"').expect("a matcher");
    let label = label.trim_end_matches(['=', '~', '!']);
    (
        label.trim().to_owned(),
        value.trim_end_matches('"').to_owned(),
    )
}

#[test]
fn what_is_not_exposed_is_found() {
    let scraped = Scraped::read(
        "# HELP tongxing_x Help.\n# TYPE tongxing_x counter\ntongxing_x_total{class=\"a\",route=\"/b\"} 1\n# EOF\n",
    );
    let family = &scraped.0["tongxing_x"];
    assert_eq!((&*family.kind, &*family.help), ("counter", "Help"));
    assert_eq!(
        scraped.faults("sum by (class, instance) (rate(tongxing_x_total{class=\"a\",route=~\"/(c|d)\"}[5m])) > 0"),
        Vec::<String>::new()
    );
    for expression in [
        "tongxing_x > 0",
        "tongxing_x_total{reason=\"a\"}",
        "tongxing_x_total{class=~\"a|b\"}",
        "sum by (node) (tongxing_x_total)",
        "rate(tonxing_x_total[5m])",
    ] {
        assert_eq!(scraped.faults(expression).len(), 1, "{expression}");
    }
}
