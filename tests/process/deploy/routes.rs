//! The routes that nginx names in its log are those of the router: what it does not know is `other`.

use std::collections::{BTreeMap, BTreeSet};

use super::text_of;

/// What the router has, as it is written there.
fn routes() -> BTreeSet<String> {
    let endpoints = text_of("src/protocol/endpoints.rs");
    let constants = endpoints.split("pub const ").skip(1).filter_map(|text| {
        let (name, rest) = text.split_once(": &str = \"")?;
        Some((name.to_owned(), rest.split('"').next()?.to_owned()))
    });
    let constants: BTreeMap<String, String> = constants.collect();
    let router = text_of("src/http/router.rs");
    let first = |text: &str| {
        let argument = text.split(',').next().unwrap().trim();
        match argument.strip_prefix("paths::") {
            Some(name) => constants[name].clone(),
            None => argument.trim_matches('"').to_owned(),
        }
    };
    router.split(".route(").skip(1).map(first).collect()
}

#[test]
fn every_route_has_its_name_in_the_log_of_nginx() {
    let text = text_of("deploy/nginx/tongxing.conf");
    let (_, map) = text.split_once("map $uri $tongxing_route {").unwrap();
    let (map, _) = map.split_once('}').unwrap();
    let entries = map
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let named: BTreeSet<String> = entries
        .filter(|entry| *entry != "default")
        .map(|entry| match entry.strip_prefix("~^") {
            Some(prefix) => prefix.trim_end_matches('.').to_owned() + "{}",
            None => entry.to_owned(),
        })
        .collect();
    let routes = routes()
        .into_iter()
        .map(|route| match route.split_once('{') {
            Some((prefix, _)) => prefix.to_owned() + "{}",
            None => route,
        });
    let routes: BTreeSet<String> = routes.collect();
    assert!(routes.len() > 25, "{routes:?}");
    assert_eq!(named, routes);
}
