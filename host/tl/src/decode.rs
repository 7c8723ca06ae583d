use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    Combinator, DecodeError, Schema, Type,
    limits::{MAX_DEPTH, MAX_ELEMENTS},
    suggest::shown,
    wire::{self, Reader},
};

/// How many `#` fields a combinator may have; the schema has two at most.
pub(crate) const MAX_FLAG_FIELDS: usize = 4;

/// The least that an element of a vector takes, but for elements without bytes, which no schema has.
const LEAST_ELEMENT: usize = 4;

/// Elements that a vector has room for from the beginning, whatever count it claims.
const FIRST_ELEMENTS: usize = 1 << 10;

/// What an object counts beside its fields: an empty map takes the memory of a few values, and only
/// four bytes on the wire.
const OBJECT_ELEMENTS: usize = 4;

impl Schema {
    /// Decodes a value of the type named by TL text, like `Updates` or `Vector<User>`.
    pub fn decode_boxed(&self, ty: &str, bytes: &[u8]) -> Result<Value, DecodeError> {
        let parsed = self
            .parse_type(ty)
            .ok_or_else(|| DecodeError::UnknownType(shown(ty)))?;
        self.decode_whole(&parsed, bytes)
    }

    /// Decodes what a method answered. For a method that answers what its query answers, use
    /// [`decode_result_of`](Self::decode_result_of); here such an answer is read by its own id.
    pub fn decode_result(&self, method: &str, bytes: &[u8]) -> Result<Value, DecodeError> {
        let method = self
            .method(method)
            .ok_or_else(|| DecodeError::UnknownMethod(shown(method)))?;
        self.decode_whole(&method.result, bytes)
    }

    /// As [`decode_result`](Self::decode_result), following the query in `params` (and the query
    /// in that) to the method whose answer it is.
    pub fn decode_result_of(
        &self,
        method: &str,
        params: &Map<String, Value>,
        bytes: &[u8],
    ) -> Result<Value, DecodeError> {
        let (mut method, mut params) = (method, params);
        loop {
            let combinator = self
                .method(method)
                .ok_or_else(|| DecodeError::UnknownMethod(shown(method)))?;
            let query = combinator
                .params
                .iter()
                .find(|param| param.ty == Type::Query);
            let inner = query
                .and_then(|query| params.get(query.name))
                .and_then(Value::as_object);
            match inner.and_then(|inner| Some((inner.get("_")?.as_str()?, inner))) {
                Some(next) => (method, params) = next,
                None => return self.decode_whole(&combinator.result, bytes),
            }
        }
    }

    fn decode_whole(&self, ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut decoder = Decoder::new(self, bytes)?;
        let value = decoder.value(ty)?;
        decoder.reader.end()?;
        Ok(value)
    }
}

/// The capped walk. It recurses, but never deeper than [`MAX_DEPTH`].
pub(crate) struct Decoder<'s, 'b> {
    schema: &'s Schema,
    pub reader: Reader<'b>,
    depth: usize,
    elements: usize,
}

impl<'s, 'b> Decoder<'s, 'b> {
    pub fn new(schema: &'s Schema, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        Ok(Self {
            schema,
            reader: Reader::new(bytes)?,
            depth: 0,
            elements: 0,
        })
    }

    fn value(&mut self, ty: &Type) -> Result<Value, DecodeError> {
        self.count(1)?;
        match ty {
            Type::Vector(item) => {
                self.vector_id(ty)?;
                self.items(item)
            }
            Type::BareVector(item) => self.items(item),
            Type::Boxed(_) | Type::Answer => self.boxed(ty),
            Type::Bare(name) => match self.schema.constructor(name) {
                Some(constructor) => self.object(constructor),
                None => Err(DecodeError::UnknownType((*name).to_owned())),
            },
            Type::Query => {
                let method = self.method()?;
                self.object(method)
            }
            leaf => self.leaf(leaf),
        }
    }

    /// What holds nothing else; apart, so that the walk's own frames stay small.
    fn leaf(&mut self, ty: &Type) -> Result<Value, DecodeError> {
        Ok(match ty {
            Type::Int => self.reader.i32()?.into(),
            Type::Long => self.reader.i64()?.to_string().into(),
            Type::Double => double(self.reader.f64()?),
            Type::Int128 => STANDARD.encode(self.reader.take(16)?).into(),
            Type::Int256 => STANDARD.encode(self.reader.take(32)?).into(),
            Type::String => String::from_utf8_lossy(self.reader.string()?).into(),
            Type::Bytes => STANDARD.encode(self.reader.string()?).into(),
            Type::Bool => self.bool()?.into(),
            Type::True => true.into(),
            other => return Err(DecodeError::UnknownType(other.to_string())),
        })
    }

    fn vector_id(&mut self, ty: &Type) -> Result<(), DecodeError> {
        let at = self.reader.at();
        match self.reader.u32()? {
            wire::VECTOR => Ok(()),
            id => Err(self.unexpected(id, at, ty)),
        }
    }

    fn bool(&mut self) -> Result<bool, DecodeError> {
        let at = self.reader.at();
        match self.reader.u32()? {
            wire::BOOL_TRUE => Ok(true),
            wire::BOOL_FALSE => Ok(false),
            id => Err(self.unexpected(id, at, &Type::Bool)),
        }
    }

    fn items(&mut self, item: &Type) -> Result<Value, DecodeError> {
        let at = self.reader.at();
        let count =
            usize::try_from(self.reader.i32()?).map_err(|_| DecodeError::BadLength { at })?;
        if count > self.reader.rest().len() / LEAST_ELEMENT {
            return Err(DecodeError::TooManyElements { at });
        }
        if count > MAX_ELEMENTS - self.elements {
            return Err(DecodeError::TooManyElements { at });
        }
        self.down(at)?;
        // Nested vectors may each claim what is left; memory follows what is there.
        let mut items = Vec::with_capacity(count.min(FIRST_ELEMENTS));
        for _ in 0..count {
            items.push(self.value(item)?);
        }
        self.depth -= 1;
        Ok(Value::Array(items))
    }

    fn boxed(&mut self, ty: &Type) -> Result<Value, DecodeError> {
        let at = self.reader.at();
        let id = self.reader.u32()?;
        match self.schema.constructor_by_id(id) {
            Some(row) if row.result == *ty || *ty == Type::Answer => match id {
                wire::BOOL_TRUE => Ok(true.into()),
                wire::BOOL_FALSE => Ok(false.into()),
                // Of what, only the method could tell.
                wire::VECTOR => Err(self.unexpected(id, at, ty)),
                _ => self.object(row),
            },
            _ => Err(self.unexpected(id, at, ty)),
        }
    }

    /// A method by the id that comes next.
    pub fn method(&mut self) -> Result<&'s Combinator, DecodeError> {
        let at = self.reader.at();
        let id = self.reader.u32()?;
        self.schema
            .method_by_id(id)
            .ok_or_else(|| DecodeError::UnknownId {
                id,
                at,
                expected: "a method".to_owned(),
            })
    }

    fn object(&mut self, combinator: &Combinator) -> Result<Value, DecodeError> {
        self.count(OBJECT_ELEMENTS)?;
        let mut object = Map::new();
        object.insert("_".to_owned(), combinator.name.into());
        self.fields(combinator, &mut object)?;
        Ok(Value::Object(object))
    }

    /// A combinator's parameters, all of them.
    pub fn fields(
        &mut self,
        combinator: &Combinator,
        object: &mut Map<String, Value>,
    ) -> Result<(), DecodeError> {
        self.fields_until(combinator, object, |_| false)
    }

    /// A combinator's parameters, up to the first whose type is to stop at.
    pub fn fields_until(
        &mut self,
        combinator: &Combinator,
        object: &mut Map<String, Value>,
        stop: impl Fn(&Type) -> bool,
    ) -> Result<(), DecodeError> {
        self.down(self.reader.at())?;
        let mut flags = [0u32; MAX_FLAG_FIELDS];
        let mut known = 0;
        for param in &combinator.params {
            if stop(&param.ty) {
                break;
            }
            if param.ty == Type::Flags {
                let word = self.reader.u32()?;
                if let Some(slot) = flags.get_mut(known) {
                    *slot = word;
                }
                known += 1;
                continue;
            }
            let there = param.flag.is_none_or(|flag| {
                flags
                    .get(flag.field)
                    .is_some_and(|word| word & flag.mask() != 0)
            });
            if there {
                let value = self.value(&param.ty)?;
                object.insert(param.name.to_owned(), value);
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn down(&mut self, at: usize) -> Result<(), DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(DecodeError::TooDeep { at });
        }
        self.depth += 1;
        Ok(())
    }

    fn count(&mut self, elements: usize) -> Result<(), DecodeError> {
        self.elements += elements;
        if self.elements > MAX_ELEMENTS {
            return Err(DecodeError::TooManyElements {
                at: self.reader.at(),
            });
        }
        Ok(())
    }

    fn unexpected(&self, id: u32, at: usize, expected: &Type) -> DecodeError {
        let expected = expected.to_string();
        match self.schema.constructor_by_id(id) {
            // Names outlive the schema: they are pieces of its text.
            Some(row) => DecodeError::WrongType {
                found: row.name,
                at,
                expected,
            },
            None => DecodeError::UnknownId { id, at, expected },
        }
    }
}

/// JSON has no numbers that are not finite.
fn double(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(
        || {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            name.into()
        },
        Value::Number,
    )
}
