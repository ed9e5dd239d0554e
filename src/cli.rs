//! The command line and composition root; the only reader of configuration and environment.
