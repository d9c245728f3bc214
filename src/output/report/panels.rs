//! Charts of a sweep as inline SVG: bars of effects, outcomes over a factor, and shaded tables of numbers.

use super::chart::{Scale, WIDTH, open};
use super::text::{ABSENT, Kind, escape};
use std::fmt::Write;

/// Dots that are drawn; of more points every second, third and so on.
const MOST_DOTS: usize = 240;

/// A factor's effect, as a bar.
pub struct Effect {
    /// Factor.
    pub label: String,
    /// Length.
    pub value: f64,
    /// Interval.
    pub interval: Option<(f64, f64)>,
    /// The value as it is written.
    pub shown: String,
}

/// Horizontal bars from 0 with their intervals, each below its label.
pub fn effects(
    id: &str,
    title: &str,
    description: &str,
    unit: &str,
    divisor: f64,
    bars: &[Effect],
) -> String {
    const TOP: f64 = 42.0;
    const ROW: f64 = 38.0;
    const AMOUNTS: f64 = 84.0;
    let width = WIDTH - AMOUNTS - 16.0;
    let bottom = TOP + ROW * bars.len() as f64;
    let ends = bars.iter().flat_map(|bar| {
        let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
        [low, high, bar.value]
    });
    let (low, high) = ends
        .filter(|end| end.is_finite())
        .fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let scale = Scale::over(low, high, 4.0);
    let x = |value: f64| 16.0 + width * scale.part(value).clamp(0.0, 1.0);
    let mut svg = open(id, WIDTH, bottom + 22.0, title, description);
    let _ = write!(svg, "<text class=\"t\" x=\"4\" y=\"15\">{}</text>", escape(title));
    let _ = write!(svg, "<text class=\"u\" x=\"4\" y=\"32\">{}</text>", escape(unit));
    let places = scale.places(divisor);
    for tick in scale.ticks() {
        let shown = format!("{:.places$}", tick / divisor).replace('-', "\u{2212}");
        let _ = write!(
            svg,
            "<path class=\"g\" d=\"M{:.1} {TOP:.1}V{bottom:.1}\"/><text class=\"a m\" x=\"{0:.1}\" y=\"{:.1}\">{shown}</text>",
            x(tick),
            bottom + 15.0
        );
    }
    for (row, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.value.is_finite()) {
        let y = TOP + ROW * row as f64;
        let (from, to) = (x(0.0).min(x(bar.value)), x(0.0).max(x(bar.value)));
        // What falls is outlined: the sign survives without colour.
        let paint = if bar.value >= 0.0 {
            "fill=\"#0072B2\""
        } else {
            "fill=\"#FBE3D2\" stroke=\"#D55E00\" stroke-width=\"1.5\""
        };
        let middle = y + 26.0;
        let _ = write!(
            svg,
            "<text class=\"l\" x=\"16\" y=\"{:.1}\">{}</text><rect {paint} x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
             height=\"12\"/><text class=\"l e\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            escape(&bar.label),
            middle - 6.0,
            to - from,
            WIDTH - 4.0,
            middle + 4.0,
            escape(&bar.shown)
        );
        if let Some((low, high)) = bar.interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
            let _ = write!(
                svg,
                "<path class=\"i\" d=\"M{:.1} {middle:.1}H{:.1}M{0:.1} {:.1}v8M{1:.1} {2:.1}v8\"/>",
                x(low),
                x(high),
                middle - 4.0
            );
        }
    }
    let _ = write!(svg, "<path class=\"x\" d=\"M{:.1} {TOP:.1}V{bottom:.1}\"/></svg>", x(0.0));
    svg
}

/// An outcome over the range of a factor.
pub struct Scatter<'a> {
    /// Factor.
    pub title: String,
    /// What it shows with its figures.
    pub description: String,
    /// How the outcome is written.
    pub kind: Kind,
    /// Points: share of the way along the factor's range, and outcome.
    pub dots: Vec<(f64, f64)>,
    /// Means over points.
    pub means: Vec<(f64, f64)>,
    /// Labels along the factor's range.
    pub labels: &'a [(f64, String)],
    /// Lowest and highest outcome of the figure, so that its panels compare.
    pub range: (f64, f64),
}

impl Scatter<'_> {
    /// The chart as an element whose ids begin with `id`.
    pub fn svg(&self, id: &str) -> String {
        const TOP: f64 = 46.0;
        const BOTTOM: f64 = 262.0;
        const LEFT: f64 = 52.0;
        const RIGHT: f64 = WIDTH - 22.0;
        let (low, high) = self.range;
        let from_zero = low >= 0.0 && low < 0.6 * high;
        let scale = Scale::over(if from_zero { 0.0 } else { low }, high, 4.0);
        let (divisor, unit) = self.kind.axis(scale.high.abs().max(scale.low.abs()));
        let x = |share: f64| LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0);
        let y = |value: f64| BOTTOM - (BOTTOM - TOP) * scale.part(value).clamp(0.0, 1.0);
        let mut svg = open(id, WIDTH, BOTTOM + 26.0, &self.title, &self.description);
        let cut = if scale.low > 0.0 { ", axis does not start at 0" } else { "" };
        let _ = write!(svg, "<text class=\"t\" x=\"4\" y=\"15\">{}</text>", escape(&self.title));
        let _ = write!(svg, "<text class=\"u\" x=\"4\" y=\"32\">{unit}{cut}</text>");
        let places = scale.places(divisor);
        for tick in scale.ticks() {
            let shown = format!("{:.places$}", tick / divisor).replace('-', "\u{2212}");
            let _ = write!(
                svg,
                "<path class=\"g\" d=\"M{LEFT:.1} {:.1}H{RIGHT:.1}\"/><text class=\"a e\" x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
                y(tick),
                LEFT - 6.0,
                y(tick) + 4.0
            );
        }
        for (at, label) in self.labels {
            let _ = write!(
                svg,
                "<path class=\"x\" d=\"M{:.1} {BOTTOM:.1}v5\"/><text class=\"a m\" x=\"{0:.1}\" y=\"{:.1}\">{}</text>",
                x(*at),
                BOTTOM + 20.0,
                escape(label)
            );
        }
        let _ = write!(svg, "<path class=\"x\" d=\"M{LEFT:.1} {BOTTOM:.1}H{RIGHT:.1}\"/>");
        let every = self.dots.len().div_ceil(MOST_DOTS).max(1);
        let dots: String = (self.dots.iter().step_by(every))
            .map(|(at, value)| format!("M{:.1} {:.1}h0", x(*at), y(*value)))
            .collect();
        let _ = write!(svg, "<path class=\"p\" d=\"{dots}\"/>");
        let mut line = String::new();
        let mut marks = String::new();
        for (at, value) in &self.means {
            let (x, y) = (x(*at), y(*value));
            let _ = write!(line, "{}{x:.1} {y:.1}", if line.is_empty() { 'M' } else { 'L' });
            let _ = write!(marks, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1a1a1a\"/>");
        }
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"#1a1a1a\" stroke-width=\"2.2\" d=\"{line}\"/>{marks}</svg>"
        );
        svg
    }
}

/// A cell of a [`Shaded`] table: how dark it is, from 0 to 1, and its number.
pub type Tone = Option<(f64, String)>;

/// Numbers in rows and columns, the higher the darker.
pub struct Shaded<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same with its figures.
    pub description: String,
    /// Lines below the title: unit, what rows and columns are.
    pub notes: Vec<String>,
    /// Labels of rows.
    pub rows: Vec<String>,
    /// Labels of columns.
    pub columns: Vec<String>,
    /// Cells, a list a row.
    pub cells: Vec<Vec<Tone>>,
}

impl Shaded<'_> {
    /// The table as an element whose ids begin with `id`.
    pub fn svg(&self, id: &str) -> String {
        const ROW: f64 = 28.0;
        let longest = self.rows.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let left = (14.0 + 7.4 * longest as f64).clamp(40.0, 190.0);
        let top = 24.0 + 16.0 * self.notes.len() as f64 + 16.0;
        let width = (WIDTH - left - 4.0) / self.columns.len().max(1) as f64;
        let height = top + ROW * self.rows.len() as f64 + 4.0;
        let mut svg = open(id, WIDTH, height, self.title, &self.description);
        let _ = write!(svg, "<text class=\"t\" x=\"4\" y=\"15\">{}</text>", escape(self.title));
        for (line, note) in self.notes.iter().enumerate() {
            let y = 32.0 + 16.0 * line as f64;
            let _ = write!(svg, "<text class=\"u\" x=\"4\" y=\"{y:.1}\">{}</text>", escape(note));
        }
        for (column, label) in self.columns.iter().enumerate() {
            let x = left + width * (column as f64 + 0.5);
            let y = top - 5.0;
            let _ = write!(svg, "<text class=\"c m\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(label));
        }
        for (row, (label, cells)) in self.rows.iter().zip(&self.cells).enumerate() {
            let y = top + ROW * row as f64;
            let _ = write!(
                svg,
                "<text class=\"c e\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 7.0,
                y + 18.5,
                escape(label)
            );
            for (column, cell) in cells.iter().enumerate() {
                let x = left + width * column as f64;
                let (paint, class, text) = match cell {
                    Some((tone, text)) => {
                        (shade(*tone), if *tone > 0.5 { "c m w" } else { "c m" }, text.as_str())
                    }
                    None => ("#ffffff".to_string(), "c m", ABSENT),
                };
                let _ = write!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{ROW}\" fill=\"{paint}\" \
                     stroke=\"#fff\"/><text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    x + width / 2.0,
                    y + 18.5,
                    escape(text)
                );
            }
        }
        svg.push_str("</svg>");
        svg
    }
}

/// From nearly white to dark blue, through tones that are as far apart without colour.
fn shade(tone: f64) -> String {
    const LIGHT: [f64; 3] = [240.0, 245.0, 249.0];
    const DARK: [f64; 3] = [8.0, 48.0, 95.0];
    let tone = if tone.is_finite() { tone.clamp(0.0, 1.0) } else { 0.0 };
    let part = |index: usize| (LIGHT[index] + (DARK[index] - LIGHT[index]) * tone).round() as u8;
    format!("#{:02x}{:02x}{:02x}", part(0), part(1), part(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_darken_in_grey_too() {
        let grey = |tone: f64| {
            let text = shade(tone);
            let part = |from: usize| f64::from(u8::from_str_radix(&text[from..from + 2], 16).unwrap());
            0.299 * part(1) + 0.587 * part(3) + 0.114 * part(5)
        };
        let greys: Vec<f64> = (0..=10).map(|tenth| grey(f64::from(tenth) / 10.0)).collect();
        assert!(greys.windows(2).all(|pair| pair[0] - pair[1] > 15.0), "{greys:?}");
        assert_eq!(shade(f64::NAN), shade(0.0));
    }
}
