//! Random values of any type of the schema.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use sluice_tl::{Combinator, Schema, Type};

/// Below this depth values are as small as they can be.
const DEPTH: usize = 5;

/// Makes the same values for the same seed.
pub struct Generator {
    schema: &'static Schema,
    state: u64,
    /// How many more values may be random; then all are as small as they can be.
    budget: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self {
            schema: Schema::newest(),
            state: seed,
            budget: 400,
        }
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// An object of that constructor, or the parameters of that method.
    pub fn fields(&mut self, row: &Combinator, depth: usize) -> Map<String, Value> {
        let flags = [self.next(), self.next(), self.next(), self.next()];
        let mut fields = Map::new();
        for param in row.visible() {
            let there = param.flag.is_none_or(|flag| {
                self.budget > 0 && depth < DEPTH && flags[flag.field] & u64::from(flag.mask()) != 0
            });
            if there {
                fields.insert(param.name.to_owned(), self.value(&param.ty, depth + 1));
            }
        }
        fields
    }

    pub fn object(&mut self, row: &Combinator, depth: usize) -> Value {
        let mut object = crate::object(json!({"_": row.name}));
        object.extend(self.fields(row, depth));
        object.into()
    }

    pub fn value(&mut self, ty: &Type, depth: usize) -> Value {
        self.budget = self.budget.saturating_sub(1);
        match ty {
            Type::Int => {
                let any = self.next().to_le_bytes();
                let any = i32::from_le_bytes([any[0], any[1], any[2], any[3]]);
                (*self.pick(&[0, 1, -1, i32::MAX, i32::MIN, any])).into()
            }
            Type::Long => {
                let any = i64::from_le_bytes(self.next().to_le_bytes());
                self.pick(&[0, 1, -1, i64::MAX, i64::MIN, any])
                    .to_string()
                    .into()
            }
            Type::Double => {
                let any = f64::from_bits(self.next());
                let any = if any.is_finite() { any } else { 0.1 };
                let chosen = [
                    json!(0.0),
                    json!(-1.5),
                    json!(any),
                    json!(f64::MAX),
                    json!("NaN"),
                    json!("-Infinity"),
                ];
                self.pick(&chosen).clone()
            }
            Type::Int128 => STANDARD.encode(self.bytes(16)).into(),
            Type::Int256 => STANDARD.encode(self.bytes(32)).into(),
            Type::String => {
                let length = self.length();
                (0..length)
                    .map(|_| *self.pick(&['a', '"', '\\', 'é', '\0', '漢', '🦀']))
                    .collect::<String>()
                    .into()
            }
            Type::Bytes => {
                let length = self.length();
                STANDARD.encode(self.bytes(length)).into()
            }
            Type::Bool => (self.below(2) == 0).into(),
            Type::True => true.into(),
            Type::Vector(item) | Type::BareVector(item) => {
                let count = if depth < DEPTH && self.budget > 0 {
                    self.below(4)
                } else {
                    0
                };
                (0..count).map(|_| self.value(item, depth + 1)).collect()
            }
            Type::Boxed(name) if depth >= DEPTH || self.budget == 0 => {
                self.schema.example_of(name).unwrap()
            }
            Type::Boxed(name) => {
                let rows: Vec<_> = self.schema.constructors_of(name).collect();
                let row = *self.pick(&rows);
                self.object(row, depth)
            }
            Type::Query => {
                let rows: Vec<_> = self.schema.methods().filter(|row| !row.generic).collect();
                let row = *self.pick(&rows);
                self.object(row, depth)
            }
            Type::Flags | Type::Bare(_) | Type::Answer => panic!("{ty} stands for no value"),
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// Short, or about where the length prefix grows.
    fn length(&mut self) -> usize {
        match self.below(20) {
            0 => 248 + self.below(12),
            n => n % 7,
        }
    }
}
