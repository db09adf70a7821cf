//! What of a voice is left out or changed, counted.

#[derive(Default)]
pub(super) struct LeftOut {
    pub ornaments: usize,
    pub fermatas_over_rests: usize,
    pub quarter_tones: usize,
    pub out_of_reach: usize,
}

impl LeftOut {
    /// In sentences for the user.
    pub fn remarks(&self) -> Vec<String> {
        let told = [
            (self.ornaments, "ornaments and articulations are left out"),
            (self.fermatas_over_rests, "fermatas over rests are left out"),
            (self.quarter_tones, "quarter tones are rounded"),
            (self.out_of_reach, "notes beyond C-1 to G9 are left out"),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{what} ({count})")).collect()
    }
}
