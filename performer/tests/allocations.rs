//! How much memory the networks' steps take anew: none once they have run for a while, and the worker's tables a bounded
//! number of pieces.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use chorale::{Chord, Part, Phase, Pitch, Token};
use harmonizer::{Harmonizer, Sampling};
use network::{Context, Model, Row, State};

/// The system's allocator, which counts what the present thread asks it for.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code)]
// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(run: impl FnOnce()) -> usize {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

/// Longer than anything is remembered ([`chorale::PhraseMemory::LONGEST`]), so that every list has grown to its size.
const WARM: usize = 1100;
const STEPS: usize = 64;

fn chord(step: usize) -> Chord {
    let shift = (step / 4 * 5 % 7) as u8;
    Chord([72, 67, 64, 48].map(|midi| Token::from_pitch(Pitch::new(midi + shift).unwrap()).unwrap()))
}

fn before(step: usize) -> Chord {
    if step == 0 { Chord::START } else { chord(step - 1) }
}

fn models() -> [(&'static str, Arc<Model>); 2] {
    [("wavenet", Arc::new(Model::wavenet().unwrap())), ("lstm", Arc::new(Model::lstm().unwrap()))]
}

/// One step of the trunk and every head for some rows.
fn step(model: &Model, state: &mut State, at: usize, context: &mut Context, logits: &mut Vec<f32>) {
    model.step(&mut [state], &[before(at)], Phase::in_beat(at), context).unwrap();
    let rows: [Row; 40] = std::array::from_fn(|row| Row { state: 0, given: chord(at + row) });
    for part in Part::ALL {
        model.logits(part, context, &rows, logits).unwrap();
    }
}

#[test]
fn a_warm_step_of_either_network_takes_no_memory() {
    for (name, model) in models() {
        let (mut state, mut context, mut logits) = (model.start(), Context::default(), Vec::new());
        for at in 0..WARM {
            step(&model, &mut state, at, &mut context, &mut logits);
        }
        let taken = count(|| {
            for at in WARM..WARM + STEPS {
                step(&model, &mut state, at, &mut context, &mut logits);
            }
        });
        assert_eq!(taken, 0, "{name}: {taken} pieces of memory in {STEPS} steps");
    }
}

#[test]
fn the_count_sees_the_memory_that_a_fresh_context_takes() {
    for (name, model) in models() {
        let mut state = model.start();
        for at in 0..WARM {
            step(&model, &mut state, at, &mut Context::default(), &mut Vec::new());
        }
        let taken = count(|| step(&model, &mut state, WARM, &mut Context::default(), &mut Vec::new()));
        assert!(taken > 0, "{name}: the check cannot fail");
    }
}

/// Lists of candidates, a few for each of 23 sopranos and three parts; what was taken when this was written was a
/// quarter less.
const MOST_FOR_A_TABLE: usize = 200;

#[test]
fn an_answer_table_takes_a_bounded_number_of_pieces_of_memory_however_long_the_piece() {
    for (name, model) in models() {
        let mut harmonizer = Harmonizer::new(model, Sampling::default());
        for at in 0..WARM {
            harmonizer.step(before(at), Phase::in_beat(at)).unwrap();
        }
        let mut most = 0;
        for at in WARM..WARM + STEPS {
            most = most.max(count(|| {
                harmonizer.step(before(at), Phase::in_beat(at)).unwrap();
                harmonizer.answers().unwrap();
            }));
        }
        println!("{name}: {most} pieces of memory for a table at the most");
        assert!(most <= MOST_FOR_A_TABLE, "{name}: {most} pieces of memory for one table");
    }
}
