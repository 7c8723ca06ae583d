use std::{
    collections::HashMap,
    hash::Hash,
    sync::{LazyLock, OnceLock},
};

use crate::{Combinator, Type, describe::Costs, parse, suggest::nearest};

/// A layer's number and its tables, made at first use: most processes speak one layer only.
type Layer = (i32, LazyLock<Schema>);

/// The layers there are, oldest first.
static LAYERS: [Layer; 4] = [
    (
        227,
        LazyLock::new(|| Schema::new(227, include_str!("../schema/api-227.tl"))),
    ),
    (
        228,
        LazyLock::new(|| Schema::new(228, include_str!("../schema/api-228.tl"))),
    ),
    (
        229,
        LazyLock::new(|| Schema::new(229, include_str!("../schema/api-229.tl"))),
    ),
    (
        230,
        LazyLock::new(|| Schema::new(230, include_str!("../schema/api-230.tl"))),
    ),
];

static MTPROTO: LazyLock<Schema> =
    LazyLock::new(|| Schema::new(0, include_str!("../schema/mtproto.tl")));

/// One layer's schema as tables.
#[derive(Debug)]
pub struct Schema {
    layer: i32,
    constructors: Vec<Combinator>,
    methods: Vec<Combinator>,
    constructors_by_name: HashMap<&'static str, usize>,
    constructors_by_id: HashMap<u32, usize>,
    methods_by_name: HashMap<&'static str, usize>,
    methods_by_id: HashMap<u32, usize>,
    types: HashMap<&'static str, Vec<usize>>,
    skipped: Vec<&'static str>,
    costs: OnceLock<Costs>,
}

impl Schema {
    fn new(layer: i32, text: &'static str) -> Self {
        let parse::Parsed {
            constructors,
            methods,
            skipped,
        } = parse::parse(text);
        let mut types: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (index, constructor) in constructors.iter().enumerate() {
            match constructor.result {
                Type::Bool => types.entry("Bool").or_default().push(index),
                Type::Boxed(name) => types.entry(name).or_default().push(index),
                _ => {}
            }
        }
        Self {
            layer,
            constructors_by_name: by(&constructors, |row| row.name),
            constructors_by_id: by(&constructors, |row| row.id),
            methods_by_name: by(&methods, |row| row.name),
            methods_by_id: by(&methods, |row| row.id),
            constructors,
            methods,
            types,
            skipped,
            costs: OnceLock::new(),
        }
    }

    /// The newest layer there is: what the gateway speaks.
    pub fn newest() -> &'static Self {
        Self::for_layer(i32::MAX)
    }

    /// The known layer nearest to `layer`, the newer of two equally near: what a server answers in.
    pub fn for_layer(layer: i32) -> &'static Self {
        LAYERS
            .iter()
            .rev()
            .min_by_key(|(number, _)| number.abs_diff(layer))
            .map_or(&MTPROTO, |(_, schema)| schema)
    }

    /// The numbers of the layers that are known, oldest first.
    pub fn layers() -> impl Iterator<Item = i32> {
        LAYERS.iter().map(|(number, _)| *number)
    }

    /// MTProto's own service messages (`ping`, `future_salts`, `destroy_auth_key`, …).
    pub fn mtproto() -> &'static Self {
        &MTPROTO
    }

    /// The layer's number; 0 for MTProto's service messages.
    pub fn layer(&self) -> i32 {
        self.layer
    }

    /// The method of that name.
    pub fn method(&self, name: &str) -> Option<&Combinator> {
        self.methods.get(*self.methods_by_name.get(name)?)
    }

    /// The name of the method that a wrong name most likely meant, when one is near.
    pub fn nearest_method(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.methods.iter().map(|method| method.name))
    }

    /// The method with that id.
    pub fn method_by_id(&self, id: u32) -> Option<&Combinator> {
        self.methods.get(*self.methods_by_id.get(&id)?)
    }

    /// All methods, in the schema's order.
    pub fn methods(&self) -> impl Iterator<Item = &Combinator> {
        self.methods.iter()
    }

    /// The constructor of that name.
    pub fn constructor(&self, name: &str) -> Option<&Combinator> {
        self.constructors.get(*self.constructors_by_name.get(name)?)
    }

    /// The constructor with that id.
    pub fn constructor_by_id(&self, id: u32) -> Option<&Combinator> {
        self.constructors.get(*self.constructors_by_id.get(&id)?)
    }

    /// All constructors, in the schema's order.
    pub fn constructors(&self) -> impl Iterator<Item = &Combinator> {
        self.constructors.iter()
    }

    /// The constructors of a type; none for a type that is not known.
    pub fn constructors_of(&self, ty: &str) -> impl Iterator<Item = &Combinator> {
        self.types
            .get(ty)
            .into_iter()
            .flatten()
            .filter_map(|index| self.constructors.get(*index))
    }

    /// The names of all types that have constructors, sorted.
    pub fn types(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.types.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Reads a type from TL text: `long`, `Updates`, `Vector<User>`. `None` if it is not known.
    pub fn parse_type(&self, text: &str) -> Option<Type> {
        if let Some(builtin) = Type::builtin(text) {
            return Some(builtin);
        }
        if let Some(item) = text
            .strip_prefix("Vector<")
            .and_then(|rest| rest.strip_suffix('>'))
        {
            // One level more than any schema has; text from outside must not recurse without end.
            if item.starts_with("Vector<Vector<") {
                return None;
            }
            return Some(Type::Vector(Box::new(self.parse_type(item)?)));
        }
        self.types
            .get_key_value(text)
            .map(|(name, _)| Type::Boxed(name))
    }

    /// Lines of the schema file that were not understood; none, as a test proves.
    pub fn skipped(&self) -> &[&'static str] {
        &self.skipped
    }

    pub(crate) fn costs(&self) -> &Costs {
        self.costs.get_or_init(|| Costs::of(self))
    }
}

fn by<K: Hash + Eq>(rows: &[Combinator], key: impl Fn(&Combinator) -> K) -> HashMap<K, usize> {
    rows.iter()
        .enumerate()
        .map(|(index, row)| (key(row), index))
        .collect()
}
