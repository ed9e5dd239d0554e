//! What is counted, and its text form (`OpenMetrics`).
//!
//! A label's value never comes from a client: routes are the patterns of our own table, classes
//! and reasons are ours. Layers below register a function to be asked at each scrape.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric as _,
    NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::middleware::Class;

const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Every metric of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: RwLock<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    in_flight: Family<ClassLabels, Gauge>,
    refused: Family<RefusedLabels, Counter>,
}

/// Why a request was answered by the middleware and not by its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too many of its class are worked on.
    Busy,
    /// It took too long.
    TimedOut,
    /// Its body is too large.
    TooLarge,
    /// Its body broke off, or is not framed as it should be.
    Broken,
    /// Its handler panicked.
    Panicked,
}

impl Refused {
    const ALL: [Self; 5] = [
        Self::Busy,
        Self::TimedOut,
        Self::TooLarge,
        Self::Broken,
        Self::Panicked,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Broken => "broken",
            Self::Panicked => "panicked",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    class: &'static str,
    reason: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: RwLock::new(Registry::with_prefix("tongxing")),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            in_flight: Family::default(),
            refused: Family::default(),
        };
        {
            let mut registry = metrics
                .registry
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            registry.register(
                "http_requests",
                "Requests answered",
                metrics.requests.clone(),
            );
            registry.register(
                "http_request_seconds",
                "From a request's headers to its answer",
                metrics.seconds.clone(),
            );
            registry.register(
                "http_in_flight",
                "Requests worked on now",
                metrics.in_flight.clone(),
            );
            registry.register(
                "http_refused",
                "Requests answered before or instead of their handler",
                metrics.refused.clone(),
            );
            let release = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
            registry.register("build", "Which release this is", release);
        }
        // From the start, so that a first refusal is seen as an increase.
        for class in Class::ALL {
            for reason in Refused::ALL {
                drop(metrics.refusals(class, reason));
            }
        }
        metrics
    }
}

impl Metrics {
    /// A gauge that `read` is asked for at each scrape.
    pub fn gauge<N: EncodeGaugeValue>(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> N + Send + Sync + 'static,
    ) {
        self.observe(name, help, move |encoder, name, help| {
            let gauge = ConstGauge::new(read());
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        });
    }

    /// Gauges by a label that `read` is asked for at each scrape: the label's values are ours and few.
    pub fn gauges<N: EncodeGaugeValue>(
        &self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<(&'static str, N)> + Send + Sync + 'static,
    ) {
        self.observe(name, help, move |encoder, name, help| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (value, level) in read() {
                let labels = [(label, value)];
                ConstGauge::new(level).encode(family.encode_family(&labels)?)?;
            }
            Ok(())
        });
    }

    /// A counter that `read` is asked for at each scrape; its name comes without `_total`.
    pub fn counter<N: EncodeCounterValue>(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> N + Send + Sync + 'static,
    ) {
        self.observe(name, help, move |encoder, name, help| {
            let counter = ConstCounter::new(read());
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        });
    }

    /// Counters by a label that `read` is asked for at each scrape: the label's values are ours and
    /// few. Its name comes without `_total`.
    pub fn counters<N: EncodeCounterValue>(
        &self,
        name: &'static str,
        help: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<(&'static str, N)> + Send + Sync + 'static,
    ) {
        self.observe(name, help, move |encoder, name, help| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (value, count) in read() {
                let labels = [(label, value)];
                let encoder = family.encode_family(&labels)?;
                ConstCounter::new(count).encode(encoder)?;
            }
            Ok(())
        });
    }

    /// A histogram of seconds that `read` is asked for at each scrape: the sum, and by upper bound
    /// how many were not above it but above the bound before; the last bound is `f64::INFINITY`.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> (f64, Vec<(f64, u64)>) + Send + Sync + 'static,
    ) {
        self.observe(name, help, move |encoder, name, help| {
            let mut histogram =
                encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            let (sum, buckets) = read();
            let count = buckets.iter().map(|(_, count)| count).sum();
            histogram.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        });
    }

    /// The text form.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }

    pub(super) fn answered(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        let labels = RouteLabels { route };
        self.seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let labels = RequestLabels {
            route: labels.route,
            status: u32::from(status),
        };
        self.requests.get_or_create(&labels).inc();
    }

    pub(super) fn refused(&self, class: Class, reason: Refused) {
        self.refusals(class, reason).inc();
    }

    fn refusals(&self, class: Class, reason: Refused) -> Counter {
        let (class, reason) = (class.name(), reason.name());
        let labels = RefusedLabels { class, reason };
        self.refused.get_or_create_owned(&labels)
    }

    /// The number of requests of a class that are worked on: also what their limit goes by.
    pub(super) fn in_flight(&self, class: Class) -> Gauge {
        let class = class.name();
        self.in_flight.get_or_create_owned(&ClassLabels { class })
    }

    fn observe<F>(&self, name: &'static str, help: &'static str, encode: F)
    where
        F: Fn(&mut DescriptorEncoder<'_>, &str, &str) -> fmt::Result + Send + Sync + 'static,
    {
        let mut registry = self
            .registry
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(Observed { name, help, encode }));
    }
}

struct Observed<F> {
    name: &'static str,
    help: &'static str,
    encode: F,
}

impl<F> fmt::Debug for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<F> Collector for Observed<F>
where
    F: Fn(&mut DescriptorEncoder<'_>, &str, &str) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.encode)(&mut encoder, self.name, self.help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_was_counted_and_what_is_asked_for() {
        let metrics = Metrics::default();
        metrics.answered("/oauth2/token", 200, Duration::from_millis(3));
        metrics.refused(Class::Login, Refused::Busy);
        metrics.in_flight(Class::Page).inc();
        metrics.gauge("hash_queue", "Logins waiting", || 7);
        metrics.gauge("feed_age_seconds", "Age", || 0.25);
        metrics.gauges("writes", "Writes", "database", || vec![("vault", 3)]);
        metrics.counter("audit_batches", "Batches sealed", || 41_u64);
        metrics.counters("checks", "Checks", "result", || {
            vec![("match", 5_u64), ("busy", 0)]
        });
        metrics.histogram("check_seconds", "Time", || {
            (1.5, vec![(0.5, 2), (f64::INFINITY, 1)])
        });
        let text = metrics.encode().unwrap();
        for line in [
            "tongxing_http_requests_total{route=\"/oauth2/token\",status=\"200\"} 1",
            "tongxing_http_request_seconds_bucket{le=\"0.005\",route=\"/oauth2/token\"} 1",
            "tongxing_http_refused_total{class=\"login\",reason=\"busy\"} 1",
            "tongxing_http_in_flight{class=\"page\"} 1",
            "tongxing_hash_queue 7",
            "tongxing_feed_age_seconds 0.25",
            "tongxing_writes{database=\"vault\"} 3",
            "tongxing_http_refused_total{class=\"page\",reason=\"timed_out\"} 0",
            concat!(
                "tongxing_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "tongxing_audit_batches_total 41",
            "tongxing_checks_total{result=\"match\"} 5",
            "tongxing_checks_total{result=\"busy\"} 0",
            "tongxing_check_seconds_sum 1.5",
            "tongxing_check_seconds_count 3",
            "tongxing_check_seconds_bucket{le=\"0.5\"} 2",
            "tongxing_check_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
