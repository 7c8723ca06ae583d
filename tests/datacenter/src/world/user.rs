//! Users and bots.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    AccountInfo, NewAccount, World, WorldError, mailbox::Mailbox, password::Password, peer::Peer,
};

/// How somebody calls a contact.
#[derive(Serialize, Deserialize)]
pub(crate) struct ContactName {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) dc: i32,
    pub(crate) phone: Option<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) about: String,
    pub(crate) username: Option<String>,
    pub(crate) bot: bool,
    pub(crate) token: Option<String>,
    pub(crate) password: Option<Password>,
    pub(crate) contacts: BTreeMap<i64, ContactName>,
    /// Whom this user has blocked.
    pub(crate) blocked: BTreeSet<i64>,
    pub(crate) mailbox: Mailbox,
}

/// The digits of a phone number as people write it.
pub(crate) fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

/// The data center of a test number `99966XYYYY`.
pub(crate) fn dc_of_phone(phone: &str) -> Option<i32> {
    let rest = phone.strip_prefix("99966")?;
    let (dc, tail) = rest.split_at_checked(1)?;
    let dc = dc.parse().ok()?;
    (tail.len() == 4 && dc > 0).then_some(dc)
}

impl World {
    pub(crate) fn user(&self, id: i64) -> Option<&User> {
        self.users.get(&id)
    }

    pub(crate) fn user_by_phone(&self, phone: &str) -> Option<&User> {
        self.phones.get(phone).and_then(|id| self.users.get(id))
    }

    /// The user or channel with this name.
    pub(crate) fn named(&self, name: &str) -> Option<Peer> {
        let key = name.trim_start_matches('@').to_lowercase();
        self.usernames.get(&key).copied()
    }

    /// Gives a name to somebody else, or to nobody.
    pub(super) fn rename_peer(&mut self, peer: Peer, old: Option<&str>, new: Option<&str>) {
        if let Some(old) = old {
            self.usernames.remove(&old.to_lowercase());
        }
        if let Some(new) = new {
            self.usernames.insert(new.to_lowercase(), peer);
        }
    }

    pub(crate) fn user_by_token(&self, token: &str) -> Option<&User> {
        self.tokens.get(token).and_then(|id| self.users.get(id))
    }

    pub(crate) fn has_dc(&self, dc: i32) -> bool {
        dc >= 1 && dc <= i32::from(self.dcs)
    }

    /// Makes a user or bot. The password's verifier is made by the caller, because it is slow.
    pub(crate) fn create_account(
        &mut self,
        new: NewAccount,
        password: Option<Password>,
    ) -> Result<AccountInfo, WorldError> {
        let phone = new.phone.as_deref().map(digits);
        if new.bot && (phone.is_some() || password.is_some()) {
            return Err(WorldError::Invalid(
                "a bot has neither phone nor password".into(),
            ));
        }
        if !new.bot && phone.is_none() {
            return Err(WorldError::Invalid("a user needs a phone".into()));
        }
        let dc = match &phone {
            Some(phone) => dc_of_phone(phone).ok_or_else(|| WorldError::Phone(phone.clone()))?,
            None => new.dc.unwrap_or(1),
        };
        if !self.has_dc(dc) {
            return Err(WorldError::UnknownDc(dc));
        }
        if let Some(phone) = phone.as_ref().filter(|p| self.phones.contains_key(*p)) {
            return Err(WorldError::Taken(phone.clone()));
        }
        if let Some(name) = &new.username {
            if self.named(name).is_some() {
                return Err(WorldError::Taken(name.clone()));
            }
            if !valid_username(name) {
                return Err(WorldError::Invalid(format!("{name} is not a username")));
            }
        }

        self.last_user += 1;
        let id = self.last_user;
        let token = new.bot.then(|| self.bot_token(id));
        let first_name = new.first_name.unwrap_or_else(|| match &phone {
            Some(phone) => format!("User {}", &phone[phone.len().saturating_sub(5)..]),
            None => format!("Bot {id}"),
        });
        if let Some(phone) = &phone {
            self.phones.insert(phone.clone(), id);
        }
        if let Some(name) = &new.username {
            self.rename_peer(Peer::User(id), None, Some(name));
        }
        if let Some(token) = &token {
            self.tokens.insert(token.clone(), id);
        }
        let user = User {
            id,
            dc,
            phone,
            first_name,
            last_name: new.last_name.unwrap_or_default(),
            about: String::new(),
            username: new.username,
            bot: new.bot,
            token,
            password,
            contacts: BTreeMap::new(),
            blocked: BTreeSet::new(),
            mailbox: Mailbox::default(),
        };
        let info = user.info();
        self.users.insert(id, user);
        Ok(info)
    }

    fn bot_token(&self, id: i64) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let mut secret = [0; 33];
        self.random.fill(&mut secret);
        let secret = secret.iter().map(|b| {
            let letter = LETTERS.get(usize::from(b % 64)).copied().unwrap_or(b'A');
            char::from(letter)
        });
        format!("{id}:AA{}", secret.collect::<String>())
    }

    /// Gives the user another name, or none. `Err` if it is somebody else's.
    pub(crate) fn rename(&mut self, id: i64, name: Option<&str>) -> Result<(), WorldError> {
        if let Some(wanted) = name
            && self.named(wanted).is_some_and(|p| p != Peer::User(id))
        {
            return Err(WorldError::Taken(wanted.to_owned()));
        }
        let Some(user) = self.users.get_mut(&id) else {
            return Err(WorldError::UnknownAccount(id));
        };
        let old = std::mem::replace(&mut user.username, name.map(str::to_owned));
        self.rename_peer(Peer::User(id), old.as_deref(), name);
        Ok(())
    }
}

/// 4 to 32 letters, digits and underscores, a letter first.
pub(crate) fn valid_username(name: &str) -> bool {
    (4..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl User {
    pub(crate) fn info(&self) -> AccountInfo {
        AccountInfo {
            id: self.id,
            phone: self.phone.clone(),
            username: self.username.clone(),
            first_name: self.first_name.clone(),
            dc: self.dc,
            token: self.token.clone(),
        }
    }
}
