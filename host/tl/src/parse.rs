//! The parser of schema files: one line, one combinator.

use crate::{Combinator, Flag, Param, Type};

/// What a schema file holds.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub constructors: Vec<Combinator>,
    pub methods: Vec<Combinator>,
    /// Lines that are not understood. Those without an id (TL's own core types and pieces of
    /// disguised TLS) are not counted: nothing can put them on the wire.
    pub skipped: Vec<&'static str>,
}

/// Reads a schema. Never fails: a line that is not understood is left out and reported.
pub(crate) fn parse(text: &'static str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut functions = false;
    for line in text.lines() {
        let line = line.split_once("//").map_or(line, |(code, _)| code).trim();
        match line {
            "" => {}
            "---functions---" => functions = true,
            "---types---" => functions = false,
            _ if !line
                .split(' ')
                .next()
                .is_some_and(|head| head.contains('#')) => {}
            _ => match combinator(line) {
                Some(method) if functions => parsed.methods.push(method),
                Some(constructor) => parsed.constructors.push(constructor),
                None => parsed.skipped.push(line),
            },
        }
    }
    parsed
}

fn combinator(line: &'static str) -> Option<Combinator> {
    let (left, result) = line.strip_suffix(';')?.split_once(" = ")?;
    let mut words = left.split(' ');
    let (name, id) = words.next()?.split_once('#')?;
    let id = u32::from_str_radix(id, 16).ok()?;
    if name == "vector" {
        // `vector#1cb5c415 {t:Type} # [ t ] = Vector t`: built in; the row is kept for its id.
        return Some(Combinator {
            name,
            id,
            params: Vec::new(),
            result: Type::Boxed(result),
            generic: false,
        });
    }
    let mut params: Vec<Param> = Vec::new();
    let mut generic = false;
    for word in words {
        if word == "{X:Type}" {
            generic = true;
        } else {
            let param = param(word, &params)?;
            params.push(param);
        }
    }
    Some(Combinator {
        name,
        id,
        params,
        result: ty(result)?,
        generic,
    })
}

/// `name:type` or `name:flags.bit?type`; `before` holds the `#` fields it may depend on.
fn param(word: &'static str, before: &[Param]) -> Option<Param> {
    let (name, text) = word.split_once(':')?;
    let (flag, text) = match text.split_once('?') {
        None => (None, text),
        Some((flag, text)) => {
            let (field, bit) = flag.split_once('.')?;
            let bit = bit.parse().ok().filter(|bit| *bit < 32)?;
            let field = before
                .iter()
                .filter(|param| param.ty == Type::Flags)
                .position(|param| param.name == field)
                .filter(|field| *field < crate::decode::MAX_FLAG_FIELDS)?;
            (Some(Flag { field, bit }), text)
        }
    };
    Some(Param {
        name,
        ty: ty(text)?,
        flag,
    })
}

fn ty(text: &'static str) -> Option<Type> {
    if let Some(builtin) = Type::builtin(text) {
        return Some(builtin);
    }
    if let Some(item) = text
        .strip_prefix("Vector<")
        .and_then(|rest| rest.strip_suffix('>'))
    {
        return Some(Type::Vector(Box::new(ty(item)?)));
    }
    if let Some(item) = text
        .strip_prefix("vector<")
        .and_then(|rest| rest.strip_suffix('>'))
    {
        return Some(Type::BareVector(Box::new(ty(item)?)));
    }
    let last = text.rsplit('.').next()?;
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    match last.chars().next()? {
        _ if !plain => None,
        first if first.is_ascii_uppercase() => Some(Type::Boxed(text)),
        _ => Some(Type::Bare(text)),
    }
}
