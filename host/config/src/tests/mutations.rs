use proptest::prelude::*;

use super::{SHIPPED, load};

/// A configuration with a secret and every kind of value in it.
const SUBJECT: &str = "[telegram]\napi_id = 7\napi_hash = \"c0ffee5ec4e7c0ffee5ec4e7c0ffee00\"\n\
     [telegram.custom]\ndcs = [{ id = 1, address = \"127.0.0.1:1\" }]\n\
     public_keys = [\"-----BEGIN RSA PUBLIC KEY-----\"]\n";

#[derive(Debug, Clone)]
enum Mutation {
    Replace(prop::sample::Index, char),
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, String),
    Copy(prop::sample::Index, prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    let odd = prop::sample::select(vec![
        '"', '\'', '[', ']', '{', '}', '=', '\n', '#', '.', '\0', 'é', '-', '9',
    ]);
    prop_oneof![
        (index(), odd).prop_map(|(at, c)| Mutation::Replace(at, c)),
        (index(), any::<char>()).prop_map(|(at, c)| Mutation::Replace(at, c)),
        (index(), 1..20_usize).prop_map(|(at, n)| Mutation::Remove(at, n)),
        (index(), "\\PC{0,8}").prop_map(|(at, text)| Mutation::Insert(at, text)),
        (index(), index(), 1..80_usize).prop_map(|(from, to, n)| Mutation::Copy(from, to, n)),
        index().prop_map(Mutation::Cut),
    ]
}

fn mutate(text: &str, mutations: &[Mutation]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for mutation in mutations {
        let len = text.len();
        if len == 0 {
            break;
        }
        match mutation {
            Mutation::Replace(at, c) => text[at.index(len)] = *c,
            Mutation::Remove(at, n) => {
                let at = at.index(len);
                text.drain(at..(at + n).min(len));
            }
            Mutation::Insert(at, insert) => {
                let at = at.index(len);
                text.splice(at..at, insert.chars());
            }
            Mutation::Copy(from, to, n) => {
                let (from, to) = (from.index(len), to.index(len));
                let piece = text[from..(from + n).min(len)].to_vec();
                text.splice(to..to, piece);
            }
            Mutation::Cut(at) => text.truncate(at.index(len)),
        }
    }
    text.into_iter().collect()
}

const SECRET: &str = "c0ffee5ec4e7c0ffee5ec4e7c0ffee00";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Fails on a panic, or on an error that does not say where it is.
    #[test]
    fn garbage_is_refused_with_its_place(mutations in prop::collection::vec(mutation(), 1..6)) {
        for text in [SHIPPED, SUBJECT] {
            if let Err(error) = load(&mutate(text, &mutations)) {
                prop_assert!(error.line.is_some() || error.key.is_some(), "{error}");
                prop_assert!(!error.message.is_empty());
                prop_assert!(!error.to_string().contains(SECRET), "{error}");
            }
        }
    }

    #[test]
    fn any_text_is_taken_or_refused(text in any::<String>()) {
        let _ = load(&text);
        let _ = load(&format!("[server]\nlisten = {text}"));
    }
}
