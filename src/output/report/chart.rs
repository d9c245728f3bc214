//! Charts as inline SVG: lines over months with bands, bars with intervals.

use super::text::{Kind, escape};
use crate::units::Month;
use std::fmt::Write;

/// Colours that the colour-blind tell apart (Okabe and Ito 2008), the darker ones first.
const COLORS: [&str; 6] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"];
/// Dash patterns; of another number than colours, so that few lines share both.
const DASHES: [&str; 7] = ["", "9 4", "3 3", "12 4 3 4", "6 2", "2 5", "14 3 2 3 2 3"];

/// Scenarios up to which bands are drawn; beyond it they would hide the lines.
const BANDS: usize = 6;

pub const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 30.0;
const LEFT: f64 = 48.0;

/// A point of a line: how many months after the start, mean and interval.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Months after the start.
    pub at: i32,
    /// Mean.
    pub mean: f64,
    /// Interval.
    pub interval: Option<(f64, f64)>,
}

/// A line: a scenario's index, label at its end, and points by month.
pub struct Line {
    /// Index of the scenario, which gives it colour, dashes and marker.
    pub index: usize,
    /// Label at its end; none if there is one line only.
    pub label: String,
    /// Points in the order of months.
    pub points: Vec<Point>,
}

/// A chart of lines.
pub struct LineChart<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same with its figures, for those who don't see it.
    pub description: String,
    /// How its figures are written.
    pub kind: Kind,
    /// First month, and how many there are.
    pub start: Month,
    /// Months.
    pub months: i32,
    /// Lines.
    pub lines: Vec<Line>,
    /// Months after the start that are marked, with their label.
    pub marks: Vec<(i32, String)>,
}

impl LineChart<'_> {
    /// The chart as an element whose ids begin with `id`.
    pub fn svg(&self, id: &str) -> String {
        let widest = self.lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
        let right = if widest == 0 { 14.0 } else { 24.0 + 7.4 * widest as f64 };
        let frame = Frame { width: WIDTH - LEFT - right, months: self.months, scale: self.scale() };
        let mut svg = open(id, WIDTH, HEIGHT, self.title, &self.description);
        let (divisor, unit) = self.kind.axis(frame.scale.high.abs().max(frame.scale.low.abs()));
        let cut = if frame.scale.low > 0.0 { ", axis does not start at 0" } else { "" };
        let _ = write!(svg, "<text class=\"t\" x=\"4\" y=\"15\">{}</text>", escape(self.title));
        let _ = write!(svg, "<text class=\"u\" x=\"4\" y=\"32\">{unit}{cut}</text>");
        self.axes(&mut svg, &frame, divisor);
        if self.lines.len() <= BANDS {
            self.lines.iter().for_each(|line| band(&mut svg, &frame, line));
        }
        self.lines.iter().for_each(|line| self.line(&mut svg, &frame, line));
        self.labels(&mut svg, &frame);
        svg.push_str("</svg>");
        svg
    }

    /// From 0, unless everything lies far from it; bands count where they are drawn.
    fn scale(&self) -> Scale {
        let bands = self.lines.len() <= BANDS;
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let ends = points().flat_map(|point| {
            let (low, high) = point.interval.filter(|_| bands).unwrap_or((point.mean, point.mean));
            [low, high, point.mean]
        });
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for end in ends.filter(|end| end.is_finite()) {
            (low, high) = (low.min(end), high.max(end));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if points().all(|point| point.mean >= 0.0) {
            low = low.max(0.0);
        }
        if matches!(self.kind, Kind::Percent(_)) && points().all(|point| point.mean <= 1.0) {
            high = high.min(1.0);
        }
        if low > 0.0 && low < 0.6 * high {
            low = 0.0;
        }
        Scale::over(low, high, 5.0)
    }

    fn axes(&self, svg: &mut String, frame: &Frame, divisor: f64) {
        let places = frame.scale.places(divisor);
        for tick in frame.scale.ticks() {
            let y = frame.y(tick);
            let shown = format!("{:.places$}", tick / divisor).replace('-', "\u{2212}");
            let _ = write!(
                svg,
                "<path class=\"g\" d=\"M{LEFT:.1} {y:.1}h{:.1}\"/><text class=\"a e\" x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
                frame.width,
                LEFT - 6.0,
                y + 4.0
            );
        }
        let bottom = HEIGHT - BOTTOM;
        let years = self.months > 18;
        let step = if years { 12 * (1 + self.months / 12 / 9) } else { 3 };
        for at in 0..self.months {
            let month = self.start.plus(at).to_string();
            let first = if years { month.ends_with("-01") } else { at % step == 0 };
            let year: i32 = month.split('-').next().and_then(|year| year.parse().ok()).unwrap_or(0);
            if !first || (years && year % (step / 12) != 0) {
                continue;
            }
            let shown = if years { year.to_string() } else { month };
            let x = frame.x(at);
            let _ = write!(
                svg,
                "<path class=\"x\" d=\"M{x:.1} {bottom:.1}v5\"/><text class=\"a m\" x=\"{x:.1}\" y=\"{:.1}\">{shown}</text>",
                bottom + 19.0
            );
        }
        let _ = write!(svg, "<path class=\"x\" d=\"M{LEFT:.1} {bottom:.1}h{:.1}\"/>", frame.width);
        for (row, (at, label)) in self.marks.iter().enumerate() {
            let x = frame.x(*at);
            let y = TOP - 6.0;
            // Labels of several marks would overlap: one a line, the later ones within the chart.
            let y = y + 14.0 * row as f64;
            let (class, dx) = if x > LEFT + 0.6 * frame.width { ("a e", -4.0) } else { ("a", 4.0) };
            let _ = write!(
                svg,
                "<path class=\"d\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/><text class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                TOP - 14.0,
                x + dx,
                escape(label)
            );
        }
    }

    fn line(&self, svg: &mut String, frame: &Frame, line: &Line) {
        let mut path = String::new();
        let mut before = None;
        for point in &line.points {
            // A month without a figure breaks the line.
            let joined = before == Some(point.at - 1);
            let command = if joined { 'L' } else { 'M' };
            let _ = write!(path, "{command}{:.1} {:.1}", frame.x(point.at), frame.y(point.mean));
            before = Some(point.at);
        }
        let width = if self.lines.len() > BANDS { 1.4 } else { 2.2 };
        let color = color(line.index);
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-dasharray=\"{}\" d=\"{path}\"/>",
            dashes(line.index)
        );
        // Markers of different lines stand in different months, so that equal lines show both.
        let every = (self.months / 6).max(1);
        let offset = (line.index as i32 * every / self.lines.len().max(1) as i32) % every;
        for point in line.points.iter().filter(|point| point.at % every == offset) {
            svg.push_str(&marker(line.index, frame.x(point.at), frame.y(point.mean)));
        }
    }

    fn labels(&self, svg: &mut String, frame: &Frame) {
        let ends = self.lines.iter().filter(|line| !line.label.is_empty());
        let mut ends: Vec<(f64, &Line)> =
            ends.filter_map(|line| Some((frame.y(line.points.last()?.mean), line))).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.index.cmp(&b.1.index)));
        let ys: Vec<f64> = ends.iter().map(|(y, _)| *y).collect();
        for (y, (_, line)) in apart(&ys, 14.0, TOP, HEIGHT - BOTTOM).into_iter().zip(ends) {
            let x = LEFT + frame.width + 9.0;
            svg.push_str(&marker(line.index, x, y));
            let _ = write!(
                svg,
                "<text class=\"l\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 8.0,
                y + 4.0,
                escape(&line.label)
            );
        }
    }
}

/// Places near `wanted`, which ascend, at least `gap` apart, between `low` and `high` if there is room.
fn apart(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let mut least = low;
    for place in &mut places {
        *place = place.max(least);
        least = *place + gap;
    }
    let mut most = high;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - gap;
    }
    places
}

fn band(svg: &mut String, frame: &Frame, line: &Line) {
    let with = line.points.iter().filter_map(|point| Some((point.at, point.interval?)));
    let with: Vec<_> = with.collect();
    for run in with.chunk_by(|a, b| b.0 == a.0 + 1) {
        let there = run.iter().map(|(at, (_, high))| (frame.x(*at), frame.y(*high)));
        let back = run.iter().rev().map(|(at, (low, _))| (frame.x(*at), frame.y(*low)));
        let points: Vec<String> = there.chain(back).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(
            svg,
            "<polygon fill=\"{}\" fill-opacity=\"0.16\" points=\"{}\"/>",
            color(line.index),
            points.join(" ")
        );
    }
}

/// The colour of a scenario.
pub fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

fn dashes(index: usize) -> &'static str {
    DASHES[index % DASHES.len()]
}

/// A marker of the scenario's shape and colour.
fn marker(index: usize, x: f64, y: f64) -> String {
    let color = color(index);
    let shape = match index % 6 {
        0 => return format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.6\" fill=\"{color}\"/>"),
        1 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
        2 => format!("M{x:.1} {:.1}l4.4 8h-8.8z", y - 4.8),
        3 => format!("M{x:.1} {:.1}l4.8 4.8l-4.8 4.8l-4.8 -4.8z", y - 4.8),
        4 => format!("M{x:.1} {:.1}l4.4 -8h-8.8z", y + 4.8),
        _ => format!("M{:.1} {:.1}h2.8v-2.8h3v2.8h2.8v3h-2.8v2.8h-3v-2.8h-2.8z", x - 4.3, y - 1.5),
    };
    format!("<path fill=\"{color}\" d=\"{shape}\"/>")
}

/// A sample of a scenario's line for a legend, which text beside it explains.
pub fn sample(index: usize) -> String {
    format!(
        "<svg class=\"s\" viewBox=\"0 0 44 12\" width=\"44\" height=\"12\" aria-hidden=\"true\"><title>line of \
         the scenario</title><desc>Its colour, dashes and marker.</desc><path fill=\"none\" stroke=\"{}\" \
         stroke-width=\"2.2\" stroke-dasharray=\"{}\" d=\"M0 6h44\"/>{}</svg>",
        color(index),
        dashes(index),
        marker(index, 22.0, 6.0)
    )
}

struct Frame {
    width: f64,
    months: i32,
    scale: Scale,
}

impl Frame {
    fn x(&self, at: i32) -> f64 {
        LEFT + self.width * f64::from(at) / f64::from((self.months - 1).max(1))
    }

    /// Within the chart, even where a band leaves it.
    fn y(&self, value: f64) -> f64 {
        let bottom = HEIGHT - BOTTOM;
        (bottom - (bottom - TOP) * self.scale.part(value)).clamp(TOP, bottom)
    }
}

/// An axis between round numbers.
#[derive(Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    step: f64,
}

impl Scale {
    /// Around `low` and `high`, with about `wanted` steps.
    pub fn over(low: f64, high: f64, wanted: f64) -> Scale {
        let span = if high > low { high - low } else { high.abs().max(1e-3) };
        let rough = span / wanted;
        let power = libm::pow(10.0, libm::log10(rough).floor());
        let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
        let step = factor.unwrap_or(10.0) * power;
        let high = if high > low { high } else { low + span };
        Scale { low: (low / step + 1e-9).floor() * step, high: (high / step - 1e-9).ceil() * step, step }
    }

    pub fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    pub fn ticks(&self) -> impl Iterator<Item = f64> {
        let steps = ((self.high - self.low) / self.step).round() as u32;
        // Of 0 there is one only.
        (0..=steps).map(|i| self.low + f64::from(i) * self.step + 0.0)
    }

    /// Decimals that ticks need.
    pub fn places(&self, divisor: f64) -> usize {
        let step = self.step / divisor;
        let whole = |places: &usize| {
            let scaled = step * libm::pow(10.0, *places as f64);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        };
        (0..4).find(whole).unwrap_or(4)
    }
}

/// A bar: who, how much, interval.
pub struct Bar {
    /// Label.
    pub label: String,
    /// Length.
    pub value: f64,
    /// Interval.
    pub interval: Option<(f64, f64)>,
}

/// Horizontal bars from 0 with their intervals, for amounts of money.
pub fn bars(id: &str, title: &str, description: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 22.0;
    const LABELS: f64 = 150.0;
    const AMOUNTS: f64 = 92.0;
    let height = 64.0 + ROW * bars.len() as f64;
    let width = WIDTH - LABELS - AMOUNTS;
    let ends = bars.iter().flat_map(|bar| {
        let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
        [low, high, bar.value, 0.0]
    });
    let (low, high) = ends
        .filter(|end| end.is_finite())
        .fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let scale = Scale::over(low, high, 3.0);
    let x = |value: f64| LABELS + width * scale.part(value).clamp(0.0, 1.0);
    let mut svg = open(id, WIDTH, height, title, description);
    let (divisor, unit) = Kind::Money.axis(scale.high.max(-scale.low));
    let _ = write!(svg, "<text class=\"t\" x=\"4\" y=\"15\">{}</text>", escape(title));
    let bottom = 32.0 + ROW * bars.len() as f64;
    let places = scale.places(divisor);
    for tick in scale.ticks() {
        let shown = format!("{:.places$}", tick / divisor).replace('-', "\u{2212}");
        let _ = write!(
            svg,
            "<path class=\"g\" d=\"M{:.1} 28V{bottom:.1}\"/><text class=\"a m\" x=\"{0:.1}\" y=\"{:.1}\">{shown}</text>",
            x(tick),
            bottom + 14.0
        );
    }
    let _ = write!(svg, "<text class=\"u\" x=\"4\" y=\"{:.1}\">{unit}</text>", bottom + 14.0);
    for (row, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.value.is_finite()) {
        let y = 32.0 + ROW * row as f64;
        let (from, to) = (x(0.0).min(x(bar.value)), x(0.0).max(x(bar.value)));
        // Gains are filled, losses outlined: the sign survives without colour.
        let paint = if bar.value >= 0.0 {
            "fill=\"#0072B2\""
        } else {
            "fill=\"#FBE3D2\" stroke=\"#D55E00\" stroke-width=\"1.5\""
        };
        let _ = write!(
            svg,
            "<text class=\"l e\" x=\"{:.1}\" y=\"{:.1}\">{}</text><rect {paint} x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\"/>",
            LABELS - 8.0,
            y + 14.0,
            escape(&bar.label),
            y + 3.0,
            to - from
        );
        if let Some((low, high)) = bar.interval.filter(|(low, high)| low.is_finite() && high.is_finite()) {
            let (low, high, middle) = (x(low), x(high), y + 10.0);
            let _ = write!(
                svg,
                "<path class=\"i\" d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v8M{high:.1} {0:.1}v8\"/>",
                middle - 4.0
            );
        }
        let amount = Kind::Money.plain(bar.value).replace("CNY\u{a0}", "");
        let sign = if bar.value > 0.0 { "+" } else { "" };
        let _ = write!(
            svg,
            "<text class=\"l e\" x=\"{:.1}\" y=\"{:.1}\">{sign}{amount}</text>",
            WIDTH - 4.0,
            y + 14.0
        );
    }
    let _ = write!(svg, "<path class=\"x\" d=\"M{:.1} 28V{bottom:.1}\"/></svg>", x(0.0));
    svg
}

pub fn open(id: &str, width: f64, height: f64, title: &str, description: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title \
         id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escape(title),
        escape(description)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let scale = Scale::over(0.0, 0.93, 5.0);
        assert!(close(scale.high, 1.0) && close(scale.step, 0.2), "{scale:?}");
        assert_eq!(scale.ticks().count(), 6);
        assert_eq!((scale.places(0.01), Scale::over(0.0, 0.1, 5.0).places(1.0)), (0, 2));
        let flat = Scale::over(0.0, 0.0, 5.0);
        assert!(flat.high > flat.low && flat.part(0.0) == 0.0, "{flat:?}");
        assert!(Scale::over(-3.0, -3.0, 5.0).part(-3.0).is_finite());
    }

    #[test]
    fn labels_keep_apart_and_inside() {
        assert_eq!(apart(&[50.0, 51.0], 14.0, 0.0, 100.0), [50.0, 64.0]);
        assert_eq!(apart(&[99.0, 100.0], 14.0, 0.0, 100.0), [86.0, 100.0]);
    }
}
