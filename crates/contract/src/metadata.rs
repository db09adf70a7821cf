//! The keys of a file's `metadata_props`. Whoever runs a network needs [`STATE`] and [`PART_ORDER`]; the others tell what
//! it is and where it comes from.

/// `wavenet` or `lstm`.
pub const ARCHITECTURE: &str = "architecture";
/// What the tokens mean.
pub const VOCABULARY: &str = "vocabulary";
/// What the phases mean.
pub const PHASE: &str = "phase";
/// The letters of the parts in the order in which they are chosen, the soprano first: `SBTA`.
pub const PART_ORDER: &str = "part_order";
/// A [`StateContract`](crate::StateContract) in JSON.
pub const STATE: &str = "state";
/// In steps, or `unbounded`.
pub const RECEPTIVE_FIELD: &str = "receptive_field";
/// All of the trainer's settings, in JSON.
pub const SETTINGS: &str = "settings";
pub const TRAINING_COMMAND: &str = "training_command";
pub const TRAINING_COMMIT: &str = "training_commit";
pub const TRAINING_EPOCH: &str = "training_epoch";
/// Mean nats per note on the validation and on the test pieces.
pub const VALID_T: &str = "valid_T";
pub const TEST_T: &str = "test_T";

pub const ALL: [&str; 12] = [
    ARCHITECTURE,
    VOCABULARY,
    PHASE,
    PART_ORDER,
    STATE,
    RECEPTIVE_FIELD,
    SETTINGS,
    TRAINING_COMMAND,
    TRAINING_COMMIT,
    TRAINING_EPOCH,
    VALID_T,
    TEST_T,
];
