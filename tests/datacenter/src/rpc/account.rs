//! `account.*`: the password, the list of devices, the profile.

use serde_json::{Value, json};
use sluice_mtproto::srp::{Challenge, Params};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::{self, Fields},
    world::{
        World,
        login::Check,
        password::{self, Password},
        user::valid_username,
    },
};

/// What `account.updatePasswordSettings` demands of a new `salt1`.
const OWN_SALT: usize = 32;

fn algorithm(params: &Params) -> Value {
    json!({
        "_": "passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow",
        "salt1": value::bytes(&params.salt1),
        "salt2": value::bytes(&params.salt2),
        "g": params.g,
        "p": value::bytes(&params.p),
    })
}

/// Checks an `InputCheckPasswordSRP` of this user.
pub(super) fn prove(world: &mut World, user: i64, proof: Fields<'_>) -> Result<(), Refusal> {
    if proof.kind() != "inputCheckPasswordSRP" {
        return Err(Refusal::bad("PASSWORD_HASH_INVALID"));
    }
    let check = world
        .take_check(proof.long("srp_id"))
        .filter(|check| check.user == user)
        .ok_or(Refusal::bad("SRP_ID_INVALID"))?;
    match check.challenge.check(&proof.bytes("A"), &proof.bytes("M1")) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::bad("PASSWORD_HASH_INVALID")),
        Err(_) => Err(Refusal::bad("SRP_A_INVALID")),
    }
}

impl Call<'_> {
    /// Whose password it is: the caller's, or that of who is on the way in.
    fn password_owner(&self) -> Result<i64, Refusal> {
        use crate::world::authorization::Standing;
        match self.world.keys.get(&self.key).map(|k| k.standing) {
            Some(Standing::Password(user)) => Ok(user),
            Some(Standing::SignedIn(_)) => Ok(self.me),
            _ => Err(Refusal::new(401, "AUTH_KEY_UNREGISTERED")),
        }
    }

    pub(super) fn password(&mut self) -> Answer {
        let owner = self.password_owner()?;
        let random = self.world.random.clone();
        let mut answer = json!({
            "_": "account.password",
            "new_algo": algorithm(&password::params(&*random)),
            "new_secure_algo": {
                "_": "securePasswordKdfAlgoPBKDF2HMACSHA512iter100000",
                "salt": value::bytes(&self.world.random_bytes::<8>()),
            },
            "secure_random": value::bytes(&self.world.random_bytes::<256>()),
        });
        let password = self.world.user(owner).and_then(|u| u.password.clone());
        if let (Some(password), Some(map)) = (password, answer.as_object_mut()) {
            let challenge = Challenge::new(&password.params, &password.verifier, &*random)
                .map_err(|_| Refusal::new(500, "SRP_FAILED"))?;
            map.insert("has_password".into(), json!(true));
            map.insert("current_algo".into(), algorithm(&password.params));
            map.insert("srp_B".into(), value::bytes(challenge.b()));
            let check = Check {
                user: owner,
                challenge,
            };
            map.insert("srp_id".into(), json!(self.world.begin_check(check)));
            if !password.hint.is_empty() {
                map.insert("hint".into(), json!(password.hint));
            }
        }
        Ok(answer)
    }

    pub(super) fn password_settings(&mut self) -> Answer {
        if self.user()?.password.is_some() {
            prove(self.world, self.me, self.params.object("password"))?;
        }
        Ok(json!({ "_": "account.passwordSettings" }))
    }

    pub(super) fn update_password(&mut self) -> Answer {
        if self.user()?.password.is_some() {
            prove(self.world, self.me, self.params.object("password"))?;
        }
        let settings = self.params.object("new_settings");
        if !settings.has("new_algo") {
            return Ok(Value::Bool(true));
        }
        let algo = settings.object("new_algo");
        let hash = settings.bytes("new_password_hash");
        let new = if hash.is_empty() {
            None
        } else {
            let verifier = <[u8; 256]>::try_from(hash.as_slice())
                .map_err(|_| Refusal::bad("NEW_SETTINGS_INVALID"))?;
            if algo.bytes("salt1").len() < 8 + OWN_SALT {
                return Err(Refusal::bad("NEW_SALT_INVALID"));
            }
            Some(Password {
                params: Params {
                    salt1: algo.bytes("salt1"),
                    salt2: algo.bytes("salt2"),
                    g: algo.int("g"),
                    p: algo.bytes("p"),
                },
                verifier,
                hint: settings.text("hint").to_owned(),
            })
        };
        self.user_mut()?.password = new;
        Ok(Value::Bool(true))
    }

    pub(super) fn authorizations(&mut self) -> Answer {
        let me = self.me;
        let mine = self.authorization;
        let list = self.world.authorizations.iter();
        let others = list.filter(|(id, a)| a.user == me && **id != mine);
        let ids = std::iter::once(mine).chain(others.map(|(id, _)| *id).rev());
        let list = ids.map(|id| self.world.authorization_json(id, Some(mine)));
        Ok(json!({
            "_": "account.authorizations",
            "authorization_ttl_days": 180,
            "authorizations": list.collect::<Vec<_>>(),
        }))
    }

    /// The caller's authorization with this hash; 0 is the current one.
    fn by_hash(&self, hash: i64) -> Result<u64, Refusal> {
        if hash == 0 {
            return Ok(self.authorization);
        }
        let mut all = self.world.authorizations.iter();
        all.find(|(_, a)| a.user == self.me && a.hash == hash)
            .map(|(id, _)| *id)
            .ok_or(Refusal::bad("HASH_INVALID"))
    }

    pub(super) fn reset_authorization(&mut self) -> Answer {
        let id = self.by_hash(self.params.long("hash"))?;
        if id != self.authorization {
            self.check_grown_up()?;
        }
        self.world.revoke(id);
        Ok(Value::Bool(true))
    }

    pub(super) fn change_authorization(&mut self) -> Answer {
        let id = self.by_hash(self.params.long("hash"))?;
        if self.params.flag("confirmed")
            && let Some(authorization) = self.world.authorizations.get_mut(&id)
        {
            authorization.unconfirmed = false;
        }
        Ok(Value::Bool(true))
    }

    pub(super) fn update_profile(&mut self) -> Answer {
        let params = self.params;
        let user = self.user_mut()?;
        if params.has("first_name") {
            if params.text("first_name").is_empty() {
                return Err(Refusal::bad("FIRSTNAME_INVALID"));
            }
            params.text("first_name").clone_into(&mut user.first_name);
        }
        if params.has("last_name") {
            params.text("last_name").clone_into(&mut user.last_name);
        }
        if params.has("about") {
            params.text("about").clone_into(&mut user.about);
        }
        Ok(self.world.user_json(self.me, self.me))
    }

    pub(super) fn check_username(&mut self) -> Answer {
        let name = self.params.text("username");
        if !valid_username(name) {
            return Err(Refusal::bad("USERNAME_INVALID"));
        }
        Ok(Value::Bool(self.world.named(name).is_none()))
    }

    pub(super) fn update_username(&mut self) -> Answer {
        let name = self.params.text("username");
        if self.user()?.username.as_deref().unwrap_or_default() == name {
            return Err(Refusal::bad("USERNAME_NOT_MODIFIED"));
        }
        if !name.is_empty() && !valid_username(name) {
            return Err(Refusal::bad("USERNAME_INVALID"));
        }
        let new = (!name.is_empty()).then_some(name);
        self.world
            .rename(self.me, new)
            .map_err(|_| Refusal::bad("USERNAME_OCCUPIED"))?;
        Ok(self.world.user_json(self.me, self.me))
    }

    pub(super) fn account_ttl(&mut self) -> Answer {
        Ok(json!({"_": "accountDaysTTL", "days": 365}))
    }
}
