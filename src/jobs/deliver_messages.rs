//! Delivers messages to people: puts each into words and hands it to the gateway.

use std::sync::Arc;

use super::Shutdown;
use super::deliver::{Carrier, Delivery, Tally, Undelivered};
use crate::domain::message::Message;
use crate::domain::one_time_code::OneTimeCode;
use crate::ledger::Ledger;
use crate::ledger::keyring::Keys;
use crate::ledger::outbox::Parcel;
use crate::outbound::messages::{MessageGateway, OutgoingMessage, SendError};
use crate::views::message::MessageTexts;

/// Runs until told to end.
pub async fn run(
    (ledger, keys): (Ledger, Keys),
    (gateway, texts): (MessageGateway, MessageTexts),
    tally: Arc<Tally>,
    shutdown: Shutdown,
) {
    let carrier = Messenger { gateway, texts };
    Delivery::new(&ledger, &keys, carrier, tally)
        .run(shutdown)
        .await;
}

struct Messenger {
    gateway: MessageGateway,
    texts: MessageTexts,
}

impl Carrier for Messenger {
    type Content = Message;

    async fn carry(&self, parcel: &Parcel, message: &Message) -> Result<(), Undelivered> {
        let text = self
            .texts
            .render(message)
            .map_err(|error| Undelivered::Refused(error.to_string()))?;
        let outgoing = OutgoingMessage {
            to: message.to.address(),
            channel: message.to.channel(),
            text: &text,
            code: message.text.code().map(OneTimeCode::as_str),
            at: parcel.created_at(),
            id: parcel.id(),
        };
        let sent = self.gateway.send(&outgoing).await;
        sent.map_err(|error| match error {
            SendError::Refused(_) => Undelivered::Refused(error.to_string()),
            SendError::Later(_) => Undelivered::Later(error.to_string()),
        })
    }
}
