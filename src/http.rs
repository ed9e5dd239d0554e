//! The axum server: routes, extractors, responders, middleware.

pub mod address;
pub mod context;
pub mod cookies;
mod device;
pub mod endpoints;
pub mod management;
pub mod metrics;
pub mod middleware;
pub mod pages;
pub mod respond;
pub mod router;
pub mod server;
pub mod state;
pub mod tls;
