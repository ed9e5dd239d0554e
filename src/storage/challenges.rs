//! The `challenges` table: registrations, recoveries and the like under way. What may happen once
//! (a code's acceptance, a challenge's end) is a condition in the statement that does it.

use super::{Error, Reader, SWEEP_LIMIT, Transaction, values};
use crate::domain::challenge::{ChallengeOutcome, ChallengePurpose};
use crate::domain::id::ChallengeId;
use crate::domain::instant::Instant;

/// How often a code may be mistyped; past it only a new one helps.
pub const TRIES_PER_CODE: u32 = 5;

/// How often one code that came back may lead to the authority: it may be down for a while, and the
/// button be pressed again and again.
pub const CHECKS_PER_CHALLENGE: u32 = 200;

/// A challenge to be written.
#[derive(Debug, Clone)]
pub struct NewChallenge {
    /// Its identifier.
    pub id: ChallengeId,
    /// What it is for.
    pub purpose: ChallengePurpose,
    /// What was typed, sealed.
    pub draft: String,
    /// Tag of the code that was sent.
    pub code_tag: String,
    /// Until when the code counts.
    pub code_expires_at: Instant,
    /// When it began.
    pub created_at: Instant,
    /// When it is over.
    pub expires_at: Instant,
}

/// A challenge as stored.
#[derive(Debug, Clone)]
pub struct StoredChallenge {
    /// What it is for.
    pub purpose: ChallengePurpose,
    /// What was typed, sealed.
    pub draft: String,
    /// Tag of the code that was sent last.
    pub code_tag: String,
    /// Until when that code counts.
    pub code_expires_at: Instant,
    /// How often it was mistyped.
    pub tries: u32,
    /// When the code came back.
    pub confirmed_at: Option<Instant>,
    /// Until when somebody is asking the authority.
    pub checking_until: Option<Instant>,
    /// How it ended.
    pub outcome: Option<ChallengeOutcome>,
    /// When it is over.
    pub expires_at: Instant,
}

/// Begins a challenge.
pub async fn insert(tx: &mut Transaction, new: &NewChallenge) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO challenges (challenge_id, purpose, draft, code_tag, code_expires_at, tries,
                                 checks, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7)",
        values![
            new.id,
            new.purpose.as_str(),
            new.draft.as_str(),
            new.code_tag.as_str(),
            new.code_expires_at,
            new.created_at,
            new.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// The challenge, if there is one.
pub async fn find(reader: &mut Reader, id: ChallengeId) -> Result<Option<StoredChallenge>, Error> {
    let row = reader
        .fetch_optional(
            "SELECT purpose, draft, code_tag, code_expires_at, tries, confirmed_at,
                    checking_until, outcome, expires_at
               FROM challenges WHERE challenge_id = $1",
            values![id],
        )
        .await?;
    let corrupt = |column| Error::Corrupt {
        table: "challenges",
        column,
    };
    row.map(|row| {
        let outcome = row.get::<Option<String>>("outcome")?;
        Ok(StoredChallenge {
            purpose: row
                .get::<String>("purpose")?
                .parse()
                .map_err(|_| corrupt("purpose"))?,
            draft: row.get("draft")?,
            code_tag: row.get("code_tag")?,
            code_expires_at: row.get("code_expires_at")?,
            tries: u32::try_from(row.get::<i64>("tries")?).map_err(|_| corrupt("tries"))?,
            confirmed_at: row.get("confirmed_at")?,
            checking_until: row.get("checking_until")?,
            outcome: outcome
                .map(|outcome| outcome.parse().map_err(|_| corrupt("outcome")))
                .transpose()?,
            expires_at: row.get("expires_at")?,
        })
    })
    .transpose()
}

/// Sends another code; false when one came back already, or the challenge has ended.
pub async fn renew_code(
    tx: &mut Transaction,
    id: ChallengeId,
    code_tag: &str,
    (now, code_expires_at): (Instant, Instant),
) -> Result<bool, Error> {
    let renewed = tx
        .execute(
            "UPDATE challenges SET code_tag = $2, code_expires_at = $4, tries = 0
              WHERE challenge_id = $1 AND confirmed_at IS NULL AND outcome IS NULL
                AND expires_at > $3",
            values![id, code_tag, now, code_expires_at],
        )
        .await?;
    Ok(renewed == 1)
}

/// Takes one try at a code, before it is compared: of any number at once no more than
/// [`TRIES_PER_CODE`] are compared. False when none is left, or nothing is to be tried.
pub async fn take_try(tx: &mut Transaction, id: ChallengeId, now: Instant) -> Result<bool, Error> {
    let taken = tx
        .execute(
            "UPDATE challenges SET tries = tries + 1
              WHERE challenge_id = $1 AND tries < $3 AND confirmed_at IS NULL
                AND outcome IS NULL AND code_expires_at > $2 AND expires_at > $2",
            values![id, now, TRIES_PER_CODE],
        )
        .await?;
    Ok(taken == 1)
}

/// Accepts a code: `code_tag` is the tag of what was typed. False when it is another code's, or
/// another was accepted before.
pub async fn confirm(
    tx: &mut Transaction,
    id: ChallengeId,
    code_tag: &str,
    now: Instant,
) -> Result<bool, Error> {
    let confirmed = tx
        .execute(
            "UPDATE challenges SET confirmed_at = $3
              WHERE challenge_id = $1 AND code_tag = $2 AND confirmed_at IS NULL
                AND outcome IS NULL AND expires_at > $3",
            values![id, code_tag, now],
        )
        .await?;
    Ok(confirmed == 1)
}

/// Takes the right to ask the authority, until `until`: one at a time asks, and no more than
/// [`CHECKS_PER_CHALLENGE`] times in all. Which time this is, from 1; nothing when somebody is at
/// it, or none is left.
pub async fn take_check(
    tx: &mut Transaction,
    id: ChallengeId,
    (now, until): (Instant, Instant),
) -> Result<Option<i64>, Error> {
    let taken = tx
        .returning(
            "UPDATE challenges SET checks = checks + 1, checking_until = $3
              WHERE challenge_id = $1 AND confirmed_at IS NOT NULL AND outcome IS NULL
                AND checks < $4 AND (checking_until IS NULL OR checking_until <= $2)
                AND expires_at > $2
             RETURNING checks",
            values![id, now, until, CHECKS_PER_CHALLENGE],
        )
        .await?;
    taken.map(|row| row.get("checks")).transpose()
}

/// Gives that right back, when the authority said nothing.
pub async fn return_check(tx: &mut Transaction, id: ChallengeId) -> Result<(), Error> {
    tx.execute(
        "UPDATE challenges SET checking_until = NULL WHERE challenge_id = $1",
        values![id],
    )
    .await?;
    Ok(())
}

/// Ends a challenge and forgets what was typed; false when its code did not come back, or it has
/// ended.
pub async fn finish(
    tx: &mut Transaction,
    id: ChallengeId,
    outcome: ChallengeOutcome,
    now: Instant,
) -> Result<bool, Error> {
    let finished = tx
        .execute(
            "UPDATE challenges SET outcome = $2, draft = ''
              WHERE challenge_id = $1 AND outcome IS NULL AND confirmed_at IS NOT NULL
                AND expires_at > $3",
            values![id, outcome.as_str(), now],
        )
        .await?;
    Ok(finished == 1)
}

/// Deletes challenges that were over before `before`; at most [`SWEEP_LIMIT`]. The number deleted.
pub async fn delete_expired(tx: &mut Transaction, before: Instant) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM challenges WHERE challenge_id IN (
             SELECT challenge_id FROM challenges WHERE expires_at < $1
              ORDER BY expires_at LIMIT $2)",
        values![before, SWEEP_LIMIT],
    )
    .await
}
