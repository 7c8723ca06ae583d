use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value};
use sluice_domain::FieldError;

use crate::{
    Combinator, EncodeError, Param, Schema, Type,
    decode::MAX_FLAG_FIELDS,
    fault::{kind, unknown_field},
    limits::{MAX_DEPTH, MAX_FAULTS, MAX_STRING},
    path::Path,
    suggest::shown,
    wire,
};

/// Standard base64, padding optional.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Schema {
    /// Encodes a call: the method's id and its parameters. Shorthands for peers must have been
    /// resolved ([`shorthands`](Self::shorthands)).
    pub fn encode_call(
        &self,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Vec<u8>, EncodeError> {
        let Some(combinator) = self.method(method) else {
            return Err(EncodeError::UnknownMethod {
                name: shown(method),
                suggestion: self.nearest_method(method).map(str::to_owned),
            });
        };
        let mut encoder = Encoder::new(self);
        if params.get("_").is_some_and(|name| name != combinator.name) {
            let detail = format!("expected `{}` or nothing", combinator.name);
            encoder.fault_at("_", detail);
        }
        encoder.put_id(combinator.id);
        encoder.fields(combinator, params);
        encoder.finish()
    }

    /// Encodes a value of the type named by TL text, like `Updates` or `Vector<User>`.
    pub fn encode_boxed(&self, ty: &str, value: &Value) -> Result<Vec<u8>, EncodeError> {
        let parsed = self
            .parse_type(ty)
            .ok_or_else(|| EncodeError::UnknownType(shown(ty)))?;
        let mut encoder = Encoder::new(self);
        encoder.value(&parsed, value);
        encoder.finish()
    }
}

/// Writes as it walks, and goes on after a fault to find the others; then the bytes are dropped.
struct Encoder<'a> {
    schema: &'a Schema,
    out: Vec<u8>,
    path: Path<'a>,
    depth: usize,
    faults: Vec<FieldError>,
}

impl<'a> Encoder<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            out: Vec::new(),
            path: Path::default(),
            depth: 0,
            faults: Vec::new(),
        }
    }

    fn finish(self) -> Result<Vec<u8>, EncodeError> {
        if self.faults.is_empty() {
            Ok(self.out)
        } else {
            Err(EncodeError::Invalid(self.faults))
        }
    }

    fn fault(&mut self, detail: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(FieldError {
                pointer: self.path.pointer(),
                detail: detail.into(),
            });
        }
    }

    fn fault_at(&mut self, key: &'a str, detail: impl Into<String>) {
        self.path.key(key);
        self.fault(detail);
        self.path.up();
    }

    fn expected(&mut self, what: &str, got: &Value) {
        self.fault(format!("expected {what}; got {}", kind(got)));
    }

    fn put_id(&mut self, id: u32) {
        self.out.extend_from_slice(&id.to_le_bytes());
    }

    /// One level down, if that is allowed.
    fn nested(&mut self, walk: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH {
            self.fault(format!("nested deeper than {MAX_DEPTH} levels"));
            return;
        }
        self.depth += 1;
        walk(self);
        self.depth -= 1;
    }

    fn value(&mut self, ty: &Type, value: &'a Value) {
        match ty {
            Type::Vector(item) => {
                self.put_id(wire::VECTOR);
                self.items(item, value);
            }
            Type::BareVector(item) => self.items(item, value),
            Type::Boxed(name) => self.boxed(name, value),
            Type::Bare(name) => match (self.schema.constructor(name), value) {
                (Some(constructor), Value::Object(fields)) => {
                    self.nested(|me| me.fields(constructor, fields));
                }
                _ => self.expected(&format!("{name}, an object"), value),
            },
            Type::Query | Type::Answer => self.query(value),
            leaf => self.leaf(leaf, value),
        }
    }

    /// What holds nothing else; apart, so that the walk's own frames stay small.
    fn leaf(&mut self, ty: &Type, value: &Value) {
        match ty {
            Type::Int => match value.as_i64().map(i32::try_from) {
                Some(Ok(number)) => self.out.extend_from_slice(&number.to_le_bytes()),
                _ if value.is_i64() || value.is_u64() => {
                    self.fault(format!("{value} does not fit into int (32 bits, signed)"));
                }
                _ => self.expected("int, a whole number", value),
            },
            Type::Long => self.long(value),
            Type::Double => match double(value) {
                Some(number) => self.out.extend_from_slice(&number.to_le_bytes()),
                None => self.expected("double, a number", value),
            },
            Type::Int128 => self.fixed(value, 16),
            Type::Int256 => self.fixed(value, 32),
            Type::String => match value.as_str() {
                Some(text) => self.string(text.as_bytes()),
                None => self.expected("string", value),
            },
            Type::Bytes => {
                if let Some(contents) = self.base64(value) {
                    self.string(&contents);
                }
            }
            Type::Bool => match value {
                Value::Bool(true) => self.put_id(wire::BOOL_TRUE),
                Value::Bool(false) => self.put_id(wire::BOOL_FALSE),
                _ => self.expected("Bool, true or false", value),
            },
            Type::True => {
                if *value != Value::Bool(true) {
                    self.expected("true", value);
                }
            }
            other => self.fault(format!("{other} stands for no value")),
        }
    }

    fn long(&mut self, value: &Value) {
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => self.out.extend_from_slice(&number.to_le_bytes()),
            None if value.is_u64() => {
                self.fault(format!("{value} does not fit into long (64 bits, signed)"));
            }
            None if value.is_string() => {
                self.fault("expected long, a decimal number of 64 bits (signed) as a string");
            }
            None => self.expected("long, a decimal string or a whole number", value),
        }
    }

    fn string(&mut self, contents: &[u8]) {
        if contents.len() > MAX_STRING {
            self.fault(format!(
                "{} bytes are more than a TL string can hold",
                contents.len()
            ));
        } else {
            wire::put_string(&mut self.out, contents);
        }
    }

    fn fixed(&mut self, value: &Value, length: usize) {
        match self.base64(value) {
            Some(contents) if contents.len() == length => self.out.extend_from_slice(&contents),
            Some(contents) => {
                self.fault(format!(
                    "expected {length} bytes as base64; got {}",
                    contents.len()
                ));
            }
            None => {}
        }
    }

    fn base64(&mut self, value: &Value) -> Option<Vec<u8>> {
        let Value::String(text) = value else {
            self.expected("bytes, a base64 string", value);
            return None;
        };
        let decoded = if text.contains(['-', '_']) {
            BASE64.decode(text.replace('-', "+").replace('_', "/"))
        } else {
            BASE64.decode(text)
        };
        if decoded.is_err() {
            self.fault("expected bytes, a base64 string; this is not base64");
        }
        decoded.ok()
    }

    fn items(&mut self, item: &Type, value: &'a Value) {
        let Value::Array(items) = value else {
            self.expected(&format!("Vector<{item}>, an array"), value);
            return;
        };
        let Ok(count) = i32::try_from(items.len()) else {
            self.fault("too many elements");
            return;
        };
        self.out.extend_from_slice(&count.to_le_bytes());
        self.nested(|me| {
            for (index, value) in items.iter().enumerate() {
                me.path.index(index);
                me.value(item, value);
                me.path.up();
            }
        });
    }

    fn boxed(&mut self, ty: &str, value: &'a Value) {
        let Value::Object(fields) = value else {
            self.expected(&format!("{ty}, an object"), value);
            return;
        };
        if let Some(constructor) = self.schema.choose(ty, fields) {
            self.put_id(constructor.id);
            self.nested(|me| me.fields(constructor, fields));
        } else {
            let detail = self.schema.no_constructor(ty, fields.get("_"));
            self.fault_at("_", detail);
        }
    }

    fn query(&mut self, value: &'a Value) {
        let Value::Object(fields) = value else {
            self.expected("a query, an object with a method's name in `_`", value);
            return;
        };
        let name = fields.get("_").and_then(Value::as_str).unwrap_or_default();
        if let Some(method) = self.schema.method(name) {
            self.put_id(method.id);
            self.nested(|me| me.fields(method, fields));
        } else {
            let detail = self.schema.no_method(name);
            self.fault_at("_", detail);
        }
    }

    fn fields(&mut self, combinator: &'a Combinator, fields: &'a Map<String, Value>) {
        for key in fields.keys() {
            if key != "_" && combinator.param(key).is_none() && self.faults.len() < MAX_FAULTS {
                let detail = unknown_field(combinator, key);
                self.fault_at(key, detail);
            }
        }
        let flags = flags(combinator, fields);
        let mut words = flags.iter();
        for param in &combinator.params {
            let value = given(fields, param.name);
            let wanted = param.flag.is_none_or(|flag| {
                flags
                    .get(flag.field)
                    .is_some_and(|word| word & flag.mask() != 0)
            });
            match (&param.ty, value) {
                (Type::Flags, _) => {
                    let word = words.next().copied().unwrap_or(0);
                    self.out.extend_from_slice(&word.to_le_bytes());
                }
                (Type::True, _) => self.presence(combinator, fields, param, value, wanted),
                (ty, Some(value)) => {
                    self.path.key(param.name);
                    self.value(ty, value);
                    self.path.up();
                }
                (_, None) if !wanted => {}
                // Shares its flag with a field that is there (`solution` and `solution_entities`).
                (Type::Vector(_), None) if param.flag.is_some() => {
                    self.put_id(wire::VECTOR);
                    self.put_id(0);
                }
                (ty, None) => {
                    let detail = match partner(combinator, fields, param) {
                        Some(partner) => format!("missing; `{partner}` needs it; expected {ty}"),
                        None => format!("missing; expected {ty}"),
                    };
                    self.fault_at(param.name, detail);
                }
            }
        }
    }

    /// Checks a `true` field, which has no bytes of its own.
    fn presence(
        &mut self,
        combinator: &'a Combinator,
        fields: &Map<String, Value>,
        param: &'a Param,
        value: Option<&Value>,
        wanted: bool,
    ) {
        match value {
            Some(Value::Bool(false)) if wanted => {
                let partner = partner(combinator, fields, param).unwrap_or_default();
                self.fault_at(
                    param.name,
                    format!("cannot be false: `{partner}` sets the same flag"),
                );
            }
            None | Some(Value::Bool(_)) => {}
            Some(other) => self.fault_at(
                param.name,
                format!("expected true or false; got {}", kind(other)),
            ),
        }
    }
}

impl Schema {
    /// The constructor that an object of a type names, or the only one there is.
    pub(crate) fn choose(&self, ty: &str, fields: &Map<String, Value>) -> Option<&Combinator> {
        if let Some(name) = given(fields, "_") {
            let constructor = self.constructor(name.as_str()?)?;
            return matches!(constructor.result, Type::Boxed(result) if result == ty)
                .then_some(constructor);
        }
        let mut constructors = self.constructors_of(ty);
        let only = constructors.next()?;
        constructors.next().is_none().then_some(only)
    }
}

/// The words of the `#` fields, from what is present.
fn flags(combinator: &Combinator, fields: &Map<String, Value>) -> [u32; MAX_FLAG_FIELDS] {
    let mut words = [0; MAX_FLAG_FIELDS];
    for param in &combinator.params {
        let Some(flag) = param.flag else { continue };
        let present = match given(fields, param.name) {
            None => false,
            Some(value) => param.ty != Type::True || *value == Value::Bool(true),
        };
        if let Some(word) = words.get_mut(flag.field).filter(|_| present) {
            *word |= flag.mask();
        }
    }
    words
}

/// A field's value; `null` is none.
fn given<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// Another field that is there and sets the same flag.
fn partner(
    combinator: &Combinator,
    fields: &Map<String, Value>,
    param: &Param,
) -> Option<&'static str> {
    let flag = param.flag?;
    combinator
        .params
        .iter()
        .find(|other| {
            other.flag == Some(flag)
                && other.name != param.name
                && given(fields, other.name).is_some_and(|value| *value != Value::Bool(false))
        })
        .map(|other| other.name)
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}
