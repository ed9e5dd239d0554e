use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::*;

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::SeqCst));
    }
}

fn envelope(metrics: &Arc<Metrics>, https: bool) -> Envelope {
    Envelope::new(EnvelopeSettings {
        entropy: Arc::new(Counting(AtomicU8::new(1))),
        metrics: Arc::clone(metrics),
        trusted_proxies: vec!["0.0.0.0".parse().unwrap()],
        in_flight: InFlight {
            login: 1,
            token: 1,
            page: 1,
            api: 1,
            logout: 1,
        },
        request_timeout: Duration::from_millis(200),
        https,
        log_requests: false,
    })
}

fn router(metrics: &Arc<Metrics>, https: bool) -> Router {
    let envelope = envelope(metrics, https);
    let pages = Router::new()
        .route("/page/{name}", get(async || "page"))
        .route(
            "/panic",
            get(async || -> &str { panic!("with a name in it") }),
        )
        .route(
            "/own",
            get(async || {
                (
                    [
                        (header::CONTENT_SECURITY_POLICY, "own"),
                        (header::CACHE_CONTROL, "max-age=60"),
                    ],
                    "own",
                )
            }),
        )
        .route(
            "/from",
            get(async |request: Request| {
                let facts = request.extensions().get::<RequestFacts>().unwrap();
                format!("{} {}", facts.client_address, facts.request_id)
            }),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "no such page"))
        .layer(envelope.class(Class::Page));
    let token = Router::new()
        .route("/echo", post(async |body: Bytes| body))
        .route("/slow", get(std::future::pending::<&'static str>))
        .layer(envelope.class(Class::Token));
    Router::new().merge(pages).merge(token)
}

async fn ask(router: &Router, request: Request) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (parts.status, parts.headers, body)
}

async fn get_path(router: &Router, path: &str) -> (StatusCode, HeaderMap, String) {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_answer_has_the_headers() {
    let metrics = Arc::default();
    let router = router(&metrics, true);
    for path in ["/page/x", "/panic", "/nowhere", "/echo"] {
        let (status, headers, _) = get_path(&router, path).await;
        let value = |name: &str| {
            headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
        };
        assert!(
            value("content-security-policy").contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(value("cache-control"), "no-store", "{path}");
        assert_eq!(value("referrer-policy"), "no-referrer");
        assert_eq!(value("x-content-type-options"), "nosniff");
        assert_eq!(value("x-frame-options"), "DENY");
        assert_eq!(value("cross-origin-opener-policy"), "same-origin");
        assert_eq!(value("strict-transport-security"), "max-age=31536000");
        assert!(value("permissions-policy").contains("camera=()"));
        assert!(value("x-request-id").parse::<RequestId>().is_ok(), "{path}");
        if path == "/echo" {
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(value("allow"), "POST");
        }
    }
}

#[tokio::test]
async fn a_page_may_set_its_own_policy_and_plain_http_gets_no_hsts() {
    let metrics = Arc::default();
    let (_, headers, _) = get_path(&router(&metrics, false), "/own").await;
    assert_eq!(headers[header::CONTENT_SECURITY_POLICY], "own");
    assert_eq!(headers[header::CACHE_CONTROL], "max-age=60");
    assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[tokio::test]
async fn the_request_id_is_ours_and_the_address_the_proxys_word() {
    let metrics = Arc::default();
    let request = Request::get("/from")
        .header("x-request-id", "theirs")
        .header("x-forwarded-for", "198.51.100.1")
        .header("forwarded", "for=203.0.113.1")
        .body(Body::empty())
        .unwrap();
    let (_, headers, body) = ask(&router(&metrics, false), request).await;
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(id.starts_with("req_"), "{id}");
    assert_eq!(body, format!("198.51.100.1 {id}"));
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_message() {
    let metrics = Arc::default();
    let router = router(&metrics, false);
    for _ in 0..3 {
        let (status, headers, body) = get_path(&router, "/panic").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("with a name"), "{body}");
        assert!(body.contains("server_error"), "{body}");
        assert!(body.contains(headers["x-request-id"].to_str().unwrap()));
    }
    assert_eq!(get_path(&router, "/page/x").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_large_body_is_413_whether_it_says_so_or_not() {
    let metrics = Arc::default();
    let router = router(&metrics, false);
    let large = vec![b'x'; admission::MAX_BODY_BYTES + 1];
    let declared = Request::post("/echo")
        .body(Body::from(large.clone()))
        .unwrap();
    let (status, _, body) = ask(&router, declared).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body.contains("invalid_request"), "{body}");
    let streamed = http_body_util::combinators::BoxBody::new(Unsized(Some(large.into())));
    let streamed = Request::post("/echo").body(Body::new(streamed)).unwrap();
    assert_eq!(
        ask(&router, streamed).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let fits = vec![b'x'; admission::MAX_BODY_BYTES];
    let fits = Request::post("/echo").body(Body::from(fits)).unwrap();
    assert_eq!(ask(&router, fits).await.0, StatusCode::OK);
}

/// A body that does not say how long it is.
struct Unsized(Option<Bytes>);

impl hyper::body::Body for Unsized {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(
            self.0
                .take()
                .map(|bytes| Ok(hyper::body::Frame::data(bytes))),
        )
    }
}

/// A body that does not come, or breaks off.
struct Stalled(Poll<()>);

impl hyper::body::Body for Stalled {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        self.0
            .map(|()| Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
    }
}

#[tokio::test]
async fn who_sends_slowly_takes_nobodys_place() {
    let metrics = Arc::default();
    let router = router(&metrics, false);
    let stalled = || {
        let body = Body::new(Stalled(Poll::Pending));
        Request::post("/echo").body(body).unwrap()
    };
    let mut waiting = pin!(ask(&router, stalled()));
    for _ in 0..3 {
        assert!(poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending())).await);
        let whole = Request::post("/echo").body(Body::from("x")).unwrap();
        assert_eq!(ask(&router, whole).await.0, StatusCode::OK);
    }
    assert_eq!(waiting.await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let metrics = Arc::default();
    let body = Body::new(Stalled(Poll::Ready(())));
    let request = Request::post("/echo").body(body).unwrap();
    let (status, ..) = ask(&router(&metrics, false), request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_takes_too_long_is_503_and_frees_its_place() {
    let metrics = Arc::default();
    let router = router(&metrics, false);
    for _ in 0..2 {
        let (status, headers, body) = get_path(&router, "/slow").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(headers.contains_key(header::RETRY_AFTER));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"], "temporarily_unavailable");
    }
    let text = metrics.encode().unwrap();
    assert!(text.contains("reason=\"timed_out\"} 2"), "{text}");
    assert!(text.contains("in_flight{class=\"token\"} 0"), "{text}");
}

#[tokio::test]
async fn one_more_than_the_limit_is_503_and_other_classes_go_on() {
    let metrics = Arc::default();
    let begun = Arc::new(Notify::new());
    let inside = Arc::clone(&begun);
    let handler = async move || {
        inside.notify_one();
        std::future::pending::<&str>().await
    };
    let envelope = envelope(&metrics, false);
    let group = |class, handler| {
        Router::new()
            .route(&format!("/{}", Class::name(class)), handler)
            .layer(envelope.class(class))
    };
    let router = group(Class::Login, get(handler)).merge(group(Class::Api, get(async || "ok")));
    let first = tokio::spawn({
        let router = router.clone();
        async move { get_path(&router, "/login").await }
    });
    begun.notified().await;
    let (status, headers, body) = get_path(&router, "/login").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(headers.contains_key(header::RETRY_AFTER));
    assert!(body.contains("服务繁忙") && body.contains("temporarily_unavailable"));
    // Refusals are counted: there is no line in the log that a reference would find.
    assert!(!body.contains("req_"), "{body}");
    assert_eq!(get_path(&router, "/api").await.0, StatusCode::OK);
    // A client that hangs up frees its place.
    first.abort();
    assert!(first.await.is_err());
    let text = metrics.encode().unwrap();
    assert!(text.contains("in_flight{class=\"login\"} 0"), "{text}");
}

#[tokio::test]
async fn labels_are_patterns() {
    let metrics = Arc::default();
    let router = router(&metrics, false);
    get_path(&router, "/page/zhang-wei?phone=13800000001").await;
    get_path(&router, "/zhang-wei").await;
    let text = metrics.encode().unwrap();
    assert!(
        text.contains("route=\"/page/{name}\",status=\"200\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("route=\"unmatched\",status=\"404\"} 1"),
        "{text}"
    );
    assert!(!text.contains("zhang"), "{text}");
}
