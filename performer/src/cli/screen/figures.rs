//! How fast the answers are.

use hdrhistogram::Histogram;
use ratatui::text::{Line, Span};

use super::view::View;

pub fn figure_line(view: &View) -> Line<'static> {
    if view.latencies.is_empty() {
        return Line::from(" no note was answered yet");
    }
    let microseconds = |quantile| view.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    Line::from(Span::raw(format!(
        " answer p50 {:.0} p99 {:.0} max {:.0} us  8us[{}]2ms",
        microseconds(0.5),
        microseconds(0.99),
        view.latencies.max() as f64 / 1000.0,
        bars(&view.latencies)
    )))
}

/// A histogram of the latencies from 8 to 2048 microseconds, two bars for each doubling.
fn bars(latencies: &Histogram<u64>) -> String {
    const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const BARS: usize = 16;
    let bound = |bar: usize| (8000.0 * 2f64.powf(bar as f64 / 2.0)) as u64;
    let counts: Vec<u64> = (0..BARS)
        .map(|bar| {
            let from = if bar == 0 { 0 } else { bound(bar) };
            let to = if bar + 1 == BARS { latencies.high() } else { bound(bar + 1) - 1 };
            latencies.count_between(from, to)
        })
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u64| if count == 0 { 0 } else { 1 + (count * 7 / most) as usize };
    counts.into_iter().map(|count| HEIGHTS[height(count).min(8)]).collect()
}
