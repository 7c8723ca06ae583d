//! Signing in by QR token: shown, renewed before it ends, until somebody accepts it.

use core::time::Duration;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sluice_domain::{EventBody, Failure, UnixMillis};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::account::Account;
use crate::entrance::Entrance;
use crate::json::{constructor, int, text};
use crate::sign_in::{SignIn, ask_password, authorized, back};
use crate::{QrView, problems};

/// Somebody who shows a code stays near it: after this the sign-in ends by itself.
const PATIENCE: Duration = Duration::from_mins(10);

/// A token is renewed so long before it ends.
const MARGIN_MS: u64 = 2_000;

/// Never asked for more often than this, whatever Telegram says of a token's life.
const MIN_LIFE: Duration = Duration::from_secs(2);

/// A sign-in by QR token.
pub(crate) struct Qr {
    token: Arc<Mutex<Token>>,
    stop: CancellationToken,
    /// The session comes back here when the sign-in is called off.
    back: oneshot::Receiver<Entrance>,
}

#[derive(Clone)]
struct Token {
    url: String,
    expires_at: UnixMillis,
}

/// What `auth.exportLoginToken` leads to.
pub(crate) enum Exported {
    /// A token to show.
    Token { bytes: String, expires: i32 },
    /// It was accepted.
    Accepted(Value),
}

/// Asks for a token, or for the fate of the one before. Follows the account to its data center.
pub(crate) async fn export(account: &Account, entrance: &Entrance) -> Result<Exported, Failure> {
    let (api_id, api_hash) = account.api().map_err(|problem| {
        Failure::local(
            sluice_domain::Layer::Gateway,
            &problem.code,
            "auth.exportLoginToken",
            entrance.session.kind,
            sluice_domain::Execution::NeverSent,
        )
    })?;
    let params = json!({"api_id": api_id, "api_hash": api_hash.expose(), "except_ids": []});
    let mut answer = entrance
        .step(account, "auth.exportLoginToken", &params)
        .await?;
    if constructor(&answer) == "auth.loginTokenMigrateTo" {
        let dc = int(&answer, "dc_id").unwrap_or_default();
        let token = answer.get("token").cloned().unwrap_or_default();
        entrance.move_to(account, dc).await.map_err(|()| {
            Failure::local(
                sluice_domain::Layer::Network,
                "NOT_CONNECTED",
                "auth.importLoginToken",
                entrance.session.kind,
                sluice_domain::Execution::NeverSent,
            )
        })?;
        let params = json!({"token": token});
        answer = entrance
            .step(account, "auth.importLoginToken", &params)
            .await?;
    }
    Ok(if constructor(&answer) == "auth.loginTokenSuccess" {
        Exported::Accepted(answer.get("authorization").cloned().unwrap_or_default())
    } else {
        Exported::Token {
            bytes: text(&answer, "token").unwrap_or_default().to_owned(),
            expires: int(&answer, "expires").unwrap_or_default(),
        }
    })
}

impl Qr {
    /// Asks for the first token and begins to renew it.
    pub(crate) async fn begin(
        account: &Arc<Account>,
        entrance: Entrance,
    ) -> Result<Self, (Entrance, Failure)> {
        let first = match export(account, &entrance).await {
            Ok(Exported::Token { bytes, expires }) => Token::new(&bytes, expires),
            // Nobody can have accepted a token that was never shown; the task finds out more.
            Ok(Exported::Accepted(_)) => Token {
                url: String::new(),
                expires_at: account.shared.now(),
            },
            Err(failure) => return Err((entrance, failure)),
        };
        announce(account, &first).await;
        let token = Arc::new(Mutex::new(first));
        let stop = account.stop.child_token();
        let (give_back, back) = oneshot::channel();
        let task = renew(
            Arc::clone(account),
            entrance,
            Arc::clone(&token),
            stop.clone(),
            give_back,
        );
        account.shared.deps.tracker.spawn(task);
        Ok(Self { token, stop, back })
    }

    /// What to show now.
    pub(crate) fn view(&self) -> QrView {
        let token = self.token.lock().clone();
        let svg = qrcode::QrCode::new(token.url.as_bytes()).map_or_else(
            |_| String::new(),
            |code| {
                code.render::<qrcode::render::svg::Color<'_>>()
                    .min_dimensions(256, 256)
                    .build()
            },
        );
        QrView {
            url: token.url,
            expires_at: token.expires_at,
            svg,
        }
    }

    /// Ends it and hands the session back, if nobody accepted meanwhile.
    pub(crate) async fn stop(self) -> Option<Entrance> {
        self.stop.cancel();
        self.back.await.ok()
    }
}

impl Token {
    fn new(bytes: &str, expires: i32) -> Self {
        let raw = STANDARD.decode(bytes).unwrap_or_default();
        let seconds = u64::try_from(expires).unwrap_or_default();
        Self {
            url: format!("tg://login?token={}", URL_SAFE_NO_PAD.encode(raw)),
            expires_at: UnixMillis::from_seconds(seconds),
        }
    }
}

async fn announce(account: &Account, token: &Token) {
    let shown = EventBody::LoginQr {
        url: token.url.clone(),
        expires_at: token.expires_at,
    };
    account.shared.log(&account.name, vec![shown]).await;
}

async fn renew(
    account: Arc<Account>,
    entrance: Entrance,
    token: Arc<Mutex<Token>>,
    stop: CancellationToken,
    give_back: oneshot::Sender<Entrance>,
) {
    let end = tokio::time::Instant::now() + PATIENCE;
    let outcome = loop {
        let left = token.lock().expires_at.since(account.shared.now());
        let life = Duration::from_millis(left.saturating_sub(MARGIN_MS)).max(MIN_LIFE);
        tokio::select! {
            () = stop.cancelled() => {
                // The caller that called it off takes care of the session.
                let _ = give_back.send(entrance);
                return;
            }
            () = tokio::time::sleep_until(end) => break Err("qr_not_accepted".to_owned()),
            () = entrance.drain.accepted.notified() => {}
            () = tokio::time::sleep(life) => {}
        }
        match export(&account, &entrance).await {
            Ok(Exported::Accepted(authorization)) => break Ok(Some(authorization)),
            Ok(Exported::Token { bytes, expires }) => {
                let next = Token::new(&bytes, expires);
                let renewed = token.lock().url != next.url;
                *token.lock() = next.clone();
                if renewed {
                    announce(&account, &next).await;
                }
            }
            Err(failure) if failure.name == "SESSION_PASSWORD_NEEDED" => break Ok(None),
            // The next token may fare better.
            Err(failure) if failure.name == "AUTH_TOKEN_EXPIRED" => {}
            Err(failure) if failure.layer == sluice_domain::Layer::Telegram => {
                account.keep_wait(&failure, None).await;
                break Err(failure.name);
            }
            Err(_) => {}
        }
    };
    let mut turn = tokio::select! {
        turn = account.turn.lock() => turn,
        // Called off at the last moment: who was just signed in is signed out again.
        () = stop.cancelled() => {
            if let Ok(Some(_)) = outcome {
                let _ = entrance.step(&account, "auth.logOut", &json!({})).await;
            }
            let _ = give_back.send(entrance);
            return;
        }
    };
    let result = match outcome {
        Ok(Some(authorization)) => {
            authorized(&account, &mut turn, entrance, &authorization, None).await
        }
        Ok(None) => ask_password(&account, &mut turn, entrance).await,
        Err(reason) => {
            *turn = SignIn::None;
            entrance.abandon(&account).await;
            back(&account, Some(reason)).await;
            Err(problems::out_of_order(&account.name, account.state(), "qr"))
        }
    };
    if let Err(problem) = result {
        tracing::info!(account = %account.name, code = problem.code, "sign-in by QR ended");
    }
}
