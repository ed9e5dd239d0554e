//! The axum server: routes, extractors, responders, middleware.

pub mod address;
pub mod management;
pub mod metrics;
pub mod middleware;
pub mod server;
pub mod tls;
