//! Bytes from a network that is not our friend.

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_tl::{DecodeError, EncodeError, Schema, limits};

use crate::{generate::Generator, round_trips::boxed};

const VECTOR: [u8; 4] = 0x1cb5_c415u32.to_le_bytes();

fn id(constructor: &str) -> [u8; 4] {
    Schema::newest()
        .constructor(constructor)
        .unwrap()
        .id
        .to_le_bytes()
}

/// Every way in, for bytes of any kind. What comes out must go in again.
fn survives(ty: &str, bytes: &[u8]) {
    let schema = Schema::newest();
    if let Ok(value) = schema.decode_boxed(ty, bytes) {
        schema.encode_boxed(ty, &value).unwrap();
    }
    if let Ok((method, params)) = schema.decode_call(bytes) {
        schema.encode_call(method.name, &params).unwrap();
    }
    let _ = schema.unwrap_call(bytes);
    let _ = schema.decode_result("messages.getHistory", bytes);
}

/// On a stack that is an eighth of a usual thread's, so that what recurses too far would abort.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes: Vec<u8>, index: prop::sample::Index) {
        let rows = boxed();
        let (row, ty) = rows[index.index(rows.len())];
        survives(ty, &bytes);
        let mut plausible = row.id.to_le_bytes().to_vec();
        plausible.extend(&bytes);
        survives(ty, &plausible);
        let methods: Vec<_> = Schema::newest().methods().collect();
        let mut call = methods[index.index(methods.len())].id.to_le_bytes().to_vec();
        call.extend(&bytes);
        survives(ty, &call);
    }

    #[test]
    fn damaged_values_do_no_harm(
        index: prop::sample::Index,
        seed: u64,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        let rows = boxed();
        let (row, ty) = rows[index.index(rows.len())];
        let value = Generator::new(seed).object(row, 0);
        let whole = Schema::newest().encode_boxed(ty, &value).unwrap();
        let mut damaged = whole.clone();
        for (place, byte) in damage {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        survives(ty, &damaged);
        // A value that is cut short is never a value.
        let cut = &whole[..cut.index(whole.len())];
        prop_assert!(Schema::newest().decode_boxed(ty, cut).is_err());
    }

    #[test]
    fn random_json_does_no_harm(text in "[\\[\\]{}\":,_0-9a-z@/+-]{0,64}") {
        let schema = Schema::newest();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        for ty in ["InputPeer", "Vector<InputMedia>", "TextWithEntities", "long", "bytes", "int256"] {
            if let Ok(bytes) = schema.encode_boxed(ty, &value) {
                schema.decode_boxed(ty, &bytes).unwrap();
            }
        }
        let params = crate::object(json!({"peer": value.clone(), "id": value.clone(), "media": value}));
        let _ = schema.encode_call("messages.sendMedia", &params);
        let _ = schema.shorthands("messages.sendMedia", &params);
    }
}

/// 800 KB of `textBold` in `textBold` overflow the stack of generated decoders.
#[test]
fn nested_text_ends_at_the_cap() {
    on_a_small_stack(|| {
        let schema = Schema::newest();
        let bytes = id("textBold").repeat(200_000);
        assert!(matches!(
            schema.decode_boxed("RichText", &bytes),
            Err(DecodeError::TooDeep { .. })
        ));
        let mut call = Vec::new();
        for _ in 0..200_000 {
            call.extend(
                schema
                    .method("invokeWithoutUpdates")
                    .unwrap()
                    .id
                    .to_le_bytes(),
            );
        }
        assert!(matches!(
            schema.decode_call(&call),
            Err(DecodeError::TooDeep { .. })
        ));
    });
}

#[test]
fn what_is_as_deep_as_the_cap_still_goes_through() {
    on_a_small_stack(|| {
        let schema = Schema::newest();
        let nest = |levels: usize| {
            (1..levels).fold(
                json!({"_": "textEmpty"}),
                |text, _| json!({"_": "textBold", "text": text}),
            )
        };
        let deepest = nest(limits::MAX_DEPTH);
        let bytes = schema.encode_boxed("RichText", &deepest).unwrap();
        assert_eq!(schema.decode_boxed("RichText", &bytes).unwrap(), deepest);
        let Err(EncodeError::Invalid(faults)) =
            schema.encode_boxed("RichText", &nest(limits::MAX_DEPTH + 1))
        else {
            panic!("encoded what cannot be decoded");
        };
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].pointer, "/text".repeat(limits::MAX_DEPTH));
    });
}

#[test]
fn vectors_cannot_announce_more_than_they_hold() {
    let schema = Schema::newest();
    for count in [1, 0x7fff_ffff_u32, u32::MAX, 0x8000_0000] {
        let bytes = [VECTOR, count.to_le_bytes()].concat();
        assert!(schema.decode_boxed("Vector<int>", &bytes).is_err());
        assert!(schema.decode_boxed("Vector<User>", &bytes).is_err());
    }
}

#[test]
fn elements_are_counted() {
    let schema = Schema::newest();
    let count = u32::try_from(limits::MAX_ELEMENTS).unwrap();
    let mut bytes = [VECTOR, count.to_le_bytes()].concat();
    bytes.resize(bytes.len() + 4 * limits::MAX_ELEMENTS, 0);
    assert!(matches!(
        schema.decode_boxed("Vector<int>", &bytes),
        Err(DecodeError::TooManyElements { .. })
    ));
    bytes.truncate(bytes.len() - 4);
    bytes[4..8].copy_from_slice(&(count - 1).to_le_bytes());
    assert!(schema.decode_boxed("Vector<int>", &bytes).is_ok());
}

/// Four bytes each on the wire, and a map each in memory.
#[test]
fn empty_objects_count_for_more() {
    let bytes = |count: usize| {
        let mut bytes = [VECTOR, u32::try_from(count).unwrap().to_le_bytes()].concat();
        bytes.extend(id("inputUserSelf").repeat(count));
        bytes
    };
    let schema = Schema::newest();
    assert!(
        schema
            .decode_boxed("Vector<InputUser>", &bytes(100_000))
            .is_ok()
    );
    assert!(matches!(
        schema.decode_boxed("Vector<InputUser>", &bytes(limits::MAX_ELEMENTS / 5 + 1)),
        Err(DecodeError::TooManyElements { .. })
    ));
}

/// Flags stand for thirty fields in a few bytes: 1.5 MB that would be 200 MB of JSON values.
#[test]
fn flags_are_counted_too() {
    let schema = Schema::newest();
    let row = schema.constructor("channel").unwrap();
    let mut channel = crate::object(schema.example_of("Chat").unwrap());
    channel.clear();
    channel.insert("_".to_owned(), "channel".into());
    for param in row.visible() {
        match (param.flag, &param.ty) {
            (Some(_), sluice_tl::Type::True) => channel.insert(param.name.to_owned(), true.into()),
            (None, ty) => channel.insert(
                param.name.to_owned(),
                schema.example_of(&ty.to_string()).unwrap(),
            ),
            _ => None,
        };
    }
    let one = schema.encode_boxed("Chat", &channel.into()).unwrap();
    let count = 1_500_000 / one.len();
    let mut bytes = [VECTOR, u32::try_from(count).unwrap().to_le_bytes()].concat();
    bytes.extend(one.repeat(count));
    assert!(matches!(
        schema.decode_boxed("Vector<Chat>", &bytes),
        Err(DecodeError::TooManyElements { .. })
    ));
}

#[test]
fn bodies_have_a_longest_length() {
    let schema = Schema::newest();
    let bytes = vec![0; limits::MAX_BYTES + 1];
    assert_eq!(
        schema.decode_call(&bytes),
        Err(DecodeError::TooLarge(bytes.len()))
    );
    assert_eq!(
        schema.decode_boxed("Updates", &bytes),
        Err(DecodeError::TooLarge(bytes.len()))
    );
    assert_eq!(
        schema.unwrap_call(&bytes),
        Err(DecodeError::TooLarge(bytes.len()))
    );
    let long = "x".repeat(limits::MAX_STRING + 1);
    assert!(schema.encode_boxed("string", &json!(long)).is_err());
}

#[test]
fn errors_name_what_was_found_and_wanted() {
    let schema = Schema::newest();
    let error = schema
        .decode_boxed("User", &id("inputPeerSelf"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`inputPeerSelf` at 0, where User was expected"
    );
    let error = schema.decode_boxed("User", &[1, 2, 3, 4]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown id 0x04030201 at 0, where User was expected"
    );
    assert_eq!(
        schema.decode_boxed("string", &[255, 0, 0, 0]),
        Err(DecodeError::BadLength { at: 0 })
    );
    assert_eq!(
        schema.decode_boxed("string", &[3, 0, 0]),
        Err(DecodeError::Truncated { at: 3 })
    );
    assert!(matches!(
        schema.decode_boxed("Nope", &[]),
        Err(DecodeError::UnknownType(_))
    ));
    assert!(matches!(
        schema.decode_result("nope", &[]),
        Err(DecodeError::UnknownMethod(_))
    ));
}
