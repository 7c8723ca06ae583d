//! The second factor: SRP, so that Telegram never sees the password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_domain::{Category, Problem, Secret};
use sluice_mtproto::srp;
use std::sync::Arc;

use crate::account::Account;
use crate::json::{constructor, int, text};
use crate::session::Session;

/// Proves the password on a session that is on its way in; Telegram's authorization.
pub(crate) async fn check(
    account: &Arc<Account>,
    session: &Session,
    password: &Secret<String>,
) -> Result<Value, Problem> {
    with_proof(account, session, "auth.checkPassword", password).await
}

/// Finds out on a signed-in session whether the password is right. Changes nothing.
pub(crate) async fn verify(
    account: &Arc<Account>,
    session: &Session,
    password: &Secret<String>,
) -> Result<(), Problem> {
    with_proof(account, session, "account.getPasswordSettings", password).await?;
    Ok(())
}

/// Calls a method whose one parameter is the proof of the password.
async fn with_proof(
    account: &Arc<Account>,
    session: &Session,
    method: &'static str,
    password: &Secret<String>,
) -> Result<Value, Problem> {
    let mut again = true;
    loop {
        let asked = account
            .ask(session, "account.getPassword", json!({}))
            .await?;
        let proof = prove(account, &asked, password.clone()).await?;
        let checked = account
            .ask(session, method, json!({"password": proof}))
            .await;
        match checked {
            // The challenge was too old; a new one is asked for, once.
            Err(problem) if again && problem.code == "SRP_ID_INVALID" => again = false,
            answer => return answer,
        }
    }
}

async fn prove(
    account: &Account,
    asked: &Value,
    password: Secret<String>,
) -> Result<Value, Problem> {
    let unsupported = || {
        Problem::new(
            409,
            "PASSWORD_UNSUPPORTED",
            Category::Conflict,
            "Telegram asks for the password in a way this gateway does not know",
        )
        .of(&account.name)
    };
    let algorithm = asked.get("current_algo").unwrap_or(&Value::Null);
    if constructor(algorithm) != "passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow"
    {
        return Err(unsupported());
    }
    let bytes = |value: &Value, field: &str| {
        text(value, field)
            .and_then(|text| STANDARD.decode(text).ok())
            .ok_or_else(unsupported)
    };
    let params = srp::Params {
        salt1: bytes(algorithm, "salt1")?,
        salt2: bytes(algorithm, "salt2")?,
        g: int(algorithm, "g").ok_or_else(unsupported)?,
        p: bytes(algorithm, "p")?,
    };
    let b = bytes(asked, "srp_B")?;
    let id = asked.get("srp_id").cloned().unwrap_or_default();
    let random = Arc::clone(&account.shared.deps.random);
    // 100,000 rounds of PBKDF2 are not for an async thread.
    let proof = account
        .shared
        .deps
        .tracker
        .spawn_blocking(move || {
            srp::prove(password.expose().as_bytes(), &params, &b, random.as_ref())
        })
        .await;
    match proof {
        Ok(Ok(proof)) => Ok(json!({
            "_": "inputCheckPasswordSRP",
            "srp_id": id,
            "A": STANDARD.encode(proof.a),
            "M1": STANDARD.encode(proof.m1),
        })),
        Ok(Err(_)) | Err(_) => Err(unsupported()),
    }
}
