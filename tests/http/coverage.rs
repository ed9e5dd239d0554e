//! Every route has a test that names it.

use axum::http::Method;

const ROUTER: &str = include_str!("../../src/http/router.rs");
const ENDPOINTS: &str = include_str!("../../src/protocol/endpoints.rs");

/// The addresses of protocol endpoints by the names of their constants.
fn address_of(constant: &str) -> &'static str {
    let declared = format!("pub const {constant}: &str = \"");
    let (_, rest) = ENDPOINTS
        .split_once(&declared)
        .unwrap_or_else(|| panic!("no endpoint {constant}"));
    rest.split('"').next().expect("an address")
}

/// What the router answers, read from its page: methods and patterns.
fn patterns() -> Vec<(Vec<Method>, String)> {
    let source: String = ROUTER.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut patterns = Vec::new();
    for route in source.split(".route(").skip(1) {
        let (address, handlers) = route
            .trim()
            .split_once(',')
            .expect("an address and handlers");
        let pattern = match address.strip_prefix("paths::") {
            Some(constant) => address_of(constant).to_owned(),
            None => address.trim_matches('"').to_owned(),
        };
        let mut methods = Vec::new();
        for (name, method) in [("get(", Method::GET), ("post(", Method::POST)] {
            if handlers.contains(name) {
                methods.push(method);
            }
        }
        assert!(!methods.is_empty(), "{pattern} has no handler: {handlers}");
        patterns.push((methods, pattern));
    }
    assert!(patterns.len() > 10, "the router's page was not understood");
    patterns
}

/// Every route once, with something in place of what varies.
pub(crate) fn routes() -> impl Iterator<Item = (Method, String)> {
    patterns().into_iter().flat_map(|(methods, pattern)| {
        let path = pattern.split('{').next().unwrap_or_default().to_owned();
        let path = if pattern.contains('{') {
            format!("{path}x")
        } else {
            path
        };
        methods
            .into_iter()
            .map(move |method| (method, path.clone()))
    })
}

/// The source of every test but this one.
fn tests() -> String {
    fn read(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the folder of tests") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, text);
            } else if !path.ends_with("coverage.rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("a test"));
            }
        }
    }
    let mut text = String::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    read(&root.join("tests/http"), &mut text);
    text
}

/// The patterns that no test names.
fn unnamed(patterns: &[String], tests: &str) -> Vec<String> {
    let is_named = |pattern: &String| match pattern.split_once('{') {
        // Whatever stands in the varying part.
        Some((fixed, _)) => tests.contains(&format!("\"{fixed}")),
        None => tests.contains(&format!("{pattern}\"")) || tests.contains(&format!("{pattern}?")),
    };
    let missing = patterns.iter().filter(|pattern| !is_named(pattern));
    missing.cloned().collect()
}

#[test]
fn every_route_is_named_by_a_test() {
    let patterns: Vec<_> = patterns().into_iter().map(|(_, pattern)| pattern).collect();
    assert_eq!(
        unnamed(&patterns, &tests()),
        [""; 0],
        "no test names these routes"
    );
}

#[test]
fn a_route_that_no_test_names_is_found() {
    let patterns = ["/one", "/two", "/three/{x}", "/four/{x}"].map(str::to_owned);
    let tests = r#"get("/one?x=1"); get("https://id.example/two"); get("/three/1"); get("/four")"#;
    assert_eq!(unnamed(&patterns, tests), ["/four/{x}"]);
    let tests = r#"get("/one-more"); get("/two?"); get("/three/"); get("/four/")"#;
    assert_eq!(unnamed(&patterns, tests), ["/one"]);
}
