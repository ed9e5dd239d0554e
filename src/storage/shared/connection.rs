//! A connection to a Redis, or to a cluster of them.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError};

use super::url::{Place, RedisUrl};

/// How long making a connection may take. No request waits for one.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take: requests wait for it.
const ANSWER: Duration = Duration::from_millis(50);

/// A connection, shared by all who clone it.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why there is no answer. Quotes neither keys nor what is stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    #[error("no connection within {} s", CONNECT.as_secs())]
    Unreachable,
    #[error("no answer within {} ms", ANSWER.as_millis())]
    Slow,
    #[error("{0}")]
    Refused(String),
}

impl From<RedisError> for Silence {
    fn from(error: RedisError) -> Self {
        Self::Refused(match error.code() {
            // What follows a code may quote the command.
            Some(code) => format!("{}: {code}", error.category()),
            None if error.is_io_error() => error.to_string(),
            None => error.category().to_owned(),
        })
    }
}

impl Connection {
    pub(super) async fn open(url: &RedisUrl) -> Result<Self, Silence> {
        let opened = async {
            match &url.place {
                Place::Server(client) => {
                    // Bounded here, as every answer is below.
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(None)
                        .set_response_timeout(None);
                    client
                        .get_multiplexed_async_connection_with_config(&config)
                        .await
                        .map(Self::Server)
                }
                Place::Cluster(client) => client.get_async_connection().await.map(Self::Cluster),
            }
        };
        tokio::time::timeout(CONNECT, opened)
            .await
            .map_err(|_| Silence::Unreachable)?
            .map_err(Silence::from)
    }

    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Silence> {
        let answer = async {
            match self.clone() {
                Self::Server(mut server) => command.query_async(&mut server).await,
                Self::Cluster(mut cluster) => command.query_async(&mut cluster).await,
            }
        };
        tokio::time::timeout(ANSWER, answer)
            .await
            .map_err(|_| Silence::Slow)?
            .map_err(Silence::from)
    }
}
