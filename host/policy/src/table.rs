use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::archive::Mark;
use crate::plugin::Plugin;
use crate::tally::Tally;
use crate::{Kind, Mode, Origin, PluginView, RolledBackView};

/// The plugins in force, in the order in which they are asked. Swapped as a whole.
#[derive(Default)]
pub(crate) struct Table {
    pub retry: Vec<Arc<Plugin>>,
    pub categorize: Vec<Arc<Plugin>>,
    pub export: Vec<Arc<Plugin>>,
    /// Those of them that are only compared.
    pub shadows: Vec<Arc<Plugin>>,
    /// Those that are asked about some accounts.
    pub canaries: Vec<Arc<Plugin>>,
    refused: BTreeMap<String, Refusal>,
}

/// Why the newest file of a name does not serve.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub origin: Origin,
    pub why: String,
    pub mark: Option<Mark>,
}

impl Table {
    pub(crate) fn new(plugins: Vec<Arc<Plugin>>, refused: BTreeMap<String, Refusal>) -> Self {
        let mut table = Self {
            refused,
            ..Self::default()
        };
        for plugin in plugins {
            match plugin.sidecar.mode {
                Mode::Shadow => table.shadows.push(plugin.clone()),
                Mode::Canary(_) => table.canaries.push(plugin.clone()),
                Mode::Live | Mode::Off => {}
            }
            table.chain_mut(plugin.body.kind()).push(plugin);
        }
        for kind in Kind::ALL {
            table.chain_mut(kind).sort_by(|a, b| {
                // A canary beside the live one would never be reached behind it.
                let rank = |plugin: &Plugin| {
                    let canary = plugin.sidecar.mode.percent().is_some();
                    (Reverse(plugin.priority()), !canary)
                };
                rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
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

    /// The plugin of a name, whatever its kind.
    pub(crate) fn plugin(&self, name: &str) -> Option<&Arc<Plugin>> {
        let mut all = Kind::ALL.iter().flat_map(|kind| self.chain(*kind));
        all.find(|plugin| &*plugin.name == name)
    }

    /// The views of a kind, with what is wrong with a newer file.
    pub(crate) fn views(&self, kind: Kind) -> impl Iterator<Item = PluginView> {
        self.chain(kind).iter().map(|plugin| {
            let mut view = plugin.view();
            if let Some(refusal) = self.refused.get(&*plugin.name) {
                refusal.show(&mut view);
            }
            view
        })
    }

    /// Files that were refused and have no earlier generation that serves.
    pub(crate) fn refused(&self) -> impl Iterator<Item = PluginView> {
        self.refused
            .iter()
            .filter(|(name, _)| self.plugin(name).is_none())
            .map(|(name, refusal)| {
                let nothing = Tally::default();
                let mut view = PluginView::of(name.clone(), refusal.origin, &nothing);
                refusal.show(&mut view);
                view
            })
    }
}

impl Refusal {
    fn show(&self, view: &mut PluginView) {
        view.last_error = Some(if view.generation == 0 {
            self.why.clone()
        } else {
            format!("newest file refused: {}", self.why)
        });
        view.rolled_back = self.mark.as_ref().map(|mark| RolledBackView {
            hash: mark.hash.clone(),
            at: mark.at,
            reason: mark.why.clone(),
            evidence: mark.evidence.clone(),
        });
    }
}
