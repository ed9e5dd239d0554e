//! The axum server: routes, extractors, responders, middleware.
