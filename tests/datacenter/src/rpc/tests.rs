//! Calls as they come off the wire: every call and every answer here goes through the schema, so
//! an answer that does not fit it fails.

#![allow(
    clippy::needless_pass_by_value,
    reason = "parameters are written as literals"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::{Value, json};
use sluice_domain::{Clock, Random, UnixMillis};
use sluice_mtproto::srp;
use sluice_tl::Schema;

use crate::{
    clock::WorldClock,
    options::DcInfo,
    refusal::Refusal,
    value::{self, Fields},
    world::{NewAccount, Push, To, World, password::Password},
};

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_seconds(1_800_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Repeatable, and different at every call.
struct Counting(std::sync::atomic::AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            *byte = u8::try_from((next.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) & 0xFF).unwrap();
        }
    }
}

struct Stage {
    world: World,
    dcs: Vec<DcInfo>,
    told: Vec<Push>,
}

impl Stage {
    fn new() -> Self {
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let dcs = (1..=2).map(|id| DcInfo {
            id,
            address,
            media_address: address,
        });
        let clock = WorldClock::new(Arc::new(Still));
        let mut world = World::new(clock, Arc::new(Counting(1.into())), 2);
        for (key, dc) in [(11, 1), (12, 1), (13, 1), (21, 2), (22, 2)] {
            world.add_key(key, dc);
        }
        Self {
            world,
            dcs: dcs.collect(),
            told: Vec::new(),
        }
    }

    /// Keys below 20 are of data center 1, others of 2.
    fn call(&mut self, key: u64, method: &str, params: &Value) -> Result<Value, Refusal> {
        let schema = Schema::newest();
        let bytes = schema
            .encode_call(method, params.as_object().unwrap())
            .unwrap();
        let (combinator, params) = schema.decode_call(&bytes).unwrap();
        let dc = if key < 20 { 1 } else { 2 };
        let request = super::Request {
            method,
            params: Fields::from(&params),
            bulk: None,
        };
        let answer = super::execute(&mut self.world, &self.dcs, dc, key, request);
        let answer = answer.map(|reply| reply.value);
        for push in self.world.take_outbox() {
            schema.encode_boxed("Updates", &push.body).unwrap();
            self.told.push(push);
        }
        let bytes = schema
            .encode_boxed(&combinator.result.to_string(), &answer?)
            .unwrap();
        Ok(schema.decode_result(method, &bytes).unwrap())
    }

    fn ok(&mut self, key: u64, method: &str, params: Value) -> Value {
        self.call(key, method, &params).unwrap()
    }

    fn refused(&mut self, key: u64, method: &str, params: Value) -> String {
        self.call(key, method, &params)
            .unwrap_err()
            .name
            .into_owned()
    }

    /// Signs a phone in by its code.
    fn enter(&mut self, key: u64, phone: &str) -> i64 {
        let sent = self.ok(key, "auth.sendCode", send_code(phone));
        let answer = self.ok(key, "auth.signIn", sign_in(phone, &sent, "11111"));
        value::long(&answer["user"]["id"])
    }

    /// An `inputPeerUser` for somebody, by phone.
    fn peer(&mut self, key: u64, phone: &str) -> Value {
        let found = self.ok(key, "contacts.resolvePhone", json!({"phone": phone}));
        let user = &found["users"][0];
        json!({
            "_": "inputPeerUser",
            "user_id": user["id"],
            "access_hash": user["access_hash"],
        })
    }

    fn say(&mut self, key: u64, to: &Value, text: &str, random_id: i64) -> Value {
        let params = json!({"peer": to, "message": text, "random_id": random_id});
        self.ok(key, "messages.sendMessage", params)
    }

    fn told(&mut self, user: i64) -> Vec<Value> {
        let told = std::mem::take(&mut self.told).into_iter();
        told.filter(|p| p.to == To::User(user))
            .map(|p| p.body)
            .collect()
    }
}

fn send_code(phone: &str) -> Value {
    json!({
        "phone_number": phone,
        "api_id": 1,
        "api_hash": "x",
        "settings": {"_": "codeSettings"},
    })
}

fn sign_in(phone: &str, sent: &Value, code: &str) -> Value {
    json!({
        "phone_number": phone,
        "phone_code_hash": sent["phone_code_hash"],
        "phone_code": code,
    })
}

fn history(peer: &Value) -> Value {
    json!({
        "peer": peer, "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 50,
        "max_id": 0, "min_id": 0, "hash": 0,
    })
}

const ANNA: &str = "9996610001";
const BERT: &str = "9996610002";

#[test]
fn a_code_signs_in_on_the_home_data_center_only() {
    let mut stage = Stage::new();
    let refused = stage.refused(
        11,
        "users.getUsers",
        json!({"id": [{"_": "inputUserSelf"}]}),
    );
    assert_eq!(refused, "AUTH_KEY_UNREGISTERED");
    assert_eq!(
        stage.refused(21, "auth.sendCode", send_code(ANNA)),
        "PHONE_MIGRATE_1"
    );
    assert_eq!(
        stage.refused(11, "auth.sendCode", send_code("9996690001")),
        "PHONE_NUMBER_INVALID"
    );

    let sent = stage.ok(11, "auth.sendCode", send_code("+999 66 1 0001"));
    assert_eq!(
        stage.refused(11, "auth.signIn", sign_in(ANNA, &sent, "22222")),
        "PHONE_CODE_INVALID"
    );
    let wrong = json!({"phone_code_hash": "nonsense"});
    assert_eq!(
        stage.refused(11, "auth.signIn", sign_in(ANNA, &wrong, "11111")),
        "PHONE_CODE_EXPIRED"
    );
    stage.ok(11, "auth.signIn", sign_in(ANNA, &sent, "11111"));

    let me = stage.ok(
        11,
        "users.getUsers",
        json!({"id": [{"_": "inputUserSelf"}]}),
    );
    assert_eq!(me[0]["phone"], ANNA);
    assert_eq!(me[0]["self"], true);
    stage.ok(11, "auth.logOut", json!({}));
    assert_eq!(
        stage.refused(11, "updates.getState", json!({})),
        "AUTH_KEY_UNREGISTERED"
    );
}

#[test]
fn a_password_stands_between_code_and_sign_in() {
    let mut stage = Stage::new();
    let password = Password::new("hunter2", &*stage.world.random).unwrap();
    let new = NewAccount {
        phone: Some(ANNA.into()),
        ..NewAccount::default()
    };
    stage.world.create_account(new, Some(password)).unwrap();

    let sent = stage.ok(11, "auth.sendCode", send_code(ANNA));
    assert_eq!(
        stage.refused(11, "auth.signIn", sign_in(ANNA, &sent, "11111")),
        "SESSION_PASSWORD_NEEDED"
    );
    assert_eq!(
        stage.refused(11, "updates.getState", json!({})),
        "SESSION_PASSWORD_NEEDED"
    );

    for (attempt, right) in [("hunter3", false), ("hunter2", true)] {
        let asked = stage.ok(11, "account.getPassword", json!({}));
        let algo = Fields::from(&asked).object("current_algo");
        let params = srp::Params {
            salt1: algo.bytes("salt1"),
            salt2: algo.bytes("salt2"),
            g: algo.int("g"),
            p: algo.bytes("p"),
        };
        let b = Fields::from(&asked).bytes("srp_B");
        let proof = srp::prove(attempt.as_bytes(), &params, &b, &*stage.world.random).unwrap();
        let proof = json!({"password": {
            "_": "inputCheckPasswordSRP",
            "srp_id": asked["srp_id"],
            "A": value::bytes(&proof.a),
            "M1": value::bytes(&proof.m1),
        }});
        let answer = stage.call(11, "auth.checkPassword", &proof);
        assert_eq!(answer.is_ok(), right, "{attempt}: {answer:?}");
    }
    stage.ok(11, "updates.getState", json!({}));
}

#[test]
fn a_login_token_signs_in_by_another_sessions_consent() {
    let mut stage = Stage::new();
    let anna = stage.enter(11, ANNA);
    let export = json!({"api_id": 1, "api_hash": "x", "except_ids": []});
    let shown = stage.ok(12, "auth.exportLoginToken", export.clone());
    assert_eq!(shown["_"], "auth.loginToken");
    let token = json!({"token": shown["token"]});

    let accepted = stage.ok(11, "auth.acceptLoginToken", token.clone());
    assert_eq!(accepted["unconfirmed"], true);
    assert_eq!(
        stage.refused(11, "auth.acceptLoginToken", token),
        "AUTH_TOKEN_ALREADY_ACCEPTED"
    );
    assert!(
        stage.told.iter().any(|p| p.to == To::Key(12)),
        "updateLoginToken"
    );

    let done = stage.ok(12, "auth.exportLoginToken", export.clone());
    assert_eq!(done["_"], "auth.loginTokenSuccess");
    assert_eq!(value::long(&done["authorization"]["user"]["id"]), anna);
    let again = stage.ok(12, "auth.exportLoginToken", export);
    assert_eq!(again["_"], "auth.loginTokenSuccess", "as often as asked");

    let confirm = json!({"hash": accepted["hash"], "confirmed": true});
    stage.ok(11, "account.changeAuthorizationSettings", confirm);
    let list = stage.ok(12, "account.getAuthorizations", json!({}));
    let list = list["authorizations"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(
        (&list[0]["current"], &list[0]["hash"]),
        (&json!(true), &json!("0"))
    );
    assert_eq!(list[0].get("unconfirmed"), None);
}

#[test]
fn a_login_token_moves_to_the_users_data_center_and_expires() {
    let mut stage = Stage::new();
    stage.enter(11, ANNA);
    let export = json!({"api_id": 1, "api_hash": "x", "except_ids": []});
    let shown = stage.ok(21, "auth.exportLoginToken", export.clone());
    stage.ok(
        11,
        "auth.acceptLoginToken",
        json!({"token": shown["token"]}),
    );
    let moved = stage.ok(21, "auth.exportLoginToken", export.clone());
    assert_eq!(
        (moved["_"].as_str(), &moved["dc_id"]),
        (Some("auth.loginTokenMigrateTo"), &json!(1))
    );
    let done = stage.ok(
        12,
        "auth.importLoginToken",
        json!({"token": moved["token"]}),
    );
    assert_eq!(done["_"], "auth.loginTokenSuccess");
    stage.ok(12, "updates.getState", json!({}));

    let shown = stage.ok(13, "auth.exportLoginToken", export);
    stage.world.clock.advance(Duration::from_secs(31));
    let late = json!({"token": shown["token"]});
    assert_eq!(
        stage.refused(11, "auth.acceptLoginToken", late),
        "AUTH_TOKEN_EXPIRED"
    );
}

#[test]
fn only_a_grown_up_session_ends_others() {
    let mut stage = Stage::new();
    let anna = stage.enter(11, ANNA);
    stage.enter(12, ANNA);
    let hash = stage.world.authorizations_of(anna)[0].hash.clone();
    let reset = json!({"hash": hash});
    assert_eq!(
        stage.refused(12, "account.resetAuthorization", reset.clone()),
        "FRESH_RESET_AUTHORISATION_FORBIDDEN"
    );
    stage.world.clock.advance(Duration::from_hours(24));
    stage.ok(12, "account.resetAuthorization", reset);
    assert_eq!(
        stage.refused(11, "updates.getState", json!({})),
        "AUTH_KEY_UNREGISTERED"
    );
    assert_eq!(stage.world.authorizations_of(anna).len(), 1);
}

#[test]
fn an_authorization_is_taken_to_another_data_center() {
    let mut stage = Stage::new();
    stage.enter(11, ANNA);
    let exported = stage.ok(11, "auth.exportAuthorization", json!({"dc_id": 2}));
    let import = json!({"id": exported["id"], "bytes": exported["bytes"]});
    stage.ok(21, "auth.importAuthorization", import.clone());
    assert_eq!(
        stage.refused(22, "auth.importAuthorization", import),
        "AUTH_BYTES_INVALID"
    );
    stage.ok(
        21,
        "users.getUsers",
        json!({"id": [{"_": "inputUserSelf"}]}),
    );
    assert_eq!(
        stage.refused(21, "updates.getState", json!({})),
        "USER_MIGRATE_1"
    );
    stage.ok(11, "auth.logOut", json!({}));
    assert_eq!(
        stage.refused(21, "users.getUsers", json!({"id": []})),
        "AUTH_KEY_UNREGISTERED"
    );
}

#[test]
fn bots_enter_by_token_and_may_not_do_everything() {
    let mut stage = Stage::new();
    let new = NewAccount {
        bot: true,
        username: Some("helper_bot".into()),
        ..NewAccount::default()
    };
    let bot = stage.world.create_account(new, None).unwrap();
    let import =
        |token: &str| json!({"flags": 0, "api_id": 1, "api_hash": "x", "bot_auth_token": token});
    let token = bot.token.unwrap();
    assert_eq!(
        stage.refused(11, "auth.importBotAuthorization", import("1:x")),
        "ACCESS_TOKEN_INVALID"
    );
    assert_eq!(
        stage.refused(21, "auth.importBotAuthorization", import(&token)),
        "USER_MIGRATE_1"
    );
    stage.ok(11, "auth.importBotAuthorization", import(&token));
    let own = json!({"_": "inputPeerSelf"});
    assert_eq!(
        stage.refused(11, "messages.getHistory", history(&own)),
        "BOT_METHOD_INVALID"
    );
    assert_eq!(
        stage.refused(11, "account.getAuthorizations", json!({})),
        "BOT_METHOD_INVALID"
    );
}

#[test]
fn a_message_reaches_both_sides_once() {
    let mut stage = Stage::new();
    let (anna, bert) = (stage.enter(11, ANNA), stage.enter(12, BERT));
    let to = stage.peer(11, BERT);
    let sent = stage.say(11, &to, "hello", 1);
    assert_eq!(
        (sent["_"].as_str(), &sent["id"]),
        (Some("updateShortSentMessage"), &json!(1))
    );
    let again = json!({"peer": to, "message": "hello", "random_id": 1});
    assert_eq!(
        stage.refused(11, "messages.sendMessage", again),
        "RANDOM_ID_DUPLICATE"
    );

    let first = stage.told(bert);
    assert_eq!(first[0]["updates"][0]["message"]["message"], "hello");
    assert_eq!(value::long(&first[0]["users"][0]["id"]), anna);
    stage.say(11, &to, "more", 2);
    assert_eq!(
        stage.told(bert)[0]["_"],
        "updateShortMessage",
        "Bert knows Anna by now"
    );

    let back = stage.peer(12, ANNA);
    let seen = stage.ok(12, "messages.getHistory", history(&back));
    let texts: Vec<_> = seen["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["message"])
        .collect();
    assert_eq!(texts, ["more", "hello"]);

    let wrong = json!({"_": "inputPeerUser", "user_id": bert, "access_hash": 1});
    assert_eq!(
        stage.refused(11, "messages.getHistory", history(&wrong)),
        "PEER_ID_INVALID"
    );
}

#[test]
fn edits_deletions_and_reading_are_seen_by_the_other_side() {
    let mut stage = Stage::new();
    let (anna, bert) = (stage.enter(11, ANNA), stage.enter(12, BERT));
    let (to, back) = (stage.peer(11, BERT), stage.peer(12, ANNA));
    stage.say(11, &to, "helo", 1);
    stage.told.clear();

    let edit = json!({"peer": to, "id": 1, "message": "hello"});
    stage.ok(11, "messages.editMessage", edit.clone());
    assert_eq!(
        stage.told(bert)[0]["updates"][0]["message"]["message"],
        "hello"
    );
    assert_eq!(
        stage.refused(11, "messages.editMessage", edit),
        "MESSAGE_NOT_MODIFIED"
    );
    let foreign = json!({"peer": back, "id": 1, "message": "mine"});
    assert_eq!(
        stage.refused(12, "messages.editMessage", foreign),
        "MESSAGE_AUTHOR_REQUIRED"
    );

    let dialogs = json!({
        "offset_date": 0, "offset_id": 0, "offset_peer": {"_": "inputPeerEmpty"}, "limit": 10,
        "hash": 0,
    });
    let unread = |v: Value| v["dialogs"][0]["unread_count"].clone();
    assert_eq!(
        unread(stage.ok(12, "messages.getDialogs", dialogs.clone())),
        json!(1)
    );
    stage.told.clear();
    stage.ok(
        12,
        "messages.readHistory",
        json!({"peer": back, "max_id": 0}),
    );
    assert_eq!(
        unread(stage.ok(12, "messages.getDialogs", dialogs)),
        json!(0)
    );
    assert_eq!(
        stage.told(anna)[0]["updates"][0]["_"],
        "updateReadHistoryOutbox"
    );

    stage.ok(
        11,
        "messages.deleteMessages",
        json!({"revoke": true, "id": [1]}),
    );
    assert_eq!(
        stage.told(bert)[0]["updates"][0]["_"],
        "updateDeleteMessages"
    );
    let left = stage.ok(12, "messages.getHistory", history(&back));
    assert_eq!(left["messages"], json!([]));
}

#[test]
fn a_group_tells_all_members() {
    let mut stage = Stage::new();
    let (_, bert) = (stage.enter(11, ANNA), stage.enter(12, BERT));
    let carl = stage.enter(13, "9996610003");
    let to = stage.peer(11, BERT);
    let user = json!({"_": "inputUser", "user_id": bert, "access_hash": to["access_hash"]});
    let made = stage.ok(
        11,
        "messages.createChat",
        json!({"title": "Three", "users": [user]}),
    );
    let id = made["updates"]["chats"][0]["id"].clone();
    assert_eq!(
        stage.told(bert)[0]["updates"][0]["message"]["action"]["_"],
        "messageActionChatCreate"
    );

    let group = json!({"_": "inputPeerChat", "chat_id": id});
    assert_eq!(
        stage.refused(13, "messages.getHistory", history(&group)),
        "PEER_ID_INVALID"
    );
    let third = stage.peer(11, "9996610003");
    let third = json!({"_": "inputUser", "user_id": carl, "access_hash": third["access_hash"]});
    stage.ok(
        11,
        "messages.addChatUser",
        json!({"chat_id": id, "user_id": third, "fwd_limit": 0}),
    );
    stage.told.clear();
    let sent = stage.say(11, &group, "all of you", 9);
    assert_eq!(sent["updates"][0]["_"], "updateMessageID");
    assert_eq!(stage.told(carl)[0]["_"], "updateShortChatMessage");
    let full = stage.ok(13, "messages.getFullChat", json!({"chat_id": id}));
    assert_eq!(full["users"].as_array().unwrap().len(), 3);
}

#[test]
fn the_difference_holds_what_was_missed_in_slices() {
    let mut stage = Stage::new();
    stage.enter(11, ANNA);
    stage.enter(12, BERT);
    let (to, back) = (stage.peer(11, BERT), stage.peer(12, ANNA));
    let state = stage.ok(12, "updates.getState", json!({}));
    let ask = |pts: &Value| json!({"pts": pts, "date": 0, "qts": 0});
    let nothing = stage.ok(12, "updates.getDifference", ask(&state["pts"]));
    assert_eq!(nothing["_"], "updates.differenceEmpty");

    for n in 1..=120 {
        stage.say(11, &to, &format!("message {n}"), n);
    }
    stage.ok(
        12,
        "messages.readHistory",
        json!({"peer": back, "max_id": 0}),
    );
    let slice = stage.ok(12, "updates.getDifference", ask(&state["pts"]));
    assert_eq!(slice["_"], "updates.differenceSlice");
    assert_eq!(slice["new_messages"].as_array().unwrap().len(), 100);
    let rest = stage.ok(
        12,
        "updates.getDifference",
        ask(&slice["intermediate_state"]["pts"]),
    );
    assert_eq!(rest["_"], "updates.difference");
    assert_eq!(rest["new_messages"].as_array().unwrap().len(), 20);
    assert_eq!(rest["other_updates"][0]["_"], "updateReadHistoryInbox");
    let now = stage.ok(12, "updates.getState", json!({}));
    assert_eq!(rest["state"]["pts"], now["pts"]);

    let short = json!({"pts": state["pts"], "pts_total_limit": 50, "date": 0, "qts": 0});
    assert_eq!(
        stage.ok(12, "updates.getDifference", short)["_"],
        "updates.differenceTooLong"
    );
}

#[test]
fn what_clients_ask_around_a_sign_in_is_answered() {
    let mut stage = Stage::new();
    let config = stage.ok(11, "help.getConfig", json!({}));
    assert_eq!(config["dc_options"].as_array().unwrap().len(), 4);
    stage.ok(11, "help.getNearestDc", json!({}));
    stage.ok(11, "help.getAppConfig", json!({"hash": 0}));
    stage.ok(11, "help.getTermsOfServiceUpdate", json!({}));
    stage.ok(11, "help.getPromoData", json!({}));
    stage.ok(
        11,
        "help.getCountriesList",
        json!({"lang_code": "en", "hash": 0}),
    );
    stage.ok(
        11,
        "langpack.getLangPack",
        json!({"lang_pack": "", "lang_code": "en"}),
    );
    stage.enter(11, ANNA);
    stage.enter(12, BERT);
    stage.ok(11, "account.updateStatus", json!({"offline": false}));
    stage.ok(11, "account.updateUsername", json!({"username": "anna"}));
    let found = stage.ok(12, "contacts.resolveUsername", json!({"username": "Anna"}));
    assert_eq!(found["users"][0]["username"], "anna");
    stage.ok(12, "contacts.search", json!({"q": "ann", "limit": 5}));
    let contact = json!({"contacts": [{
        "client_id": 1, "phone": BERT, "first_name": "Bertie", "last_name": "",
    }]});
    stage.ok(11, "contacts.importContacts", contact);
    let list = stage.ok(11, "contacts.getContacts", json!({"hash": 0}));
    assert_eq!(list["users"][0]["first_name"], "Bertie");
    stage.ok(11, "contacts.getStatuses", json!({}));
    stage.ok(
        11,
        "users.getFullUser",
        json!({"id": {"_": "inputUserSelf"}}),
    );
    stage.ok(11, "messages.getDialogFilters", json!({}));
    stage.ok(11, "messages.getPinnedDialogs", json!({"folder_id": 0}));
    let peer = json!({"_": "inputDialogPeer", "peer": {"_": "inputPeerSelf"}});
    stage.ok(11, "messages.getPeerDialogs", json!({"peers": [peer]}));
    stage.ok(
        11,
        "messages.setTyping",
        json!({
            "peer": {"_": "inputPeerSelf"}, "action": {"_": "sendMessageTypingAction"},
        }),
    );
    assert_eq!(
        stage.refused(11, "account.getContentSettings", json!({})),
        "METHOD_INVALID"
    );
}
