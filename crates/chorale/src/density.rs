/// How the lower parts move while the soprano holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Density {
    /// Only with the soprano.
    Still,
    Beats,
    Eighths,
    #[default]
    Sixteenths,
}

impl Density {
    pub const ALL: [Density; 4] = [Density::Still, Density::Beats, Density::Eighths, Density::Sixteenths];

    pub fn from_value(value: u8) -> Density {
        Density::ALL[usize::from(value.min(127) / 32)]
    }

    /// A value that stands for it.
    pub fn value(self) -> u8 {
        32 * self as u8 + 31
    }

    pub fn name(self) -> &'static str {
        ["still", "beats", "eighths", "sixteenths"][self as usize]
    }

    /// Whether the parts may move at a position without the soprano.
    pub fn moves_at(self, position: u64) -> bool {
        match self {
            Density::Still => false,
            Density::Beats => position.is_multiple_of(4),
            Density::Eighths => position.is_multiple_of(2),
            Density::Sixteenths => true,
        }
    }
}
