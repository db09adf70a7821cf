//! The learning curve as a picture.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

/// Training loss and validation T by epoch, as `(epoch, nats per note)`.
pub fn draw(path: &Path, title: &str, train: &[(f64, f64)], valid: &[(f64, f64)]) -> Result<()> {
    let mut svg = String::new();
    let draw = |svg: &mut String| -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let values = || train.iter().chain(valid);
        let epochs = values().map(|point| point.0).fold(1.0, f64::max);
        let lowest = values().map(|point| point.1).fold(f64::INFINITY, f64::min);
        // The first epochs are far above the rest and would flatten what one wants to see.
        let highest = values().filter(|point| point.0 > 1.0).map(|point| point.1).fold(lowest + 0.05, f64::max);
        let area = SVGBackend::with_string(svg, (900, 520)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..epochs, (lowest - 0.01)..(highest + 0.01).min(1.0).max(lowest + 0.05))?;
        chart.configure_mesh().x_desc("epoch").y_desc("nats per note").draw()?;
        for (label, color, points) in [("training loss", BLUE, train), ("validation T", RED, valid)] {
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?
                .label(label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
        area.present()
    };
    draw(&mut svg).map_err(|error| anyhow!("cannot draw the learning curve: {error}"))?;
    Ok(files::write_whole(path, svg.as_bytes())?)
}
