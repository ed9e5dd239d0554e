//! Where Redis is. Prints without its password.

use std::fmt;
use std::str::FromStr;

use redis::cluster::ClusterClient;
use redis::{Client, IntoConnectionInfo, RedisResult};

use super::connection::CONNECT;

/// Where Redis is: `redis://…`, or a cluster by some of its nodes. `rediss` is over TLS.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) place: Place,
    shown: String,
}

#[derive(Clone)]
pub(super) enum Place {
    Server(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// Text that is not the URL of a Redis. It is not repeated, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseRedisUrlError {
    /// None of the schemes.
    #[error(
        "must be `redis://HOST:PORT`, `rediss://HOST:PORT` (TLS) or \
         `redis-cluster://HOST:PORT,HOST:PORT` (`rediss-cluster` over TLS)"
    )]
    Scheme,
    /// Not a URL, or one that asks for more than a server, a user and the number of a database.
    #[error("the Redis URL is malformed: it is `redis://USER:PASSWORD@HOST:PORT/DATABASE`")]
    Malformed,
    /// A list that is none, or has what its nodes cannot have.
    #[error(
        "the Redis URL is malformed: it is `redis-cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`"
    )]
    Nodes,
}

impl FromStr for RedisUrl {
    type Err = ParseRedisUrlError;

    fn from_str(text: &str) -> Result<Self, ParseRedisUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(ParseRedisUrlError::Scheme)?;
        let (user, places) = match rest.rsplit_once('@') {
            Some((user, places)) => (Some(user), places),
            None => (None, rest),
        };
        let place = match scheme {
            "redis" | "rediss" => {
                let url = node_url(scheme, user, places);
                let client = url.and_then(|url| Client::open(url).ok());
                Place::Server(Box::new(client.ok_or(ParseRedisUrlError::Malformed)?))
            }
            "redis-cluster" => Place::Cluster(Box::new(cluster("redis", user, places)?)),
            "rediss-cluster" => Place::Cluster(Box::new(cluster("rediss", user, places)?)),
            _ => return Err(ParseRedisUrlError::Scheme),
        };
        let user = user.map(|user| match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@"),
            None => format!("{user}@"),
        });
        Ok(Self {
            place,
            shown: format!("{scheme}://{}{places}", user.unwrap_or_default()),
        })
    }
}

/// One server's URL. No options: one of them would have its certificate taken unseen.
fn node_url(scheme: &str, user: Option<&str>, place: &str) -> Option<url::Url> {
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let url = url::Url::parse(&format!("{scheme}://{user}{place}")).ok()?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let has_host = url
        .host_str()
        .is_some_and(|host| !host.is_empty() && !host.contains(','));
    (is_plain && has_host && url.port() != Some(0)).then_some(url)
}

fn cluster(
    scheme: &str,
    user: Option<&str>,
    places: &str,
) -> Result<ClusterClient, ParseRedisUrlError> {
    let nodes: Option<Vec<url::Url>> = places
        .split(',')
        .map(|place| {
            let url = node_url(scheme, user, place)?;
            // A cluster has one database.
            url.path().is_empty().then_some(url)
        })
        .collect();
    let nodes = nodes.ok_or(ParseRedisUrlError::Nodes)?;
    build(nodes).map_err(|_| ParseRedisUrlError::Nodes)
}

fn build(nodes: Vec<url::Url>) -> RedisResult<ClusterClient> {
    let nodes: RedisResult<Vec<_>> = nodes
        .into_iter()
        .map(IntoConnectionInfo::into_connection_info)
        .collect();
    ClusterClient::builder(nodes?)
        .connection_timeout(CONNECT)
        .response_timeout(CONNECT)
        .overall_response_timeout(Some(CONNECT))
        .retries(2)
        .build()
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, ParseRedisUrlError> {
        text.parse::<RedisUrl>().map(|url| url.to_string())
    }

    #[test]
    fn a_password_is_not_shown() {
        for (text, expected) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://h/3", "redis://h/3"),
            ("rediss://u:hunter2@h:1", "rediss://u:***@h:1"),
            ("redis://:hunter2@[::1]:1/3", "redis://:***@[::1]:1/3"),
            (
                "redis-cluster://u:hunter2@a:1,b:2,[::1]:3",
                "redis-cluster://u:***@a:1,b:2,[::1]:3",
            ),
            ("rediss-cluster://a:1", "rediss-cluster://a:1"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
            let debug = format!("{:?}", text.parse::<RedisUrl>().unwrap());
            assert_eq!(debug, expected);
        }
    }

    #[test]
    fn all_others_are_refused() {
        use ParseRedisUrlError::{Malformed, Nodes, Scheme};
        for (text, expected) in [
            ("", Scheme),
            ("127.0.0.1:6379", Scheme),
            ("redis:h", Scheme),
            ("http://h", Scheme),
            ("redis+unix:///run/redis", Scheme),
            ("unix:///run/redis", Scheme),
            ("redis://", Malformed),
            ("redis://:hunter2@", Malformed),
            ("redis://h:port", Malformed),
            ("redis://h:0", Malformed),
            ("redis://h/zero", Malformed),
            ("redis://h,i", Malformed),
            ("redis://h:1,i:2", Malformed),
            ("redis://u:hun/ter2@h", Malformed),
            ("redis://h?protocol=resp3", Malformed),
            ("rediss://h#insecure", Malformed),
            ("redis-cluster://", Nodes),
            ("redis-cluster://a:1,,b:2", Nodes),
            ("redis-cluster://a:1,b:2/3", Nodes),
            ("rediss-cluster://a:1#insecure", Nodes),
            ("redis-cluster://a:1,redis://b:2", Nodes),
        ] {
            assert_eq!(shown(text), Err(expected), "{text}");
        }
    }
}
