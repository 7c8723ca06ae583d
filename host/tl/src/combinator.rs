use std::fmt;

/// A line of the schema: a constructor or a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combinator {
    /// Its name with its namespace, like `messages.sendMessage`.
    pub name: &'static str,
    /// Its id on the wire.
    pub id: u32,
    /// Its parameters, in the order of the wire, `#` fields included.
    pub params: Vec<Param>,
    /// The type it belongs to (a constructor) or answers (a method).
    pub result: Type,
    /// Whether it takes a query (`{X:Type} … query:!X = X`) and answers what that answers.
    pub generic: bool,
}

impl Combinator {
    /// The parameter of that name; `#` fields are not parameters to anyone outside.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.visible().find(|param| param.name == name)
    }

    /// The parameters that JSON carries: all but `#` fields.
    pub fn visible(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.ty != Type::Flags)
    }
}

/// A parameter of a method or a field of a constructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, in the schema's `snake_case`.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// The flag it depends on; `None` means that it is required.
    pub flag: Option<Flag>,
}

/// The bit that says whether a parameter is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Which `#` field of the combinator, from 0.
    pub field: usize,
    /// Which bit of it, 0..=31.
    pub bit: u8,
}

impl Flag {
    /// The bit as a mask.
    pub fn mask(self) -> u32 {
        1u32.checked_shl(u32::from(self.bit)).unwrap_or(0)
    }
}

/// A type as the schema writes it. Displays as TL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `#`: 32 bits of flags.
    Flags,
    /// `int`: 32 bits, signed.
    Int,
    /// `long`: 64 bits, signed.
    Long,
    /// `double`.
    Double,
    /// `int128`: 16 bytes.
    Int128,
    /// `int256`: 32 bytes.
    Int256,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `Bool`: `boolTrue` or `boolFalse`.
    Bool,
    /// `true`: no bytes at all; its flag says it.
    True,
    /// `Vector<T>`, with its id on the wire.
    Vector(Box<Type>),
    /// `vector<T>`, without.
    BareVector(Box<Type>),
    /// A type by name: any of its constructors, with its id.
    Boxed(&'static str),
    /// One constructor by name, without its id.
    Bare(&'static str),
    /// `!X`: any method.
    Query,
    /// `X`: what the query answers.
    Answer,
}

impl Type {
    /// A type that needs no look into the tables.
    pub(crate) fn builtin(text: &str) -> Option<Self> {
        Some(match text {
            "#" => Self::Flags,
            "int" => Self::Int,
            "long" => Self::Long,
            "double" => Self::Double,
            "int128" => Self::Int128,
            "int256" => Self::Int256,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "Bool" => Self::Bool,
            "true" => Self::True,
            "!X" => Self::Query,
            "X" => Self::Answer,
            _ => return None,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flags => "#",
            Self::Int => "int",
            Self::Long => "long",
            Self::Double => "double",
            Self::Int128 => "int128",
            Self::Int256 => "int256",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Bool => "Bool",
            Self::True => "true",
            Self::Vector(item) => return write!(f, "Vector<{item}>"),
            Self::BareVector(item) => return write!(f, "vector<{item}>"),
            Self::Boxed(name) | Self::Bare(name) => name,
            Self::Query => "!X",
            Self::Answer => "X",
        })
    }
}
