//! What a call does: one file per family of methods. Parameters and results are JSON as `tl`
//! writes it; a handler sees the world and who calls, never a connection.

#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "all handlers have one shape"
)]

mod account;
mod auth;
mod channel_changes;
mod channel_difference;
mod channels;
mod chats;
mod contacts;
mod dialogs;
mod forward;
mod help;
mod history;
mod login_token;
mod media;
mod messages;
mod stats;
mod updates;
mod upload;
mod users;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    options::DcInfo,
    refusal::Refusal,
    value::Fields,
    world::{World, authorization::Standing, user::User},
};

/// One call, with who makes it and where.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    /// The auth key's id.
    pub(crate) key: u64,
    /// The data center that was asked.
    pub(crate) dc: i32,
    pub(crate) dcs: &'a [DcInfo],
    pub(crate) params: Fields<'a>,
    /// Large bytes beside the parameters, and after the call beside the answer.
    bulk: Option<Bytes>,
    /// The authorization, if the key has one.
    authorization: u64,
    /// The user who is signed in, else 0.
    me: i64,
}

type Answer = Result<Value, Refusal>;

/// What is asked. Large bytes that end the parameters may be beside them, to stay out of JSON.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: Fields<'a>,
    pub(crate) bulk: Option<Bytes>,
}

/// What is answered. Large bytes that end the answer are beside it, which says empty ones.
pub(crate) struct Reply {
    pub(crate) value: Value,
    pub(crate) bulk: Option<Bytes>,
}

/// Where the bytes begin of a method whose parameters end with many.
pub(crate) fn bulk_at(method: &str) -> Option<usize> {
    match method {
        // The method's id, `file_id`, `file_part`.
        "upload.saveFilePart" => Some(16),
        // With `file_total_parts`.
        "upload.saveBigFilePart" => Some(20),
        _ => None,
    }
}

/// Families and methods that need no sign-in.
fn open_to_all(method: &str) -> bool {
    matches!(method.split_once('.'), Some(("help" | "langpack", _)))
        || matches!(
            method,
            "auth.sendCode"
                | "auth.resendCode"
                | "auth.cancelCode"
                | "auth.signIn"
                | "auth.signUp"
                | "auth.logOut"
                | "auth.checkPassword"
                | "auth.importBotAuthorization"
                | "auth.importAuthorization"
                | "auth.exportLoginToken"
                | "auth.importLoginToken"
                | "account.getPassword"
        )
}

/// Methods that only the home data center answers.
fn at_home_only(method: &str) -> bool {
    matches!(
        method.split_once('.'),
        Some(("messages" | "updates" | "contacts" | "channels", _))
    )
}

/// Methods that bots must not call, of those that exist here.
fn users_only(method: &str) -> bool {
    matches!(method.split_once('.'), Some(("contacts", name)) if name != "resolveUsername")
        || matches!(
            method,
            "messages.getHistory"
                | "messages.getDialogs"
                | "messages.getPeerDialogs"
                | "messages.getPinnedDialogs"
                | "messages.getDialogFilters"
                | "messages.search"
                | "messages.readHistory"
                | "messages.createChat"
                | "messages.addChatUser"
                | "messages.migrateChat"
                | "channels.createChannel"
                | "channels.inviteToChannel"
                | "channels.joinChannel"
                | "channels.deleteChannel"
                | "channels.checkUsername"
                | "channels.updateUsername"
                | "channels.readHistory"
                | "channels.toggleSlowMode"
                | "channels.getAdminedPublicChannels"
                | "auth.acceptLoginToken"
                | "account.getAuthorizations"
                | "account.resetAuthorization"
                | "account.changeAuthorizationSettings"
                | "account.getPassword"
                | "account.updatePasswordSettings"
                | "account.updateStatus"
                | "account.updateProfile"
                | "account.updateUsername"
        )
}

/// Executes a call.
pub(crate) fn execute(
    world: &mut World,
    dcs: &[DcInfo],
    dc: i32,
    key: u64,
    request: Request<'_>,
) -> Result<Reply, Refusal> {
    let method = request.method;
    let standing = world
        .keys
        .get(&key)
        .map_or(Standing::Anonymous, |k| k.standing);
    let (authorization, me) = world.signed_in(key).unwrap_or_default();
    if standing == Standing::Duplicated {
        return Err(Refusal::new(406, "AUTH_KEY_DUPLICATED"));
    }
    if me == 0 && !open_to_all(method) {
        return Err(match standing {
            Standing::Password(_) => Refusal::new(401, "SESSION_PASSWORD_NEEDED"),
            _ => Refusal::new(401, "AUTH_KEY_UNREGISTERED"),
        });
    }
    if let Some(user) = world.user(me) {
        if user.dc != dc && at_home_only(method) {
            return Err(Refusal::migrate("USER", user.dc));
        }
        if user.bot && users_only(method) {
            return Err(Refusal::bad("BOT_METHOD_INVALID"));
        }
    }
    let now = world.clock.date();
    if let Some(authorization) = world.authorizations.get_mut(&authorization) {
        authorization.active = now;
    }
    let mut call = Call {
        world,
        key,
        dc,
        dcs,
        params: request.params,
        bulk: request.bulk,
        authorization,
        me,
    };
    let value = call.dispatch(method)?;
    let bulk = call.bulk;
    Ok(Reply { value, bulk })
}

impl Call<'_> {
    fn dispatch(&mut self, method: &str) -> Answer {
        match method {
            "auth.sendCode" => self.send_code(),
            "auth.resendCode" => self.resend_code(),
            "auth.cancelCode" => self.cancel_code(),
            "auth.signIn" => self.sign_in(),
            "auth.signUp" => self.sign_up(),
            "auth.checkPassword" => self.check_password(),
            "auth.importBotAuthorization" => self.import_bot(),
            "auth.exportAuthorization" => self.export_authorization(),
            "auth.importAuthorization" => self.import_authorization(),
            "auth.logOut" => self.log_out(),
            "auth.resetAuthorizations" => self.reset_authorizations(),
            "auth.exportLoginToken" => self.export_login_token(),
            "auth.importLoginToken" => self.import_login_token(),
            "auth.acceptLoginToken" => self.accept_login_token(),

            "account.getPassword" => self.password(),
            "account.getPasswordSettings" => self.password_settings(),
            "account.updatePasswordSettings" => self.update_password(),
            "account.getAuthorizations" => self.authorizations(),
            "account.resetAuthorization" => self.reset_authorization(),
            "account.changeAuthorizationSettings" => self.change_authorization(),
            "account.updateStatus" | "account.registerDevice" | "account.unregisterDevice" => {
                Ok(Value::Bool(true))
            }
            "account.updateProfile" => self.update_profile(),
            "account.updateUsername" => self.update_username(),
            "account.checkUsername" => self.check_username(),
            "account.getAccountTTL" => self.account_ttl(),

            "users.getUsers" => self.users(),
            "users.getFullUser" => self.full_user(),

            "contacts.resolveUsername" => self.resolve_username(),
            "contacts.resolvePhone" => self.resolve_phone(),
            "contacts.getContacts" => self.contacts(),
            "contacts.importContacts" => self.import_contacts(),
            "contacts.deleteContacts" => self.delete_contacts(),
            "contacts.search" => self.search_contacts(),
            "contacts.getStatuses" => self.statuses(),
            "contacts.block" => self.block(true),
            "contacts.unblock" => self.block(false),

            "messages.sendMessage" => self.send_message(),
            "messages.sendMedia" => self.send_media(),
            "messages.uploadMedia" => self.upload_media(),
            "messages.sendMultiMedia" => self.send_multi_media(),
            "messages.forwardMessages" => self.forward_messages(),
            "messages.editMessage" => self.edit_message(),
            "messages.deleteMessages" => self.delete_messages(),
            "messages.readHistory" => self.read_history(),
            "messages.setTyping" => self.set_typing(),
            "messages.getHistory" => self.history(),
            "messages.search" => self.search(),
            "messages.getMessages" => self.messages(),
            "messages.getDialogs" => self.dialogs(),
            "messages.getPeerDialogs" => self.peer_dialogs(),
            "messages.getPinnedDialogs" => self.pinned_dialogs(),
            "messages.getDialogFilters" => self.dialog_filters(),
            "messages.createChat" => self.create_chat(),
            "messages.addChatUser" => self.add_chat_user(),
            "messages.deleteChatUser" => self.delete_chat_user(),
            "messages.editChatTitle" => self.edit_chat_title(),
            "messages.getChats" => self.chats(),
            "messages.getFullChat" => self.full_chat(),
            "messages.migrateChat" => self.migrate_chat(),

            "channels.createChannel" => self.create_channel(),
            "channels.inviteToChannel" => self.invite_to_channel(),
            "channels.joinChannel" => self.join_channel(),
            "channels.leaveChannel" => self.leave_channel(),
            "channels.deleteChannel" => self.delete_channel(),
            "channels.editTitle" => self.edit_channel_title(),
            "channels.editAdmin" => self.edit_admin(),
            "channels.editBanned" => self.edit_banned(),
            "channels.toggleSlowMode" => self.toggle_slow_mode(),
            "channels.checkUsername" => self.check_channel_username(),
            "channels.updateUsername" => self.update_channel_username(),
            "channels.getAdminedPublicChannels" => self.public_channels(),
            "channels.getChannels" => self.channels(),
            "channels.getFullChannel" => self.full_channel(),
            "channels.getParticipants" => self.participants(),
            "channels.getParticipant" => self.participant(),
            "channels.getMessages" => self.channel_messages(),
            "channels.readHistory" => self.read_channel_history(),
            "channels.deleteMessages" => self.delete_channel_messages(),

            "updates.getState" => self.state(),
            "updates.getDifference" => self.difference(),
            "updates.getChannelDifference" => self.channel_difference(),

            "upload.saveFilePart" => self.save_part(false),
            "upload.saveBigFilePart" => self.save_part(true),
            "upload.getFile" => self.get_file(),
            "upload.getFileHashes" => self.file_hashes(),

            "stats.getBroadcastStats" => self.broadcast_stats(),
            "stats.getMegagroupStats" => self.megagroup_stats(),

            "help.getConfig" => self.config(),
            "help.getNearestDc" => self.nearest_dc(),
            "help.getAppConfig" => self.app_config(),
            "help.getCdnConfig" => self.cdn_config(),
            "help.getInviteText" => self.invite_text(),
            "help.getTermsOfServiceUpdate" => self.terms_update(),
            "help.getAppUpdate" => self.app_update(),
            "help.getPromoData" => self.promo_data(),
            "help.getCountriesList" => self.countries(),
            "langpack.getLangPack" | "langpack.getDifference" => self.lang_pack(),
            "langpack.getStrings"
            | "langpack.getLanguages"
            | "messages.receivedMessages"
            | "messages.receivedQueue" => Ok(Value::Array(Vec::new())),
            _ => Err(Refusal::bad("METHOD_INVALID")),
        }
    }

    /// The user who calls. Handlers that are not open to all may rely on it.
    fn user(&self) -> Result<&User, Refusal> {
        self.world
            .user(self.me)
            .ok_or(Refusal::new(401, "AUTH_KEY_UNREGISTERED"))
    }

    fn user_mut(&mut self) -> Result<&mut User, Refusal> {
        self.world
            .users
            .get_mut(&self.me)
            .ok_or(Refusal::new(401, "AUTH_KEY_UNREGISTERED"))
    }
}
