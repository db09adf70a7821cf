//! Presets in the plugin's own file, for the host's browser.

use std::ffi::{CStr, CString};

use clack_extensions::preset_discovery::prelude::*;
use clack_plugin::prelude::PluginError;

use crate::parameters::{ALL, Values};
use crate::{ID, ID_OF_PORTS};

const PROVIDER: &str = "org.chorale.co-performer.presets";

/// What differs from a new instance, by the parameters' keys.
pub struct Preset {
    /// By which hosts ask for it.
    key: &'static CStr,
    name: &'static CStr,
    description: &'static CStr,
    values: &'static [(&'static str, f64)],
}

pub const PRESETS: [Preset; 8] = [
    Preset { key: c"chorale", name: c"Chorale", description: c"Four parts that move as Bach's do", values: &[] },
    Preset {
        key: c"hymn",
        name: c"Hymn",
        description: c"One chord for each of your notes, held until the next",
        values: &[("density", 0.0), ("release", 2.0), ("temperature", 0.6)],
    },
    Preset {
        key: c"beats",
        name: c"On the beat",
        description: c"The lower parts move on beats alone",
        values: &[("density", 1.0)],
    },
    Preset { key: c"bold", name: c"Bold", description: c"Less likely chords", values: &[("temperature", 1.2)] },
    Preset {
        key: c"organ",
        name: c"Organ",
        description: c"Sounds by the built-in organ, with no instrument behind it",
        values: &[("sound", 1.0)],
    },
    Preset { key: c"alto", name: c"Track: alto", description: c"The alto alone leaves", values: &[("layout", 2.0)] },
    Preset { key: c"tenor", name: c"Track: tenor", description: c"The tenor alone leaves", values: &[("layout", 3.0)] },
    Preset { key: c"bass", name: c"Track: bass", description: c"The bass alone leaves", values: &[("layout", 4.0)] },
];

impl Preset {
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    pub fn description(&self) -> &'static str {
        self.description.to_str().unwrap_or_default()
    }

    /// Whether one part alone leaves. With an output for each part all leave.
    pub fn is_of_one_part(&self) -> bool {
        self.values.iter().any(|(key, _)| *key == "layout")
    }

    /// Of all parameters.
    pub fn values(&self) -> Values {
        let mut values = Values::default();
        for (value, parameter) in values.0.iter_mut().zip(ALL) {
            let told = self.values.iter().find(|(key, _)| *key == parameter.key);
            *value = told.map_or(*value, |(_, told)| *told);
        }
        values
    }
}

/// The values of a preset; none where there is no such one.
pub fn values(key: &CStr) -> Option<Values> {
    PRESETS.iter().find(|preset| preset.key == key).map(Preset::values)
}

/// Tells hosts of them.
pub struct Presets {
    descriptor: ProviderDescriptor,
}

impl Presets {
    pub fn new() -> Presets {
        Presets { descriptor: ProviderDescriptor::new(PROVIDER, "Chorale").with_vendor("chorale") }
    }
}

impl PresetDiscoveryFactoryImpl for Presets {
    fn provider_count(&self) -> u32 {
        1
    }

    fn provider_descriptor(&self, index: u32) -> Option<&ProviderDescriptor> {
        (index == 0).then_some(&self.descriptor)
    }

    fn create_provider<'a>(&'a self, host: IndexerInfo<'a>, provider: &CStr) -> Option<ProviderInstance<'a>> {
        let declare = |mut indexer: Indexer<'a>| {
            let (name, flags, location) = (c"Chorale", Flags::IS_FACTORY_CONTENT, Location::Plugin);
            indexer.declare_location(LocationInfo { name, flags, location })?;
            Ok(Provider)
        };
        (self.descriptor.id() == Some(provider)).then(|| ProviderInstance::new(host, &self.descriptor, declare))
    }
}

struct Provider;

impl ProviderImpl<'_> for Provider {
    fn get_metadata(&mut self, location: Location, receiver: &mut MetadataReceiver) -> Result<(), PluginError> {
        if location != Location::Plugin {
            return Err(PluginError::Message("the presets lie in the plugin's own file"));
        }
        for preset in &PRESETS {
            let told = receiver.begin_preset(Some(preset.name), Some(preset.key))?;
            told.set_description(preset.description);
            for id in [Some(ID), Some(ID_OF_PORTS).filter(|_| !preset.is_of_one_part())].into_iter().flatten() {
                told.add_plugin_id(UniversalPluginId::clap(&CString::new(id)?));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state;

    #[test]
    fn every_preset_is_a_state_that_a_project_can_keep_and_no_two_are_the_same() {
        let all: Vec<Values> = PRESETS.iter().filter_map(|preset| values(preset.key)).collect();
        assert_eq!(all.len(), PRESETS.len());
        for (index, (preset, found)) in PRESETS.iter().zip(&all).enumerate() {
            assert!(preset.values.iter().all(|(key, _)| ALL.iter().any(|one| one.key == *key)), "{:?}", preset.name);
            assert_eq!(state::read(state::write(found).as_bytes()).unwrap(), *found, "{:?}", preset.name);
            assert!(all[..index].iter().all(|other| other != found), "{:?}", preset.name);
        }
        assert!(values(c"none").is_none());
    }
}
