//! The same bytes as an implementation that others wrote (`grammers-tl-types`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use grammers_tl_types::{Deserializable, RemoteCall, Serializable, enums, functions, types};
use serde_json::{Value, json};
use sluice_tl::Schema;

use crate::{generate::Generator, object};

/// Our encoding of a random value, read and written again by grammers, must be the same bytes.
fn agrees<T: Deserializable + Serializable>(ty: &str) {
    let schema = Schema::newest();
    for constructor in schema.constructors_of(ty) {
        for seed in 0..8 {
            let value = Generator::new(seed).object(constructor, 0);
            let ours = schema.encode_boxed(ty, &value).unwrap();
            let theirs = T::from_bytes(&ours)
                .unwrap_or_else(|error| panic!("{}: {error}: {value}", constructor.name));
            assert!(theirs.to_bytes() == ours, "{}: {value}", constructor.name);
        }
    }
}

macro_rules! agree {
    ($($ty:literal => $path:path),* $(,)?) => { $( agrees::<$path>($ty); )* };
}

#[test]
fn types_agree() {
    agree! {
        "Updates" => enums::Updates,
        "Update" => enums::Update,
        "updates.Difference" => enums::updates::Difference,
        "updates.ChannelDifference" => enums::updates::ChannelDifference,
        "updates.State" => enums::updates::State,
        "User" => enums::User,
        "UserFull" => enums::UserFull,
        "Chat" => enums::Chat,
        "ChatFull" => enums::ChatFull,
        "Message" => enums::Message,
        "MessageAction" => enums::MessageAction,
        "MessageMedia" => enums::MessageMedia,
        "messages.Messages" => enums::messages::Messages,
        "messages.Dialogs" => enums::messages::Dialogs,
        "Document" => enums::Document,
        "Photo" => enums::Photo,
        "PageBlock" => enums::PageBlock,
        "RichText" => enums::RichText,
        "WebPage" => enums::WebPage,
        "ReplyMarkup" => enums::ReplyMarkup,
        "InputMedia" => enums::InputMedia,
        "InputPeer" => enums::InputPeer,
        "InputFileLocation" => enums::InputFileLocation,
        "InputInvoice" => enums::InputInvoice,
        "Config" => enums::Config,
        "account.Password" => enums::account::Password,
        "account.PrivacyRules" => enums::account::PrivacyRules,
        "auth.Authorization" => enums::auth::Authorization,
        "auth.LoginToken" => enums::auth::LoginToken,
        "auth.SentCode" => enums::auth::SentCode,
        "upload.File" => enums::upload::File,
        "PhoneCall" => enums::PhoneCall,
        "StoryItem" => enums::StoryItem,
        "StarGift" => enums::StarGift,
        "ChannelAdminLogEventAction" => enums::ChannelAdminLogEventAction,
        "stats.BroadcastStats" => enums::stats::BroadcastStats,
        "payments.PaymentForm" => enums::payments::PaymentForm,
        "SecureValue" => enums::SecureValue,
        "JSONValue" => enums::Jsonvalue,
    }
}

fn call<R: RemoteCall>(method: &str, ours: Value, theirs: &R) {
    let bytes = theirs.to_bytes();
    let schema = Schema::newest();
    assert_eq!(
        schema.encode_call(method, &object(ours.clone())).unwrap(),
        bytes,
        "{method}"
    );
    let (found, params) = schema.decode_call(&bytes).unwrap();
    assert_eq!((found.name, Value::Object(params)), (method, ours));
}

#[test]
fn calls_agree() {
    call(
        "users.getUsers",
        json!({"id": [
            {"_": "inputUserSelf"},
            {"_": "inputUser", "user_id": "-1", "access_hash": "9223372036854775807"},
        ]}),
        &functions::users::GetUsers {
            id: vec![
                enums::InputUser::UserSelf,
                types::InputUser {
                    user_id: -1,
                    access_hash: i64::MAX,
                }
                .into(),
            ],
        },
    );
    call(
        "auth.sendCode",
        json!({"phone_number": "+9996621234", "api_id": 7, "api_hash": "h",
               "settings": {"_": "codeSettings", "current_number": true, "logout_tokens": ["AQID"]}}),
        &functions::auth::SendCode {
            phone_number: "+9996621234".into(),
            api_id: 7,
            api_hash: "h".into(),
            settings: types::CodeSettings {
                allow_flashcall: false,
                current_number: true,
                allow_app_hash: false,
                allow_missed_call: false,
                allow_firebase: false,
                unknown_number: false,
                logout_tokens: Some(vec![vec![1, 2, 3]]),
                token: None,
                app_sandbox: None,
            }
            .into(),
        },
    );
    call(
        "invokeWithLayer",
        json!({"layer": 230, "query": {"_": "initConnection",
            "api_id": 1, "device_model": "d", "system_version": "s", "app_version": "a",
            "system_lang_code": "en", "lang_pack": "", "lang_code": "en",
            "params": {"_": "jsonObject", "value": [
                {"_": "jsonObjectValue", "key": "tz_offset", "value": {"_": "jsonNumber", "value": 3600.0}},
            ]},
            "query": {"_": "help.getConfig"}}}),
        &functions::InvokeWithLayer {
            layer: 230,
            query: functions::InitConnection {
                api_id: 1,
                device_model: "d".into(),
                system_version: "s".into(),
                app_version: "a".into(),
                system_lang_code: "en".into(),
                lang_pack: String::new(),
                lang_code: "en".into(),
                proxy: None,
                params: Some(
                    types::JsonObject {
                        value: vec![
                            types::JsonObjectValue {
                                key: "tz_offset".into(),
                                value: types::JsonNumber { value: 3600.0 }.into(),
                            }
                            .into(),
                        ],
                    }
                    .into(),
                ),
                query: functions::help::GetConfig {},
            },
        },
    );
    call(
        "upload.getFile",
        json!({"precise": true, "offset": "4096", "limit": 4096, "location":
            {"_": "inputDocumentFileLocation", "id": "5", "access_hash": "6",
             "file_reference": "/w==", "thumb_size": ""}}),
        &functions::upload::GetFile {
            precise: true,
            cdn_supported: false,
            location: types::InputDocumentFileLocation {
                id: 5,
                access_hash: 6,
                file_reference: vec![255],
                thumb_size: String::new(),
            }
            .into(),
            offset: 4096,
            limit: 4096,
        },
    );
}

#[test]
fn strings_of_all_lengths_agree() {
    let schema = Schema::newest();
    for length in (0..600).chain([0xffff, 0x1_0000, 0x1_0001]) {
        let contents = vec![7u8; length];
        let ours = schema
            .encode_boxed("bytes", &json!(STANDARD.encode(&contents)))
            .unwrap();
        assert!(ours == contents.to_bytes(), "{length}");
    }
}

/// A method's answer is read as the type that grammers says it returns.
#[test]
fn answers_agree() {
    let schema = Schema::newest();
    let answer = vec![enums::User::Empty(types::UserEmpty { id: 7 })].to_bytes();
    assert_eq!(
        schema.decode_result("users.getUsers", &answer).unwrap(),
        json!([{"_": "userEmpty", "id": "7"}])
    );
    let state = types::updates::State {
        pts: 1,
        qts: 2,
        date: 3,
        seq: 4,
        unread_count: 5,
    };
    assert_eq!(
        schema
            .decode_result(
                "updates.getState",
                &enums::updates::State::State(state).to_bytes()
            )
            .unwrap(),
        json!({"_": "updates.state", "pts": 1, "qts": 2, "date": 3, "seq": 4, "unread_count": 5})
    );
    assert_eq!(
        schema
            .decode_result("auth.cancelCode", &true.to_bytes())
            .unwrap(),
        json!(true)
    );
}
