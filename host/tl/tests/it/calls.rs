//! Calls: JSON in, bytes of TL, JSON out.

use serde_json::{Map, Value, json};
use sluice_tl::{DecodeError, EncodeError, Schema};

use crate::object;

#[test]
fn a_call_goes_there_and_back() {
    let schema = Schema::newest();
    let params = object(json!({
        "silent": true,
        "peer": {"_": "inputPeerUser", "user_id": "777", "access_hash": "-5"},
        "message": "hello, wörld",
        "random_id": "9223372036854775807",
        "entities": [{"_": "messageEntityBold", "offset": 0, "length": 5}],
    }));
    let bytes = schema.encode_call("messages.sendMessage", &params).unwrap();
    let (method, back) = schema.decode_call(&bytes).unwrap();
    assert_eq!(method.name, "messages.sendMessage");
    assert_eq!(back, params);
    assert_eq!(schema.encode_call(method.name, &back).unwrap(), bytes);
}

#[test]
fn inputs_may_be_looser_than_outputs() {
    let schema = Schema::newest();
    let loose = object(json!({
        "_": "messages.sendMessage",
        "peer": {"_": "inputPeerUser", "user_id": 777, "access_hash": -5},
        "message": "x", "random_id": 1, "silent": false, "entities": null,
    }));
    let strict = object(json!({
        "peer": {"_": "inputPeerUser", "user_id": "777", "access_hash": "-5"},
        "message": "x", "random_id": "1",
    }));
    assert_eq!(
        schema.encode_call("messages.sendMessage", &loose).unwrap(),
        schema.encode_call("messages.sendMessage", &strict).unwrap()
    );
    for text in ["+/+/AA==", "+/+/AA", "-_-_AA==", "-_-_AA"] {
        let file = object(json!({"file_id": 1, "file_part": 0, "bytes": text}));
        let bytes = schema.encode_call("upload.saveFilePart", &file).unwrap();
        let (_, back) = schema.decode_call(&bytes).unwrap();
        assert_eq!(back["bytes"], "+/+/AA==", "{text}");
    }
    // A type with one constructor needs no name.
    let named = json!({"_": "textWithEntities", "text": "a", "entities": []});
    let bare = json!({"text": "a", "entities": []});
    assert_eq!(
        schema.encode_boxed("TextWithEntities", &named).unwrap(),
        schema.encode_boxed("TextWithEntities", &bare).unwrap()
    );
}

#[test]
fn all_faults_are_told_with_their_places() {
    let params = object(json!({
        "peer": {"_": "inputPeerUser", "user_id": "abc", "accessHash": 1},
        "message": 5,
        "mesage": "x",
        "flags": 3,
        "entities": [
            {"_": "messageEntityBold", "offset": 0, "length": 1},
            {"_": "messageEntityBolt", "offset": 0, "length": 1},
            {"_": "inputPeerSelf"},
            {"_": "messageEntityItalic", "offset": 4_294_967_296_i64, "length": "1"},
            7,
        ],
        "reply_markup": {},
    }));
    let error = Schema::newest()
        .encode_call("messages.sendMessage", &params)
        .unwrap_err();
    let EncodeError::Invalid(faults) = error else {
        panic!("{error}")
    };
    let mut found: Vec<_> = faults
        .iter()
        .map(|fault| (fault.pointer.as_str(), fault.detail.as_str()))
        .collect();
    found.sort_unstable();
    let pointers: Vec<_> = found.iter().map(|(pointer, _)| *pointer).collect();
    assert_eq!(
        pointers,
        [
            "/entities/1/_",
            "/entities/2/_",
            "/entities/3/length",
            "/entities/3/offset",
            "/entities/4",
            "/flags",
            "/mesage",
            "/message",
            "/peer/accessHash",
            "/peer/access_hash",
            "/peer/user_id",
            "/random_id",
            "/reply_markup/_",
        ],
        "{found:#?}"
    );
    let detail = |pointer| found.iter().find(|(p, _)| *p == pointer).unwrap().1;
    assert!(detail("/entities/1/_").contains("did you mean `messageEntityBold`?"));
    assert!(detail("/entities/2/_").contains("`inputPeerSelf` is of type InputPeer"));
    assert!(detail("/mesage").contains("did you mean `message`?"));
    assert!(detail("/peer/accessHash").contains("did you mean `access_hash`?"));
    assert_eq!(detail("/message"), "expected string; got a number");
    assert_eq!(detail("/random_id"), "missing; expected long");
    assert!(detail("/reply_markup/_").contains("replyKeyboardHide"));
}

#[test]
fn a_body_may_name_its_own_method_only() {
    let body = object(json!({"_": "help.getNearestDc"}));
    let error = Schema::newest()
        .encode_call("help.getConfig", &body)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "/_: expected `help.getConfig` or nothing"
    );
}

/// A wrong array makes a short answer, and quickly.
#[test]
fn faults_are_told_up_to_a_number() {
    let many = vec![json!({"_": "inputUserr", "nonsense": 1}); 100_000];
    let error = Schema::newest()
        .encode_boxed("Vector<InputUser>", &many.into())
        .unwrap_err();
    let EncodeError::Invalid(faults) = error else {
        panic!("{error}")
    };
    assert_eq!(faults.len(), sluice_tl::limits::MAX_FAULTS);
}

#[test]
fn an_unknown_method_is_told_with_the_nearest() {
    for name in [
        "messages.sendMesage",
        "sendMessage",
        "messages.send_message",
    ] {
        let error = Schema::newest().encode_call(name, &Map::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("unknown method `{name}` (did you mean `messages.sendMessage`?)")
        );
    }
}

#[test]
fn fields_that_share_a_flag_go_together() {
    let schema = Schema::newest();
    let poll = |extra: Value| {
        let mut media = object(json!({"_": "inputMediaPoll", "poll": {
            "_": "poll", "id": "0", "hash": "0",
            "question": {"text": "?", "entities": []}, "answers": [],
        }}));
        media.extend(object(extra));
        schema.encode_boxed("InputMedia", &media.into())
    };
    // A vector that its partner needs is empty.
    let bytes = poll(json!({"solution": "x"})).unwrap();
    let back = schema.decode_boxed("InputMedia", &bytes).unwrap();
    assert_eq!(back["solution_entities"], json!([]));
    // Anything else is missed.
    let error = poll(json!({"solution_entities": []})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/solution: missing; `solution_entities` needs it; expected string"
    );
}

#[test]
fn queries_nest() {
    let schema = Schema::newest();
    let params = object(json!({
        "layer": 230,
        "query": {
            "_": "initConnection", "api_id": 1, "device_model": "d", "system_version": "s",
            "app_version": "a", "system_lang_code": "en", "lang_pack": "", "lang_code": "en",
            "query": {"_": "users.getUsers", "id": [{"_": "inputUserSelf"}]},
        },
    }));
    let bytes = schema.encode_call("invokeWithLayer", &params).unwrap();
    let (method, back) = schema.decode_call(&bytes).unwrap();
    assert_eq!((method.name, &back), ("invokeWithLayer", &params));

    let (wrappers, inner) = schema.unwrap_call(&bytes).unwrap();
    assert_eq!(wrappers.layer, Some(230));
    assert_eq!(wrappers.init.unwrap()["device_model"], "d");
    let (method, back) = schema.decode_call(inner).unwrap();
    assert_eq!(method.name, "users.getUsers");
    assert_eq!(Value::Object(back), json!({"id": [{"_": "inputUserSelf"}]}));

    let answer = schema
        .encode_boxed("Vector<User>", &json!([{"_": "userEmpty", "id": "7"}]))
        .unwrap();
    assert_eq!(
        schema
            .decode_result_of("invokeWithLayer", &params, &answer)
            .unwrap(),
        json!([{"_": "userEmpty", "id": "7"}])
    );
    assert!(schema.decode_result("invokeWithLayer", &answer).is_err());
    assert_eq!(
        schema.decode_result("users.getUsers", &answer).unwrap(),
        json!([{"_": "userEmpty", "id": "7"}])
    );
}

#[test]
fn wrappers_come_off_without_knowing_what_they_wrap() {
    let schema = Schema::newest();
    let ping = json!({"_": "help.getConfig"});
    let call = json!({"_": "invokeAfterMsgs", "msg_ids": ["3", "4"], "query":
        {"_": "invokeWithoutUpdates", "query":
            {"_": "invokeWithTakeout", "takeout_id": "9", "query": ping}}});
    let params = object(json!({"msg_id": "2", "query": call}));
    let mut bytes = schema.encode_call("invokeAfterMsg", &params).unwrap();
    // The inner query becomes one that no schema has, with a tail.
    let id = bytes.len() - 4;
    bytes.splice(id.., [1, 2, 3, 4, 5]);
    let (wrappers, inner) = schema.unwrap_call(&bytes).unwrap();
    assert_eq!(inner, [1, 2, 3, 4, 5]);
    assert!(wrappers.without_updates);
    assert_eq!(wrappers.after, [2, 3, 4]);
    assert_eq!(
        wrappers.others,
        [("invokeWithTakeout", object(json!({"takeout_id": "9"})))]
    );

    let endless: Vec<u8> = schema
        .method("invokeWithoutUpdates")
        .unwrap()
        .id
        .to_le_bytes()
        .repeat(1000);
    assert_eq!(
        schema.unwrap_call(&endless),
        Err(DecodeError::TooManyWrappers)
    );
}

#[test]
fn doubles_that_json_cannot_write_survive() {
    let schema = Schema::newest();
    for text in ["NaN", "Infinity", "-Infinity"] {
        let bytes = schema.encode_boxed("double", &json!(text)).unwrap();
        assert_eq!(schema.decode_boxed("double", &bytes).unwrap(), json!(text));
    }
}

#[test]
fn what_is_left_over_is_an_error() {
    let schema = Schema::newest();
    let mut bytes = schema.encode_boxed("Bool", &json!(true)).unwrap();
    assert_eq!(
        schema.decode_result("messages.setTyping", &bytes).unwrap(),
        json!(true)
    );
    bytes.push(0);
    assert_eq!(
        schema.decode_result("messages.setTyping", &bytes),
        Err(DecodeError::Trailing { at: 4 })
    );
}
