//! Who takes part: residents that log in with one password, portals of each kind, and a service.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

use super::server::Server;

/// Everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery";

const SALT: &[u8] = b"sixteen bytes!!!";

/// The setting of `config/default.toml`: what one hash costs.
pub(crate) fn argon2() -> anyhow::Result<Argon2<'static>> {
    let parameters = Params::new(19_456, 2, 1, Some(32)).map_err(|error| anyhow::anyhow!(error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// A registered client.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// `Authorization`, with the line's end; nothing for a public client.
    pub(crate) authorization: String,
}

/// Everybody.
#[derive(Debug)]
pub(crate) struct Cast {
    /// Phone numbers, which are user names.
    pub(crate) residents: Vec<String>,
    /// Confidential, ID tokens by ES256.
    pub(crate) es256: Portal,
    /// Confidential, ID tokens by RS256.
    pub(crate) rs256: Portal,
    /// Without a secret, so its refresh tokens rotate.
    pub(crate) public: Portal,
    /// Speaks for nobody.
    pub(crate) service: Portal,
}

impl Cast {
    /// Imports residents and registers clients.
    pub(crate) fn enter(server: &Server, residents: usize) -> anyhow::Result<Self> {
        let service = json!({
            "client_name": "service",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"],
            "response_types": [],
        });
        Ok(Self {
            residents: import(server, residents)?,
            es256: one_portal(server)?,
            rs256: register(
                server,
                &portal("two.example", "RS256", "client_secret_basic"),
            )?,
            public: register(server, &portal("three.example", "ES256", "none"))?,
            service: register(server, &service)?,
        })
    }
}

/// A portal that most benchmarks can do with: confidential, ID tokens by ES256.
pub(crate) fn one_portal(server: &Server) -> anyhow::Result<Portal> {
    register(
        server,
        &portal("one.example", "ES256", "client_secret_basic"),
    )
}

fn portal(host: &str, algorithm: &str, method: &str) -> Value {
    json!({
        "client_name": host,
        "redirect_uris": [format!("https://{host}/callback")],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile phone offline_access",
        "id_token_signed_response_alg": algorithm,
    })
}

fn import(server: &Server, residents: usize) -> anyhow::Result<Vec<String>> {
    let (file, phones) = write_residents(server, residents)?;
    let summary = server.run(&["account", "import", &file])?;
    all_came(&summary, residents)?;
    Ok(phones)
}

/// Whether an import says that it made all of them.
pub(crate) fn all_came(summary: &str, residents: usize) -> anyhow::Result<()> {
    let summary: Value = serde_json::from_str(summary)?;
    let imported = summary.get("imported").and_then(Value::as_u64);
    ensure!(imported == Some(u64::try_from(residents)?), "{summary}");
    Ok(())
}

/// A file to import, and the phones in it. Everybody's password has one hash, of today's cost.
pub(crate) fn write_residents(
    server: &Server,
    residents: usize,
) -> anyhow::Result<(String, Vec<String>)> {
    let mut output = [0; 32];
    argon2()?
        .hash_password_into(PASSWORD.as_bytes(), SALT, &mut output)
        .map_err(|error| anyhow::anyhow!(error))?;
    let hash = format!(
        "$argon2id$v=19$m=19456,t=2,p=1${}${}",
        STANDARD_NO_PAD.encode(SALT),
        STANDARD_NO_PAD.encode(output)
    );
    let mut lines = String::new();
    let mut phones = Vec::with_capacity(residents);
    for number in 0..residents {
        let phone = format!("+86138{number:08}");
        let line = json!({
            "name": "张伟",
            "document_type": "resident_id_card",
            "document_number": document_number(number),
            "phone_number": phone,
            "password_hash": hash,
        });
        writeln!(lines, "{line}")?;
        phones.push(phone);
    }
    let file = server.folder().join("residents.ndjson");
    fs::write(&file, lines)?;
    Ok((file.display().to_string(), phones))
}

/// A resident identity card's number (GB 11643): the sum of digits times powers of two, modulo 11.
fn document_number(number: usize) -> String {
    // A thousand are born in one district on one day.
    let (order, born) = (number % 1_000, number / 1_000);
    let (day, month, year) = (born % 28 + 1, born / 28 % 12 + 1, born / 336 % 60 + 1950);
    let head = format!("330106{year:04}{month:02}{day:02}{order:03}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let digits = head.bytes().map(|digit| usize::from(digit - b'0'));
    let sum: usize = digits
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    let check = "10X98765432".chars().nth(sum % 11).unwrap_or('X');
    format!("{head}{check}")
}

fn register(server: &Server, metadata: &Value) -> anyhow::Result<Portal> {
    let file = server.folder().join("client.json");
    fs::write(&file, metadata.to_string())?;
    let printed = server.run(&["client", "add", "--metadata", &file.display().to_string()])?;
    let printed: Value = serde_json::from_str(&printed)?;
    let text = |name: &str| printed.get(name).and_then(Value::as_str).map(str::to_owned);
    let client_id = text("client_id").context("a client has an identifier")?;
    let authorization = text("client_secret").map_or_else(String::new, |secret| {
        let pair = STANDARD.encode(format!("{client_id}:{secret}"));
        format!("Authorization: Basic {pair}\r\n")
    });
    let redirect_uri = metadata.pointer("/redirect_uris/0").and_then(Value::as_str);
    Ok(Portal {
        client_id,
        redirect_uri: redirect_uri.unwrap_or_default().to_owned(),
        authorization,
    })
}
