//! What happens to accounts and keys while residents use them.

use serde_json::json;
use tongxing::crypto::password::{PasswordParameters, PoolSettings};
use tongxing::domain::id::AccountId;
use tongxing::storage::Error;
use tongxing::values;

use crate::support::{
    LI, Portal, Server, Tokens, ZHANG, assert_refused, assert_signed, header_of, operation, quick,
    race, seconds,
};

#[tokio::test]
async fn a_frozen_account_does_nothing_until_it_is_released() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let code = portal.authorize(&mut zhang).await;
    let li = portal.tokens(&mut server.browser_of(&LI)).await;
    server.freeze(&ZHANG).await;
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert!(!portal.is_active(&tokens.access).await);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    let page = zhang.visit(&portal.request().url()).await;
    assert_eq!(page.path(), "/login");
    let refused = zhang.log_in_here(&page).await;
    assert!(refused.page().has("login-submit"));
    assert_eq!(portal.userinfo(&li.access).await.status, 200);
    // Released, the resident logs in again; the consent stands, what was ended stays ended.
    server.clock.advance(seconds(5));
    server.unfreeze(&ZHANG).await;
    assert_eq!(portal.userinfo(&tokens.access).await.status, 401);
    assert_refused(&portal.refresh(tokens.refresh()).await, "invalid_grant");
    assert_refused(&portal.redeem(&code).await, "invalid_grant");
    let mut again = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut again).await;
    assert_eq!(again.asked, ["/login"]);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    assert_eq!(server.recorded("account_frozen").await, 1);
    assert_eq!(server.recorded("account_unfrozen").await, 1);
}

#[tokio::test]
async fn an_old_password_hash_is_made_anew_at_login() {
    // Everybody's hash was made with one pass.
    let settings = PoolSettings {
        parameters: PasswordParameters::new(8, 2, 1).expect("small parameters"),
        ..quick()
    };
    let server = Server::start_hashing(settings).await;
    let mut zhang = server.browser();
    let page = zhang.visit("/login").await;
    zhang.type_in(&page, ZHANG.phone, "a wrong password").await;
    assert_eq!(server.recorded("password_upgraded").await, 0);
    for _ in 0..3 {
        server.browser().login(&ZHANG).await;
        assert_eq!(server.recorded("password_upgraded").await, 1);
    }
    let page = zhang.visit("/login").await;
    let answer = zhang.type_in(&page, ZHANG.phone, "a wrong password").await;
    assert!(answer.page().has("login-submit"));
}

/// What cannot be hashed now is not queued for ever: 503, and when to come back. The name is nobody's:
/// guesses at unknown accounts cost what others do (case 29).
#[tokio::test(flavor = "multi_thread")]
async fn a_full_hashing_queue_asks_to_come_back() {
    let settings = PoolSettings {
        threads: 1,
        queue: 1,
        parameters: PasswordParameters::new(65_536, 3, 1).expect("parameters"),
    };
    let server = Server::start_hashing(settings).await;
    let answers = race(16, |_| {
        let server = server.clone();
        async move {
            let mut browser = server.browser();
            let page = browser.visit("/login").await;
            browser.type_in(&page, "+8613800009999", "a guess").await
        }
    })
    .await;
    let (busy, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
    assert!(!busy.is_empty() && !refused.is_empty(), "{}", busy.len());
    for answer in busy {
        let wait = answer.header("retry-after").expect("when to come back");
        assert!(wait.parse::<u32>().expect("seconds") > 0);
        // The page lets one try again as it is.
        assert!(answer.page().has("login-submit"));
    }
    for answer in &refused {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(server.recorded("login_failed").await, refused.len());
}

/// DESIGN §4: rotation loses no login.
#[tokio::test]
async fn rotating_keys_loses_nothing() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let public = json!({ "token_endpoint_auth_method": "none" });
    let public = Portal::register(&server, &public).await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let rotating = public.tokens(&mut zhang).await;
    let code = portal.authorize(&mut zhang).await;
    let mut li = server.browser_of(&LI);
    let waiting = li.visit(&portal.full_request().url()).await;
    let id_token = tokens.id.as_deref().expect("an ID token");
    for _ in 0..2 {
        server.keys.prepare_next().await.expect("a next key");
        // The next key is published before it signs.
        let published = server.get("/oauth2/jwks").await.json();
        server.clock.advance(seconds(3));
        server.keys.rotate().await.expect("a rotation");
        let silent = portal.request().with("prompt", "none");
        let request = silent.with("id_token_hint", id_token);
        let fresh = portal.tokens_with(&mut zhang, &request).await;
        let fresh_id = fresh.id.as_deref().expect("an ID token");
        assert_signed(&published, fresh_id);
        assert_signed(&published, &fresh.access);
        assert_ne!(header_of(fresh_id)["kid"], header_of(id_token)["kid"]);
        assert_eq!(fresh.id_claims()["sub"], tokens.id_claims()["sub"]);
        assert_eq!(fresh.id_claims()["sid"], tokens.id_claims()["sid"]);
    }
    let now = server.get("/oauth2/jwks").await.json();
    assert_signed(&now, id_token);
    assert_signed(&now, &tokens.access);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    assert!(portal.is_active(&tokens.access).await);
    Tokens::of(&portal.redeem(&code).await);
    Tokens::of(&portal.refresh(tokens.refresh()).await);
    let next = Tokens::of(&public.refresh(rotating.refresh()).await);
    Tokens::of(&public.refresh(next.refresh()).await);
    // Who was at the login page goes on from it.
    let answer = li.agree_from(waiting).await;
    Tokens::of(&portal.redeem(&portal.full_request().code(&answer)).await);
    // An old hint still logs out without a question.
    let target = format!("/oauth2/end_session?id_token_hint={id_token}");
    assert_eq!(zhang.visit(&target).await.path(), "/oauth2/end_session");
    assert!(!zhang.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn an_account_read_before_its_buckets_key_was_replaced_opens_as_before() {
    let server = Server::start().await;
    let portal = server.portal().await;
    let mut zhang = server.browser_of(&ZHANG);
    let tokens = portal.tokens(&mut zhang).await;
    let id = server.account_of(&ZHANG).await;
    let (old, profile) = server.accounts.profile(id).await.unwrap().unwrap();
    // Another account of the same bucket, of which only the key is left to be replaced.
    let gone = AccountId::from_u128(1);
    let removed: Result<u64, Error> = server
        .ledger
        .storage()
        .write((id, gone), |tx, &(id, gone)| {
            Box::pin(async move {
                let sql = "INSERT INTO erasures (account_id, key_bucket, key_version, removed_at)
                           SELECT $2, key_bucket, key_version, 1 FROM accounts
                            WHERE account_id = $1";
                tx.execute(sql, values![id, gone]).await
            })
        })
        .await;
    assert_eq!(removed.unwrap(), 1);
    let removal = server.accounts.remove(gone, operation()).await;
    assert!(removal.unwrap().key_replaced_at.is_some());
    let (new, _) = server.accounts.profile(id).await.unwrap().unwrap();
    assert_eq!(new.sealed.key_version, old.sealed.key_version + 1);
    let opened = server.accounts.open_profile(id, &old.sealed).await;
    assert!(opened.unwrap().name == profile.name);
    assert_eq!(portal.userinfo(&tokens.access).await.status, 200);
    // Nobody opens what is not there.
    let nobody = server.accounts.open_profile(gone, &old.sealed).await;
    assert!(nobody.is_err());
}
