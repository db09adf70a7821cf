//! The co-performer as a plugin: notes in, soprano and answers out in the key's own frame, the host's transport as the
//! clock.
//!
//! The file is a CLAP; with the feature `wrapped` it is a VST3 and, on macOS, an AUv2 too. It holds two plugins that
//! differ in their note ports alone: one output for all parts, or one a part. There is no window: hosts show the
//! parameters, with their names and texts, in their own way.
//!
//! ```text
//! host's audio thread   Player (session, outlet, organ)   never allocates, locks or waits, unless nobody listens
//! worker                the networks                      everything
//! host's main thread    parameters, state                 everything but wait for the audio thread
//! ```

mod networks;
mod outlet;
mod parameters;
mod player;
mod plugin;
mod presets;
mod state;
mod transport;
mod vst3_preset;
mod worker;

use std::ffi::CStr;

use clack_extensions::preset_discovery::factory::PresetDiscoveryFactoryWrapper;
use clack_plugin::entry::prelude::*;
use clack_plugin::plugin::features;

use outlet::Ports;
use plugin::{Chorale, Instance, MainThread};
use presets::Presets;
pub use vst3_preset::{CLASSES, Class, write_all as write_vst3_presets};

/// Of the plugin with one note output.
pub const ID: &str = "org.chorale.co-performer";
/// Of the plugin with a note output for each part.
pub const ID_OF_PORTS: &str = "org.chorale.co-performer.ports";

/// Names both plugins, and their presets.
pub struct ChoraleEntry {
    factory: PluginFactoryWrapper<Factory>,
    presets: PresetDiscoveryFactoryWrapper<Presets>,
}

impl Entry for ChoraleEntry {
    fn new(_: Option<&CStr>) -> Result<ChoraleEntry, EntryLoadError> {
        let description = "Play a soprano: alto, tenor and bass answer at once in the manner of Bach's chorales";
        let descriptor = |id: &str, name: &str| {
            PluginDescriptor::new(id, name)
                .with_vendor("chorale")
                .with_version(env!("CARGO_PKG_VERSION"))
                .with_description(description)
                .with_features([features::NOTE_EFFECT, features::STEREO])
        };
        let plugins =
            [(descriptor(ID, "Chorale"), Ports::One), (descriptor(ID_OF_PORTS, "Chorale 4 Outs"), Ports::OnePerPart)];
        let factory = PluginFactoryWrapper::new(Factory { plugins });
        Ok(ChoraleEntry { factory, presets: PresetDiscoveryFactoryWrapper::new(Presets::new()) })
    }

    fn declare_factories<'a>(&'a self, builder: &mut EntryFactories<'a>) {
        builder.register_factory(&self.factory).register_factory(&self.presets);
    }
}

struct Factory {
    plugins: [(PluginDescriptor, Ports); 2],
}

impl PluginFactoryImpl for Factory {
    fn plugin_count(&self) -> u32 {
        self.plugins.len() as u32
    }

    fn plugin_descriptor(&self, index: u32) -> Option<&PluginDescriptor> {
        self.plugins.get(index as usize).map(|(descriptor, _)| descriptor)
    }

    fn create_plugin<'a>(&'a self, host: HostInfo<'a>, id: &CStr) -> Option<PluginInstance<'a>> {
        let (descriptor, ports) = self.plugins.iter().find(|(descriptor, _)| descriptor.id() == Some(id))?;
        let ports = *ports;
        let instance = PluginInstance::new::<Chorale>(
            host,
            descriptor,
            move |host| Ok(Instance::new(host, ports)),
            |host, instance| Ok(MainThread::new(host, instance)),
        );
        Some(instance)
    }
}

clack_plugin::clack_export_entry!(ChoraleEntry);

#[cfg(feature = "wrapped")]
clap_wrapper::export_vst3!();
#[cfg(all(feature = "wrapped", target_os = "macos"))]
clap_wrapper::export_auv2!();
