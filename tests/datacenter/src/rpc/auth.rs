//! `auth.*`: codes, passwords, bots, other data centers, signing out.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value,
    world::{World, authorization::Standing},
};

/// Digits in a code.
const CODE_LENGTH: usize = 5;
/// Seconds an authorization must be old before it may end others, as at Telegram.
pub(super) const GROWN_UP: i64 = 86_400;

impl Call<'_> {
    /// An `api_id` and `api_hash` of some application; which one is nobody's business here.
    pub(super) fn check_application(&self) -> Result<(), Refusal> {
        if self.params.int("api_id") > 0 && !self.params.text("api_hash").is_empty() {
            Ok(())
        } else {
            Err(Refusal::bad("API_ID_INVALID"))
        }
    }

    pub(super) fn send_code(&mut self) -> Answer {
        self.check_application()?;
        let phone = self.params.text("phone_number");
        self.world.caller_of_phone(phone, self.dc)?;
        let hash = self.world.send_code(phone);
        Ok(sent_code("auth.sentCodeTypeApp", &hash, true))
    }

    pub(super) fn resend_code(&mut self) -> Answer {
        let phone = self.params.text("phone_number");
        self.world.caller_of_phone(phone, self.dc)?;
        self.world
            .check_hash(phone, self.params.text("phone_code_hash"))?;
        let hash = self.world.send_code(phone);
        Ok(sent_code("auth.sentCodeTypeSms", &hash, false))
    }

    pub(super) fn cancel_code(&mut self) -> Answer {
        let phone = self.params.text("phone_number");
        self.world
            .check_hash(phone, self.params.text("phone_code_hash"))?;
        self.world.codes.remove(&crate::world::user::digits(phone));
        Ok(Value::Bool(true))
    }

    pub(super) fn sign_in(&mut self) -> Answer {
        let phone = self.params.text("phone_number");
        let user = self.world.caller_of_phone(phone, self.dc)?;
        self.world
            .check_hash(phone, self.params.text("phone_code_hash"))?;
        let code = self.params.text("phone_code");
        if code.is_empty() {
            return Err(Refusal::bad("PHONE_CODE_EMPTY"));
        }
        if code != World::code_of(phone) {
            return Err(Refusal::bad("PHONE_CODE_INVALID"));
        }
        self.world.codes.remove(&crate::world::user::digits(phone));
        self.proven(user)
    }

    /// Every test number has an owner from the moment it asks for a code.
    pub(super) fn sign_up(&mut self) -> Answer {
        let phone = self.params.text("phone_number");
        self.world.caller_of_phone(phone, self.dc)?;
        Err(Refusal::bad("PHONE_NUMBER_OCCUPIED"))
    }

    /// The first factor is right: in, or on to the password.
    pub(super) fn proven(&mut self, user: i64) -> Answer {
        if self.world.user(user).is_some_and(|u| u.password.is_some()) {
            if let Some(key) = self.world.keys.get_mut(&self.key) {
                key.standing = Standing::Password(user);
            }
            return Err(Refusal::new(401, "SESSION_PASSWORD_NEEDED"));
        }
        Ok(self.signed_in(user))
    }

    /// Signs the key in and says so.
    fn signed_in(&mut self, user: i64) -> Value {
        self.world.sign_in(self.key, user);
        self.authorization_of(user)
    }

    /// `auth.authorization` for a user who is signed in.
    pub(super) fn authorization_of(&self, user: i64) -> Value {
        json!({"_": "auth.authorization", "user": self.world.user_json(user, user)})
    }

    pub(super) fn check_password(&mut self) -> Answer {
        let standing = self.world.keys.get(&self.key).map(|k| k.standing);
        let Some(Standing::Password(user)) = standing else {
            return Err(Refusal::new(401, "AUTH_KEY_UNREGISTERED"));
        };
        let proof = self.params.object("password");
        super::account::prove(self.world, user, proof)?;
        Ok(self.signed_in(user))
    }

    pub(super) fn import_bot(&mut self) -> Answer {
        self.check_application()?;
        let bot = self
            .world
            .user_by_token(self.params.text("bot_auth_token"))
            .ok_or(Refusal::bad("ACCESS_TOKEN_INVALID"))?;
        if bot.dc != self.dc {
            return Err(Refusal::migrate("USER", bot.dc));
        }
        let bot = bot.id;
        Ok(self.signed_in(bot))
    }

    pub(super) fn export_authorization(&mut self) -> Answer {
        let dc = self.params.int("dc_id");
        if dc == self.dc || !self.world.has_dc(dc) {
            return Err(Refusal::bad("DC_ID_INVALID"));
        }
        // What is exported stands beside the home key, never in its place.
        if self.user()?.dc == dc {
            return Err(Refusal::bad("DC_ID_INVALID"));
        }
        let bytes = self.world.export(self.authorization, dc);
        Ok(json!({
            "_": "auth.exportedAuthorization",
            "id": self.me,
            "bytes": value::bytes(&bytes),
        }))
    }

    pub(super) fn import_authorization(&mut self) -> Answer {
        let bytes = self.params.bytes("bytes");
        let user = self.params.long("id");
        let authorization = self.world.import(&bytes, user, self.dc)?;
        self.world.bind(self.key, authorization);
        Ok(self.authorization_of(user))
    }

    pub(super) fn log_out(&mut self) -> Answer {
        self.world.log_out(self.key);
        Ok(json!({"_": "auth.loggedOut"}))
    }

    pub(super) fn reset_authorizations(&mut self) -> Answer {
        self.check_grown_up()?;
        let (me, mine) = (self.me, self.authorization);
        let others: Vec<u64> = self
            .world
            .authorizations
            .iter()
            .filter(|(id, a)| a.user == me && **id != mine)
            .map(|(id, _)| *id)
            .collect();
        for id in others {
            self.world.revoke(id);
        }
        Ok(Value::Bool(true))
    }

    /// A session younger than a day must not end others.
    pub(super) fn check_grown_up(&self) -> Result<(), Refusal> {
        let now = self.world.clock.date();
        let age = self
            .world
            .authorizations
            .get(&self.authorization)
            .map_or(0, |a| now - a.created);
        if age < GROWN_UP {
            return Err(Refusal::new(406, "FRESH_RESET_AUTHORISATION_FORBIDDEN"));
        }
        Ok(())
    }
}

fn sent_code(kind: &str, hash: &str, again: bool) -> Value {
    let mut sent = json!({
        "_": "auth.sentCode",
        "type": {"_": kind, "length": CODE_LENGTH},
        "phone_code_hash": hash,
    });
    if let Some(map) = sent.as_object_mut().filter(|_| again) {
        map.insert("next_type".into(), json!({"_": "auth.codeTypeSms"}));
        map.insert("timeout".into(), json!(60));
    }
    sent
}
