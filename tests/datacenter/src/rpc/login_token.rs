//! Signing in by login token (a QR code, or another session's consent):
//! <https://core.telegram.org/api/qr-login>.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{refusal::Refusal, value};

impl Call<'_> {
    pub(super) fn export_login_token(&mut self) -> Answer {
        self.check_application()?;
        if self.me != 0 {
            return Ok(self.token_success(self.me));
        }
        if let Some(granted) = self.world.keys.get(&self.key).and_then(|k| k.granted)
            && let Some(user) = self.world.authorizations.get(&granted).map(|a| a.user)
        {
            return self.fetch_grant(granted, user);
        }
        let except = self.params.list("except_ids").iter().map(value::long);
        let except = except.collect();
        Ok(self.show_token(except))
    }

    pub(super) fn import_login_token(&mut self) -> Answer {
        let token = self.params.bytes("token");
        let now = self.world.clock.date();
        let shown = self
            .world
            .tokens_shown
            .get(&token)
            .ok_or(Refusal::bad("AUTH_TOKEN_INVALID"))?;
        if !shown.accepted {
            let late = shown.expires <= now;
            return Err(Refusal::bad(if late {
                "AUTH_TOKEN_EXPIRED"
            } else {
                "AUTH_TOKEN_INVALID"
            }));
        }
        let from = shown.key;
        let granted = self
            .world
            .keys
            .get(&from)
            .and_then(|k| k.granted)
            .ok_or(Refusal::bad("AUTH_TOKEN_ALREADY_ACCEPTED"))?;
        let user = self
            .world
            .authorizations
            .get(&granted)
            .map(|a| a.user)
            .ok_or(Refusal::bad("AUTH_TOKEN_INVALID"))?;
        let home = self.world.user(user).map(|u| u.dc);
        if home == Some(self.dc) && from != self.key {
            // The grant goes over to the key that brought the token.
            if let Some(key) = self.world.keys.get_mut(&from) {
                key.granted = None;
            }
            if let Some(key) = self.world.keys.get_mut(&self.key) {
                key.granted = Some(granted);
            }
        }
        self.fetch_grant(granted, user)
    }

    /// The token was accepted: in, on to the password, or to the user's own data center.
    fn fetch_grant(&mut self, granted: u64, user: i64) -> Answer {
        let home = self.world.user(user).map_or(self.dc, |u| u.dc);
        if home != self.dc {
            let accepted = self
                .world
                .tokens_shown
                .iter()
                .find(|(_, t)| t.accepted && t.key == self.key);
            let token = accepted.map(|(token, _)| token.clone()).unwrap_or_default();
            return Ok(json!({
                "_": "auth.loginTokenMigrateTo",
                "dc_id": home,
                "token": value::bytes(&token),
            }));
        }
        let device = self
            .world
            .keys
            .get(&self.key)
            .and_then(|k| k.device.clone());
        if let Some(authorization) = self.world.authorizations.get_mut(&granted)
            && let Some(device) = device
        {
            authorization.device = device;
        }
        self.proven(user)?;
        Ok(self.token_success(user))
    }

    fn show_token(&mut self, except: Vec<i64>) -> Value {
        let (token, expires) = self.world.login_token(self.key, except);
        json!({
            "_": "auth.loginToken",
            "expires": expires,
            "token": value::bytes(&token),
        })
    }

    fn token_success(&self, user: i64) -> Value {
        json!({
            "_": "auth.loginTokenSuccess",
            "authorization": self.authorization_of(user),
        })
    }

    pub(super) fn accept_login_token(&mut self) -> Answer {
        let token = self.params.bytes("token");
        let now = self.world.clock.date();
        let shown = self
            .world
            .tokens_shown
            .get_mut(&token)
            .ok_or(Refusal::bad("AUTH_TOKEN_INVALIDX"))?;
        if shown.accepted {
            return Err(Refusal::bad("AUTH_TOKEN_ALREADY_ACCEPTED"));
        }
        if shown.expires <= now {
            return Err(Refusal::bad("AUTH_TOKEN_EXPIRED"));
        }
        if shown.except.contains(&self.me) {
            return Err(Refusal::bad("AUTH_TOKEN_EXCEPTION"));
        }
        shown.accepted = true;
        let key = shown.key;
        let device = self.world.keys.get(&key).and_then(|k| k.device.clone());
        let granted = self.world.grant(self.me, device.unwrap_or_default());
        if let Some(key) = self.world.keys.get_mut(&key) {
            key.granted = Some(granted);
        }
        let update = json!({
            "_": "updateShort",
            "update": {"_": "updateLoginToken"},
            "date": now,
        });
        self.world.tell_key(key, update);
        Ok(self.world.authorization_json(granted, None))
    }
}
