//! Work on a timer: expire, seal, rotate.
