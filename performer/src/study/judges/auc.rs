//! How well scores tell two kinds of pieces apart.

/// The share of all pairs of one from each that `ours` exceeds, ties counting half: the area under the ROC curve (Hanley
/// and McNeil 1982). `None` where either is empty.
pub fn area(bach: &[f64], ours: &[f64]) -> Option<f64> {
    let pairs = bach.iter().flat_map(|bach| ours.iter().map(|ours| exceeds(*bach, *ours)));
    mean(pairs)
}

/// The same over the pairs of one soprano alone.
pub fn paired_area(bach: &[f64], ours: &[f64]) -> Option<f64> {
    mean(bach.iter().zip(ours).map(|(bach, ours)| exceeds(*bach, *ours)))
}

fn exceeds(bach: f64, ours: f64) -> f64 {
    match ours.total_cmp(&bach) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 1.0,
    }
}

pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Of a sample; 0 for fewer than two.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let Some(mean) = mean(values.iter().copied()).filter(|_| values.len() > 1) else { return 0.0 };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_shares_of_pairs_and_a_tie_is_half_a_pair() {
        let (bach, ours) = ([0.0, 2.0, 2.0], [1.0, 2.0, 3.0]);
        // 1 exceeds 0; 2 exceeds 0 and ties twice; 3 exceeds all.
        assert_eq!(area(&bach, &ours), Some((1.0 + 2.0 + 3.0) / 9.0));
        assert_eq!(paired_area(&bach, &ours), Some((1.0 + 0.5 + 1.0) / 3.0));
        assert_eq!((area(&[], &ours), paired_area(&bach, &[])), (None, None));
        assert_eq!(area(&[0.0, 1.0], &[2.0, 3.0]), Some(1.0));
        assert_eq!(area(&[2.0, 3.0], &[0.0, 1.0]), Some(0.0));
    }

    #[test]
    fn a_spread_is_that_of_a_sample() {
        assert_eq!(standard_deviation(&[1.0, 3.0]), std::f64::consts::SQRT_2);
        assert_eq!((standard_deviation(&[4.0]), standard_deviation(&[])), (0.0, 0.0));
    }
}
