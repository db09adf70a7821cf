//! The organ can play in an audio callback: it neither allocates nor frees once it is built.

use std::process::Command;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use chorale::{Part, Pitch};
use sound::Organ;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn the_organ_neither_allocates_nor_frees_while_it_plays() {
    let mut organ = Organ::new(48_000.0);
    let mut block = [0.0; 2 * 128];
    let mut loudest = 0.0_f32;
    for number in 0..400u32 {
        assert_no_alloc(|| {
            let part = Part::ALL[number as usize % 4];
            if let Some(pitch) = Pitch::new((40 + number % 45) as u8) {
                organ.note_on(part, pitch, 90);
            }
            organ.set_gain(part, 0.8);
            organ.controller(part, [1, 7, 11, 80, 81, 82, 83, 121][number as usize / 4 % 8], (number * 37 % 128) as u8);
            organ.bend(part, (number * 997 % 16_384) as u16);
            organ.render(&mut block);
            if number % 7 == 0 {
                organ.all_notes_off();
            }
        });
        loudest = block.iter().fold(loudest, |loudest, sample| loudest.max(sample.abs()));
    }
    assert!(loudest > 0.05, "it sounds: {loudest}");
}

#[test]
fn the_check_finds_an_allocation() {
    const CHILD: &str = "ORGAN_ALLOCATES";
    if std::env::var_os(CHILD).is_some() {
        assert_no_alloc(|| drop(Vec::<u8>::with_capacity(std::hint::black_box(16))));
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let status = child.args(["the_check_finds_an_allocation", "--exact"]).env(CHILD, "1").output().unwrap().status;
    assert!(!status.success());
}
