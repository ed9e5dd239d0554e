//! The board, the alerts and the table of metrics name what a server exposes, and nothing else; and
//! each alert says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::scraped::Scraped;
use super::{ran, root, text_of, yaml};

const ALERTS: &str = "deploy/prometheus/alerts.yml";

/// Every alert of the rules.
fn alerts() -> Vec<Value> {
    let rules = yaml::parse(&text_of(ALERTS));
    let groups = rules["groups"].as_array().unwrap();
    let of_group = |group: &Value| group["rules"].as_array().unwrap().clone();
    groups.iter().flat_map(of_group).collect()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}: {value}"))
}

/// Every expression of the board.
fn expressions(board: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push(text(target, "expr").to_owned());
        }
    }
    for variable in board["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["query"]["query"].as_str() {
            let inner = query
                .strip_prefix("label_values(")
                .and_then(|query| query.strip_suffix(')'));
            let (metric, label) = inner.unwrap().split_once(", ").unwrap();
            found.push(format!("count by ({label}) ({metric})"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_watch_is_what_a_server_exposes() {
    let scraped = Scraped::of_a_server().await;
    let board: Value = serde_json::from_str(&text_of("deploy/grafana/tongxing.json")).unwrap();
    let mut asked = expressions(&board);
    assert!(asked.len() > 20, "{asked:?}");
    asked.extend(
        alerts()
            .iter()
            .map(|alert| text(alert, "expr").trim().to_owned()),
    );
    let faults: Vec<String> = asked
        .iter()
        .flat_map(|expression| scraped.faults(expression))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // An operator sees all there is.
    let board = asked.join("\n");
    let unseen: Vec<&String> = scraped
        .0
        .keys()
        .filter(|name| !board.contains(name.as_str()))
        .collect();
    assert!(unseen.is_empty(), "on no board and in no alert: {unseen:?}");
    assert_eq!(
        table(),
        exposed(&scraped),
        "the table of metrics in docs/operations/README.md"
    );
}

/// Type, labels and meaning by name, as the guide has them.
fn table() -> BTreeMap<String, [String; 3]> {
    let guide = text_of("docs/operations/README.md");
    let (_, rest) = guide.split_once("\n## Metrics\n").expect("a heading");
    let section = rest.split("\n## ").next().unwrap();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    };
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| `tongxing_"));
    rows.map(|row| match &cells(row)[..] {
        [name, kind, labels, meaning] => (
            name.clone(),
            [kind.clone(), labels.clone(), meaning.clone()],
        ),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn exposed(scraped: &Scraped) -> BTreeMap<String, [String; 3]> {
    let row = |(name, family): (&String, &super::scraped::Family)| {
        let labels: Vec<&str> = family.labels.keys().map(String::as_str).collect();
        (
            name.clone(),
            [family.kind.clone(), labels.join(", "), family.help.clone()],
        )
    };
    scraped.0.iter().map(row).collect()
}

#[test]
fn every_alert_says_what_it_means_and_what_to_do() {
    let guide = text_of("docs/operations/alerts.md");
    let mut sections: BTreeMap<&str, &str> = guide
        .split("\n## ")
        .skip(1)
        .map(|s| s.split_once('\n').unwrap())
        .collect();
    let alerts = alerts();
    assert!(alerts.len() > 15);
    for alert in &alerts {
        let name = text(alert, "alert");
        let section = sections
            .remove(name)
            .unwrap_or_else(|| panic!("{name} is not explained"));
        let (severity, summary) = (
            text(&alert["labels"], "severity"),
            text(&alert["annotations"], "summary"),
        );
        assert!(["page", "ticket"].contains(&severity), "{name}");
        assert!(
            section.contains(&format!("`{severity}`: {summary}")),
            "{name}"
        );
        for part in ["**What it means.**", "**What to do.**"] {
            assert!(section.contains(part), "{name}: {part}");
        }
        let runbook = format!("docs/operations/alerts.md#{}", name.to_lowercase());
        assert_eq!(text(&alert["annotations"], "runbook"), runbook);
    }
    assert!(
        sections.is_empty(),
        "no alerts any more: {:?}",
        sections.keys()
    );
    let scrape = yaml::parse(&text_of("deploy/prometheus/scrape.yml"));
    assert_eq!(scrape["scrape_configs"][0]["job_name"], "tongxing");
    assert_eq!(scrape["rule_files"][0], "alerts.yml");
}

#[test]
fn prometheus_finds_no_fault_with_rules_and_scraping() {
    let Some(promtool) = super::program("promtool", "TONGXING_TEST_SKIP_PROMTOOL") else {
        return;
    };
    let checked = ran(Command::new(promtool)
        .args(["check", "config", "scrape.yml"])
        .current_dir(root().join("deploy/prometheus")));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.contains("rules found"),
        "{checked:?}"
    );
}

/// Links between the documents of operations lead to headings that are there.
#[test]
fn links_between_the_runbooks_lead_somewhere() {
    let folder = root().join("docs/operations");
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    let mut faults = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                file.clone()
            } else {
                folder.join(path)
            };
            let Ok(target) = std::fs::read_to_string(&target) else {
                faults.push(format!("{}: {link}", file.display()));
                continue;
            };
            if !anchor.is_empty() && !anchors(&target).contains(anchor) {
                faults.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What headings are linked by.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}
