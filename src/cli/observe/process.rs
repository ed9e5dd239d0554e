//! What Linux says of this process: other systems have no such files.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::http::metrics::Metrics;

/// Its processor time, memory and open files.
pub(super) fn observe(metrics: &Metrics) {
    metrics.counter(
        "process_cpu_seconds",
        "Processor time of all threads",
        || {
            let spent = clock_gettime(ClockId::ProcessCPUTime);
            let nanos = i32::try_from(spent.tv_nsec).map_or(0.0, f64::from);
            u32::try_from(spent.tv_sec).map_or(0.0, f64::from) + nanos / 1e9
        },
    );
    metrics.gauge(
        "process_resident_bytes",
        "Memory that it really occupies",
        || resident_bytes().unwrap_or_default(),
    );
    metrics.gauge(
        "process_open_files",
        "File descriptors in use, connections among them",
        || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
    );
    metrics.gauge(
        "process_open_files_limit",
        "File descriptors that there may be; 0 for no limit",
        || getrlimit(Resource::Nofile).current.unwrap_or_default(),
    );
}

/// `VmRSS:     12345 kB`
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_this_process_is_read() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1024 * 1024));
    }
}
