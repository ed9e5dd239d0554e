//! How the tour tells what it does: a line of the request, a line of what came, and what it means
//! in both languages with the clause. Long values of addresses are left out: they are sealed or
//! random, and nobody reads them.

use std::fmt::Write as _;
use std::io;

use url::Url;

use super::browser::Exchange;
use super::explanations::{self, Site};

/// A value of a query that is longer says nothing to people.
const LONGEST_VALUE: usize = 42;

/// Whether what is printed has colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// For a terminal.
    Colors,
    /// For everything else.
    Plain,
}

impl Paint {
    /// Select Graphic Rendition (ECMA-48 §8.3.117).
    fn put(self, code: &str, text: &str) -> String {
        match self {
            Self::Colors => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    fn strong(self, text: &str) -> String {
        self.put("1", text)
    }

    fn faint(self, text: &str) -> String {
        self.put("2", text)
    }

    fn status(self, status: u16) -> String {
        let code = match status {
            200..=299 => "32",
            300..=399 => "36",
            _ => "31",
        };
        self.put(code, &status.to_string())
    }
}

/// Where the text goes.
type Print<'a> = Box<dyn FnMut(&str) -> io::Result<()> + Send + 'a>;

/// Tells of the tour.
pub struct Teller<'a> {
    paint: Paint,
    print: Print<'a>,
    requests: u32,
}

impl<'a> Teller<'a> {
    /// Tells by `output`.
    pub fn new(paint: Paint, output: impl FnMut(&str) -> io::Result<()> + Send + 'a) -> Self {
        Self {
            paint,
            print: Box::new(output),
            requests: 0,
        }
    }

    pub(super) fn act(&mut self, zh: &str, en: &str) -> io::Result<()> {
        let text = format!("\n{}\n{}\n", self.paint.strong(zh), self.paint.strong(en));
        (self.print)(&text)
    }

    pub(super) fn exchange(&mut self, site: Site, exchange: &Exchange) -> io::Result<()> {
        self.requests += 1;
        let text = self.told(site, exchange);
        (self.print)(&text)
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        let text = format!(
            "\n演完了：{0} 个请求，什么也没有留下。“tongxing demo”让您自己来。\n\
             That was all: {0} requests, and nothing stays behind. `tongxing demo` lets you play.\n",
            self.requests
        );
        (self.print)(&text)
    }

    fn told(&self, site: Site, exchange: &Exchange) -> String {
        let paint = self.paint;
        let mut text = format!(
            "\n{:>3}  {} {}\n",
            self.requests,
            paint.strong(exchange.method.as_str()),
            paint.strong(&shortened(&exchange.page.url))
        );
        let leads_to = exchange.leads_to.as_ref();
        let came = leads_to.map_or_else(String::new, |url| format!(" → {}", shortened(url)));
        let mut say = |line: &str| {
            // Writing to a string does not fail.
            writeln!(text, "     {line}").unwrap_or_default();
        };
        say(&format!("{}{came}", paint.status(exchange.status)));
        if site == Site::Demo
            && let Some(message) = exchange.page.message()
        {
            say(&paint.strong(&message));
        }
        if let Some(explanation) = explanations::of(site, exchange) {
            say(explanation.zh);
            say(explanation.en);
            say(&paint.faint(explanation.clause));
        }
        text
    }
}

/// An address without its scheme, long values left out.
fn shortened(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let query: Vec<_> = url
        .query_pairs()
        .map(|(name, value)| {
            if value.chars().count() > LONGEST_VALUE {
                format!("{name}=…")
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    format!("{host}{port}{}{query}", url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_left_out_of_addresses() {
        let long = "x".repeat(LONGEST_VALUE + 1);
        let url = format!("http://a.localhost:81/login?state={long}&scope=openid%20phone");
        let url = Url::parse(&url).unwrap();
        assert_eq!(
            shortened(&url),
            "a.localhost:81/login?state=…&scope=openid phone"
        );
        let url = Url::parse("http://localhost/").unwrap();
        assert_eq!(shortened(&url), "localhost/");
    }

    #[test]
    fn colors_are_for_terminals() {
        assert_eq!(Paint::Plain.status(303), "303");
        assert!(Paint::Colors.status(404).contains("\u{1b}[31m404"));
    }
}
