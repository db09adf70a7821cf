//! Networks from strangers: refused with a reason, whatever they ask for, and within bounded memory.
#![cfg(unix)]

use std::process::Command;

use tests::binary::performer;
use tests::networks::{faulty, roundabout, smallest};
use tests::tune::{self, NUN_DANKET, Tune};

/// A gigabyte beside the program's own pages. What goes beyond it would fail in another way than by our message.
const KILOBYTES: u32 = 1 << 20;

#[test]
fn a_network_that_asks_for_the_impossible_is_refused_with_a_reason_and_within_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let melody = folder.path().join("tune.mid");
    std::fs::write(&melody, tune::midi_file(&Tune { notes: "C5/4 | C5/2 D5/2", ..NUN_DANKET })).unwrap();
    let mut wrong = Vec::new();
    for (name, bytes) in faulty().into_iter().chain([("good", smallest()), ("good_roundabout", roundabout())]) {
        let network = folder.path().join(format!("{name}.onnx"));
        std::fs::write(&network, bytes).unwrap();
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -v {KILOBYTES}; exec \"$@\""))
            .args(["sh".as_ref(), performer().as_os_str(), "render".as_ref(), melody.as_os_str()])
            .args(["-o".as_ref(), folder.path().join("out.mid").as_os_str(), "--force".as_ref(), "--live".as_ref()])
            .args(["--model".as_ref(), network.as_os_str()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let is_refused = output.status.code() == Some(1) && said.contains("is no usable network");
        println!("{name}: {}", said.trim());
        if name.starts_with("good") != output.status.success()
            || name.starts_with("good") == is_refused
            || name.starts_with("good") != said.contains("runs in tract, about 3 times slower")
            || said.contains("breaks off")
        {
            wrong.push(format!("{name}: {} {said}", output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
