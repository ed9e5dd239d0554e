//! The management listener: `/livez`, `/readyz`, `/metrics`, and aids for outside test suites when
//! they are asked for. Never reachable from outside.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::metrics::Metrics;

const PATIENCE: Duration = Duration::from_secs(2);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// One condition of being ready.
#[derive(Debug)]
pub struct Check {
    /// What is checked: `database`, `schema`, `clock`, `change_feed`.
    pub name: &'static str,
    /// Why it does not hold.
    pub outcome: Result<(), String>,
}

/// Says whether requests should be sent here.
pub trait Readiness: Send + Sync + 'static {
    /// Checks every condition now.
    fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>>;
}

/// What outside test suites may ask for (`testing.enabled`).
pub trait Testing: Send + Sync + 'static {
    /// Makes the next signing keys current.
    fn rotate_keys(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

#[derive(Clone)]
struct Management {
    readiness: Arc<dyn Readiness>,
    metrics: Arc<Metrics>,
}

/// The routes of the management listener.
pub fn router(
    readiness: Arc<dyn Readiness>,
    metrics: Arc<Metrics>,
    testing: Option<Arc<dyn Testing>>,
) -> Router {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(Management { readiness, metrics });
    match testing {
        Some(testing) => {
            let aids = Router::new().route("/keys/rotate", post(rotate_keys));
            router.merge(aids.with_state(testing))
        }
        None => router,
    }
}

async fn rotate_keys(State(testing): State<Arc<dyn Testing>>) -> Response<Body> {
    let (status, text) = match testing.rotate_keys().await {
        Ok(()) => (StatusCode::OK, json!({"status": "rotated"})),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, json!({"error": error})),
    };
    respond(status, JSON, text.to_string())
}

/// Alive is whoever answers: a database that is away must not get the process restarted.
async fn livez() -> Response<Body> {
    respond(StatusCode::OK, JSON, json!({"status": "alive"}).to_string())
}

async fn readyz(State(management): State<Management>) -> Response<Body> {
    let checks = match timeout(PATIENCE, management.readiness.checks()).await {
        Ok(checks) => checks,
        Err(_) => vec![Check {
            name: "checks",
            outcome: Err("took too long".to_owned()),
        }],
    };
    let ready = checks.iter().all(|check| check.outcome.is_ok());
    let details: Map<String, Value> = checks
        .into_iter()
        .map(|check| {
            let text = check.outcome.err().unwrap_or_else(|| "ok".to_owned());
            (check.name.to_owned(), Value::String(text))
        })
        .collect();
    let (status, word) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let text = json!({"status": word, "checks": details}).to_string();
    respond(status, JSON, text)
}

async fn metrics_text(State(management): State<Management>) -> Response<Body> {
    match management.metrics.encode() {
        Ok(text) => respond(StatusCode::OK, OPEN_METRICS, text),
        Err(_) => respond(StatusCode::INTERNAL_SERVER_ERROR, JSON, String::new()),
    }
}

fn respond(status: StatusCode, content_type: HeaderValue, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    enum Node {
        Ready,
        Lagging,
        Stuck,
    }

    impl Readiness for Node {
        fn checks(&self) -> Pin<Box<dyn Future<Output = Vec<Check>> + Send + '_>> {
            let clock = |outcome| {
                let name = "clock";
                vec![Check { name, outcome }]
            };
            Box::pin(async move {
                match self {
                    Self::Ready => clock(Ok(())),
                    Self::Lagging => clock(Err("3 s behind".to_owned())),
                    Self::Stuck => std::future::pending().await,
                }
            })
        }
    }

    async fn ask(node: Node, path: &str) -> (StatusCode, String) {
        let router = router(Arc::new(node), Arc::default(), None);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_only_when_every_check_holds() {
        let (status, text) = ask(Node::Ready, "/readyz").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(text, r#"{"checks":{"clock":"ok"},"status":"ready"}"#);
        let (status, text) = ask(Node::Lagging, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("3 s behind"), "{text}");
        let (status, _) = ask(Node::Stuck, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }

    struct Rotates;

    impl Testing for Rotates {
        fn rotate_keys(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn aids_for_tests_are_there_only_when_asked_for() {
        let testing: Option<Arc<dyn Testing>> = Some(Arc::new(Rotates));
        for (testing, expected) in [(testing, StatusCode::OK), (None, StatusCode::NOT_FOUND)] {
            let router = router(Arc::new(Node::Ready), Arc::default(), testing);
            let request = Request::post("/keys/rotate").body(Body::empty()).unwrap();
            assert_eq!(router.oneshot(request).await.unwrap().status(), expected);
        }
    }

    #[tokio::test]
    async fn alive_and_counted_whatever_else_is_wrong() {
        assert_eq!(ask(Node::Stuck, "/livez").await.0, StatusCode::OK);
        let (status, text) = ask(Node::Stuck, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("# EOF"), "{text}");
    }
}
