//! The older layers: their files, what changed between them, and what they make of newer values.

use serde_json::{Value, json};
use sluice_tl::{Combinator, Schema};

use crate::generate::Generator;

const TEXTS: [(i32, &str); 4] = [
    (227, include_str!("../../schema/api-227.tl")),
    (228, include_str!("../../schema/api-228.tl")),
    (229, include_str!("../../schema/api-229.tl")),
    (230, include_str!("../../schema/api-230.tl")),
];

/// CRC-32 as in IEEE 802.3.
fn crc32(text: &str) -> u32 {
    !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// The line as Telegram hashes it: without its id, brackets and `true` fields, `bytes` as `string`.
fn hashed(line: &str) -> String {
    let (name, rest) = line.split_once('#').unwrap();
    let (_, rest) = rest.split_once(' ').unwrap();
    let words = rest.trim_end_matches(';').split(' ');
    let kept: Vec<_> = words
        .filter(|word| !word.ends_with("?true"))
        .map(|word| {
            let word = word.replace(['{', '}', '>'], "").replace('<', " ");
            match word.strip_suffix("bytes") {
                Some(left) if left.ends_with([':', '?']) => format!("{left}string"),
                _ => word,
            }
        })
        .collect();
    format!("{name} {}", kept.join(" "))
}

/// Breaks when a field, a flag or a type was lost or changed on the way into a file.
#[test]
fn every_id_is_the_checksum_of_its_line() {
    for (layer, text) in TEXTS {
        assert!(text.starts_with(&format!("// LAYER {layer}\n")));
        let lines = text.lines().filter(|line| line.contains('#'));
        // `vector` is built into TL, its line is no combinator's.
        for line in lines.filter(|line| !line.starts_with("vector#")) {
            let id = line.split(['#', ' ']).nth(1).unwrap();
            let id = u32::from_str_radix(id, 16).unwrap();
            assert_eq!(crc32(&hashed(line)), id, "{layer}: {line}");
        }
    }
}

#[test]
fn every_file_is_a_layer_and_read_in_full() {
    let numbers: Vec<_> = Schema::layers().collect();
    assert_eq!(numbers, TEXTS.map(|(layer, _)| layer));
    for (layer, text) in TEXTS {
        let schema = Schema::for_layer(layer);
        assert_eq!(schema.layer(), layer);
        assert!(schema.skipped().is_empty(), "{:?}", schema.skipped());
        let (types, functions) = text.split_once("---functions---").unwrap();
        let lines = |text: &str| text.lines().filter(|line| line.ends_with(';')).count();
        assert_eq!(schema.constructors().count(), lines(types));
        assert_eq!(schema.methods().count(), lines(functions));
    }
}

#[test]
fn layers_that_are_not_known_get_the_nearest() {
    for (named, served) in [
        (i32::MIN, 227),
        (0, 227),
        (226, 227),
        (228, 228),
        (231, 230),
        (i32::MAX, 230),
    ] {
        assert_eq!(Schema::for_layer(named).layer(), served, "{named}");
    }
    assert_eq!(Schema::newest().layer(), 230);
}

/// Names that both layers have under different ids.
fn changed<'a>(
    from: impl Iterator<Item = &'a Combinator>,
    to: impl Fn(&str) -> Option<&'a Combinator>,
) -> Vec<&'a str> {
    from.filter(|row| to(row.name).is_some_and(|other| other.id != row.id))
        .map(|row| row.name)
        .collect()
}

/// What a server has to mind. Breaks when a file of another layer is put in a layer's place.
#[test]
fn what_changed_between_the_layers() {
    let changes = |from, to| {
        let (old, new) = (Schema::for_layer(from), Schema::for_layer(to));
        (
            changed(old.constructors(), |name| new.constructor(name)),
            changed(old.methods(), |name| new.method(name)),
        )
    };
    assert_eq!(
        changes(227, 228),
        (
            vec![
                "user",
                "channel",
                "botCommand",
                "messages.chatInviteJoinResultWebView"
            ],
            vec!["messages.searchGlobal"]
        )
    );
    assert_eq!(
        changes(228, 229),
        (
            vec![
                "messageActionStarGiftUnique",
                "updateEphemeralBotCallbackQuery",
                "sendMessageTextDraftAction",
                "inputSendMessageRichMessageDraftAction",
                "sendMessageRichMessageDraftAction",
                "keyboardButton",
                "replyInlineMarkup",
                "pageBlockBlockquote",
                "inputInvoiceStarGiftResale",
                "ephemeralMessage"
            ],
            vec![
                "ephemeral.sendMessage",
                "ephemeral.deleteMessage",
                "ephemeral.editMessage"
            ]
        )
    );
    assert_eq!(
        changes(229, 230),
        (
            vec!["botVerifierSettings", "botVerification"],
            vec![
                "auth.initFirebasePnvLogin",
                "bots.setCustomVerification",
                "bots.checkUsername"
            ]
        )
    );
}

/// Whatever a server makes in the newest layer, an older one can encode and read what is left of it.
#[test]
fn what_was_fitted_encodes_and_reads_back() {
    let newest = Schema::newest();
    for layer in [227, 228, 229] {
        let older = Schema::for_layer(layer);
        let (mut whole, mut unsaid) = (0, 0);
        for ty in older.types() {
            for row in newest.constructors_of(ty) {
                if matches!(row.name, "boolTrue" | "boolFalse" | "vector") {
                    continue;
                }
                for seed in 0..2 {
                    let value = Generator::new(seed).object(row, 0);
                    let Some(fitted) = older.fit(ty, &value) else {
                        unsaid += 1;
                        continue;
                    };
                    let bytes = older
                        .encode_boxed(ty, &fitted)
                        .unwrap_or_else(|error| panic!("{layer} {}: {error}: {fitted}", row.name));
                    assert_eq!(older.decode_boxed(ty, &bytes).unwrap(), *fitted);
                    whole += usize::from(*fitted == value);
                }
            }
        }
        assert!(whole > 2_000 && unsaid > 0, "{layer}: {whole}, {unsaid}");
    }
}

fn fit(layer: i32, ty: &str, value: &Value) -> Option<Value> {
    let schema = Schema::for_layer(layer);
    let fitted = schema.fit(ty, value)?.into_owned();
    let bytes = schema.encode_boxed(ty, &fitted).unwrap();
    assert_eq!(schema.decode_boxed(ty, &bytes).unwrap(), fitted);
    Some(fitted)
}

#[test]
fn fields_that_came_later_are_left_out() {
    let user = json!({"_": "user", "id": "7", "first_name": "A", "linked_community_id": "8"});
    let older = json!({"_": "user", "id": "7", "first_name": "A"});
    assert_eq!(fit(227, "User", &user), Some(older));
    assert_eq!(fit(228, "User", &user), Some(user.clone()));
    assert_eq!(fit(230, "User", &user), Some(user));

    let channel = json!({"_": "channel", "id": "7", "title": "t", "photo": {"_": "chatPhotoEmpty"},
        "date": 1, "linked_community_id": "8", "broadcast": true});
    let fitted = fit(227, "Chat", &channel).unwrap();
    assert_eq!(fitted["broadcast"], true);
    assert_eq!(fitted.get("linked_community_id"), None);
    assert_eq!(fit(228, "Chat", &channel), Some(channel));

    let bot = json!({"bot_id": "1", "icon": "2",
        "description": {"_": "textWithEntities", "text": "checked", "entities": []}});
    let fitted = fit(229, "BotVerification", &bot).unwrap();
    assert_eq!(fitted["description"], "checked");
}

#[test]
fn what_a_layer_does_not_know_is_stood_in_for_or_left_out() {
    let made = |name, seed| {
        let row = Schema::newest().constructor(name).unwrap();
        Generator::new(seed).object(row, 0)
    };
    let action = made("messageActionGramTransfer", 1);
    let message = json!({"_": "messageService", "id": 5, "date": 6,
        "peer_id": {"_": "peerUser", "user_id": "7"}, "action": action});
    let fitted = fit(229, "Message", &message).unwrap();
    assert_eq!(fitted["action"], json!({"_": "messageActionEmpty"}));
    assert_eq!(fit(230, "Message", &message), Some(message));

    // An update of an unknown kind goes, its neighbours stay; alone, there is nothing to say.
    let known = json!({"_": "updatePtsChanged"});
    let unknown = made("updateWalletState", 3);
    let updates = |list: Vec<Value>| json!({"_": "updates", "updates": list, "users": [], "chats": [], "date": 1, "seq": 0});
    assert_eq!(
        fit(
            229,
            "Updates",
            &updates(vec![unknown.clone(), known.clone()])
        ),
        Some(updates(vec![known]))
    );
    let short = json!({"_": "updateShort", "update": unknown, "date": 1});
    assert_eq!(fit(229, "Updates", &short), None);
    assert!(fit(230, "Updates", &short).is_some());
}

/// A server's mistake must not be made to vanish by fitting.
#[test]
fn what_is_wrong_in_the_newest_layer_stays_wrong() {
    for wrong in [
        json!({"_": "user", "id": "7", "nonsense": 1}),
        json!({"_": "user"}),
        json!({"_": "peerUser", "user_id": "7"}),
        json!({"_": "nothing"}),
        json!(7),
    ] {
        for layer in Schema::layers() {
            let schema = Schema::for_layer(layer);
            let fitted = schema.fit("User", &wrong).unwrap();
            schema.encode_boxed("User", &fitted).unwrap_err();
        }
    }
}
