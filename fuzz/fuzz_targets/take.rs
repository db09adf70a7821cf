#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use network::Model;

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/own_network/lstm.onnx");
    Arc::new(Model::load(path.as_ref()).expect("scripts/fuzz.sh makes it"))
});

fuzz_target!(|text: &str| fuzzing::take(text, &MODEL));
