//! What a running server deletes by itself.

use std::time::Duration;

use crate::installation::{Installation, on_both};
use crate::server::within;

const LONG: Duration = Duration::from_mins(1);

on_both! {
    /// What was given up is known for a month; then a server that does nothing else forgets it.
    async fn what_was_given_up_long_ago_leaves_the_outbox(installation: &mut Installation) {
        const LEFT: &str = "SELECT COUNT(*) FROM outbox";
        installation.migrate().await;
        // In 1970; nobody is to deliver it.
        let given_up = "INSERT INTO outbox
                            (item_id, kind, created_at, expires_at, attempts, failed_at)
                        VALUES ('dlv_long_ago', 'message', 1000, 2000, 7, 2000)";
        installation.execute(given_up).await;
        assert_eq!(installation.number(LEFT).await, 1);
        let server = installation.serve().await;
        within(LONG, "it is forgotten", async || {
            (installation.number(LEFT).await == 0).then_some(())
        })
        .await;
        server.stop().await;
    }
}
