//! A keep-alive connection that costs as little as it can: requests are bytes made before, answers
//! are looked at only where something is needed of them.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection, with the last answer in its buffer.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a str,
    body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a whole request and waits for the whole answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, whole) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            if let Some(head) = find(&self.buffer, b"\r\n\r\n") {
                let text = text(&self.buffer, ..head)?;
                let length = match header(text, "content-length") {
                    Some(length) => length.parse::<usize>()?,
                    None => 0,
                };
                break (head, head + 4 + length);
            }
        };
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
        }
        let head_text = text(&self.buffer, ..head)?;
        let status = head_text.get(9..12).context("an answer has a status")?;
        Ok(Answer {
            status: status.parse()?,
            head: head_text,
            body: self.buffer.get(head + 4..).unwrap_or_default(),
        })
    }
}

/// The server has no room.
#[derive(Debug)]
pub(crate) struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server is busy")
    }
}

impl Error for Busy {}

/// Whether the server had room.
pub(crate) fn admitted<T>(result: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is::<Busy>() => Ok(None),
        Err(error) => Err(error),
    }
}

impl<'a> Answer<'a> {
    /// Refuses any other status.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        if self.status == 503 {
            return Err(Busy.into());
        }
        bail!(
            "{status} was expected, not\n{}\n\n{}",
            self.head,
            String::from_utf8_lossy(self.body)
        )
    }

    pub(crate) fn text(&self) -> anyhow::Result<&'a str> {
        Ok(std::str::from_utf8(self.body)?)
    }

    /// Where the answer sends the browser.
    pub(crate) fn location(&self) -> anyhow::Result<&'a str> {
        header(self.head, "location").context("the answer redirects")
    }

    /// The value of a cookie that the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&'a str> {
        self.head
            .split("\r\n")
            .filter_map(|line| value_of(line, "set-cookie"))
            .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// A member of a JSON object that is text without escapes, as all tokens are.
    pub(crate) fn member(&self, name: &str) -> anyhow::Result<&'a str> {
        let text = self.text()?;
        let key = format!("\"{name}\":\"");
        let from = text.find(&key).with_context(|| format!("no {name}"))? + key.len();
        let rest = text.get(from..).unwrap_or_default();
        rest.split('"').next().context("text ends")
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| value_of(line, name))
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = line.split_once(':')?;
    key.eq_ignore_ascii_case(name).then(|| value.trim())
}

fn text(bytes: &[u8], range: std::ops::RangeTo<usize>) -> anyhow::Result<&str> {
    Ok(std::str::from_utf8(
        bytes.get(range).context("within the buffer")?,
    )?)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
