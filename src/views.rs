//! Page models, rendering and languages.
