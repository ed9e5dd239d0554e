//! The program: everything is in the library, so that tests reach it.

use std::process::ExitCode;

/// Password hashing and many short-lived strings: glibc's allocator keeps what they free.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tongxing::cli::run(std::env::args_os(), std::env::vars_os())
}
