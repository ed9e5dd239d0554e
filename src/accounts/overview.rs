//! What a person sees of their own account, and the logins that they end from there.

use serde_json::json;

use super::Accounts;
use super::ended::EndError;
use super::profile::Profile;
use crate::domain::assurance;
use crate::domain::check::Check;
use crate::domain::client::ClientId;
use crate::domain::grant::Grant;
use crate::domain::id::{AccountId, NoticeId, SessionId};
use crate::domain::instant::Instant;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::phone::PhoneNumber;
use crate::domain::session::Session;
use crate::ledger::audit::{Event, EventKind};
use crate::ledger::feed::Change;
use crate::ledger::outbox::OutboxItem;
use crate::ledger::profiles::ProfileError;
use crate::protocol::acr::Ial;
use crate::storage::sessions::ListedSession;
use crate::storage::{self, account_index, checks, grants, notices, sessions};

/// A person's account, as they are shown it.
pub struct Overview {
    /// Who it is.
    pub profile: Profile,
    /// When each phone was last confirmed, in the profile's order.
    pub phones_confirmed: Vec<Option<Instant>>,
    /// What the checks prove now.
    pub level: Option<Ial>,
    /// Every check, oldest first.
    pub checks: Vec<Check>,
    /// The logins that last.
    pub sessions: Vec<ListedSession>,
    /// What was given to whom.
    pub grants: Vec<(ClientId, Grant)>,
    /// What happened lately.
    pub notices: Vec<Notice>,
}

/// Which logins to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// One.
    Session(SessionId),
    /// All but the one at hand.
    Others,
}

struct Ending {
    session: Session,
    which: Remote,
    notice: (NoticeId, Notice),
    told: OutboxItem,
    now: Instant,
}

impl Accounts {
    /// Everything about an account that its person is shown; none if there is none.
    pub async fn overview(&self, id: AccountId) -> Result<Option<Overview>, ProfileError> {
        let Some((_, profile)) = self.profile(id).await? else {
            return Ok(None);
        };
        let now = self.now();
        let mut reader = self.ledger.reader().await?;
        let mut phones_confirmed = Vec::with_capacity(profile.phones.len());
        for phone in &profile.phones {
            phones_confirmed.push(self.confirmed_at(&mut reader, id, phone).await?);
        }
        let checks = checks::list(&mut reader, id).await?;
        Ok(Some(Overview {
            level: assurance::derive(&checks, now),
            checks,
            sessions: sessions::list_live(&mut reader, id, now).await?,
            grants: grants::list(&mut reader, id).await?,
            notices: notices::list(&mut reader, id).await?,
            profile,
            phones_confirmed,
        }))
    }

    /// What happened to an account lately, the last first.
    pub async fn notices(&self, id: AccountId) -> Result<Vec<Notice>, storage::Error> {
        notices::list(&mut self.ledger.reader().await?, id).await
    }

    /// Whether a phone confirmed then still logs in and recovers.
    pub fn phone_counts(&self, confirmed_at: Option<Instant>) -> bool {
        confirmed_at.is_some_and(|at| at > self.phone_horizon())
    }

    pub(super) async fn confirmed_at(
        &self,
        reader: &mut storage::Reader,
        id: AccountId,
        phone: &PhoneNumber,
    ) -> Result<Option<Instant>, storage::Error> {
        let holders = account_index::list_holders(reader, &self.phone_key(phone)).await?;
        let own = holders.iter().find(|holder| holder.account_id == id);
        Ok(own.and_then(|holder| holder.confirmed_at))
    }

    /// Ends logins of one's own from another one, `session`. Ending one that has ended, or that is
    /// not one's own, is no fault: nothing happens.
    pub async fn end_remotely(&self, session: &Session, which: Remote) -> Result<(), EndError> {
        let now = self.now();
        let ending = Ending {
            session: session.clone(),
            which,
            notice: self.notice(NoticeKind::SessionEnded, now),
            told: self.sessions_ended(session.account_id, now)?,
            now,
        };
        let ended: Result<(), storage::Error> = self
            .ledger
            .write(ending, |entry, ending| {
                Box::pin(async move {
                    let Ending {
                        session,
                        which,
                        notice: (notice_id, notice),
                        told,
                        now,
                    } = ending;
                    let id = session.account_id;
                    let live = sessions::list_live(entry.tx(), id, *now).await?;
                    let meant = live.iter().map(|live| live.id).filter(|live| match which {
                        Remote::Session(one) => live == one && *live != session.id,
                        Remote::Others => *live != session.id,
                    });
                    let mut ended = false;
                    for meant in meant {
                        if !sessions::end(entry.tx(), id, meant, *now).await? {
                            continue;
                        }
                        ended = true;
                        entry.announce(Change::SessionEnded(id, meant));
                        let event = Event::new(EventKind::Logout, *now)
                            .account(id)
                            .detail(json!({ "session": meant, "from": session.id }));
                        entry.record(&event).await?;
                    }
                    if ended {
                        notices::insert(entry.tx(), id, *notice_id, notice).await?;
                        entry.enqueue(told).await?;
                    }
                    Ok(())
                })
            })
            .await;
        Ok(ended?)
    }
}
