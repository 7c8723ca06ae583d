use std::collections::BTreeMap;
use std::sync::Arc;

use crate::plugin::Plugin;
use crate::{Kind, Mode, Origin, PluginView};

/// The plugins in force, in the order in which they are asked. Swapped as a whole.
#[derive(Default)]
pub(crate) struct Table {
    pub retry: Vec<Arc<Plugin>>,
    pub categorize: Vec<Arc<Plugin>>,
    pub export: Vec<Arc<Plugin>>,
    /// Why the newest file of a name was refused.
    refused: BTreeMap<String, (Origin, String)>,
}

impl Table {
    pub(crate) fn new(
        plugins: Vec<Arc<Plugin>>,
        refused: BTreeMap<String, (Origin, String)>,
    ) -> Self {
        let mut table = Self {
            refused,
            ..Self::default()
        };
        for plugin in plugins {
            table.chain_mut(plugin.body.kind()).push(plugin);
        }
        for kind in Kind::ALL {
            table.chain_mut(kind).sort_by(|a, b| {
                b.priority()
                    .cmp(&a.priority())
                    .then_with(|| a.name.cmp(&b.name))
            });
        }
        table
    }

    fn chain_mut(&mut self, kind: Kind) -> &mut Vec<Arc<Plugin>> {
        match kind {
            Kind::Retry => &mut self.retry,
            Kind::Categorize => &mut self.categorize,
            Kind::Export => &mut self.export,
        }
    }

    pub(crate) fn chain(&self, kind: Kind) -> &[Arc<Plugin>] {
        match kind {
            Kind::Retry => &self.retry,
            Kind::Categorize => &self.categorize,
            Kind::Export => &self.export,
        }
    }

    /// The views of a kind, with what is wrong with a newer file.
    pub(crate) fn views(&self, kind: Kind) -> impl Iterator<Item = PluginView> {
        self.chain(kind).iter().map(|plugin| {
            let mut view = plugin.view();
            if let Some((_, why)) = self.refused.get(&*plugin.name) {
                view.last_error = Some(format!("newest file refused: {why}"));
            }
            view
        })
    }

    /// Files that were refused and have no earlier generation that serves.
    pub(crate) fn refused(&self) -> impl Iterator<Item = PluginView> {
        let serves = |name: &str| {
            Kind::ALL
                .iter()
                .any(|kind| self.chain(*kind).iter().any(|plugin| &*plugin.name == name))
        };
        self.refused
            .iter()
            .filter(move |(name, _)| !serves(name))
            .map(|(name, (origin, why))| PluginView {
                name: name.clone(),
                kind: None,
                origin: *origin,
                generation: 0,
                hash: None,
                mode: Mode::Off,
                priority: 0,
                accounts: Vec::new(),
                loaded_at: None,
                calls: 0,
                failures: 0,
                clamps: 0,
                last_error: Some(why.clone()),
            })
    }
}
