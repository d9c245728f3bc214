//! The closing summary of a comparison: the differences that are surely not zero, who wins and loses, and
//! what is not settled.

use super::terminal::{Frame, Page, amount_of, counted, unsigned_zero};
use crate::comparison::{ComparisonRow, WinnerRow};
use std::fmt::Write;

/// Differences that are shown.
const SHOWN: usize = 10;
/// Parties that are named at either end.
const NAMED: usize = 3;

/// The closing summary of scenarios against the first one, with their comparisons and winners in the
/// same order.
pub fn render(
    names: &[&str],
    comparison: &[Vec<ComparisonRow>],
    winners: &[Vec<WinnerRow>],
    frame: &Frame,
) -> String {
    let mut page = Page { text: String::new(), color: frame.color };
    let replicates = comparison.iter().flatten().map(|row| row.replicates).max().unwrap_or(0);
    page.plain(&format!(
        "{} against {}: {} each, seed {}, paired by replicate",
        counted(names.len() as u32 - 1, "scenario"),
        names[0],
        counted(replicates, "replicate"),
        frame.seed
    ));
    for (scenario, name) in names.iter().enumerate().skip(1) {
        page.plain("");
        page.heading(&format!("{name} against {}", names[0]));
        differences(&mut page, &comparison[scenario]);
        parties(&mut page, &winners[scenario]);
    }
    page.plain("");
    frame.closing.iter().for_each(|line| page.plain(line));
    page.text
}

fn differences(page: &mut Page, rows: &[ComparisonRow]) {
    if rows.iter().all(|row| row.difference == 0.0 && row.surely_different != Some(true)) {
        page.plain("  no outcome differs at all");
        return;
    }
    if rows.iter().all(|row| row.surely_different.is_none()) {
        page.plain("  one replicate can't tell a difference from luck; give more with --replicates");
        return;
    }
    let mut sure: Vec<&ComparisonRow> =
        rows.iter().filter(|row| row.surely_different == Some(true)).collect();
    sure.sort_by(|a, b| size(b).total_cmp(&size(a)));
    page.plain(&format!(
        "  surely different: {} of {} outcomes (by chance alone, about {:.0} would seem so)",
        sure.len(),
        rows.len(),
        (0.05 * rows.len() as f64).max(1.0)
    ));
    let shown = &sure[..sure.len().min(SHOWN)];
    let width = shown.iter().map(|row| row.metric.len()).max().unwrap_or(0);
    for row in shown {
        page.plain(&format!("    {:width$}  {}", row.metric, change(row)));
    }
    if sure.len() > shown.len() {
        page.plain(&format!("    and {} smaller ones, in comparison.csv", sure.len() - shown.len()));
    }
    unsettled(page, rows);
    let mut saved: Vec<f64> = rows.iter().filter_map(|row| row.variance_saved).collect();
    saved.sort_by(f64::total_cmp);
    if let Some(median) = saved.get(saved.len() / 2).filter(|median| **median > 0.0) {
        page.plain(&format!("  pairing saved {:.0} % of the variance (median outcome)", median * 100.0));
    }
}

/// A difference against the mean of both sides, so that 0 on one side is as large as it gets.
fn size(row: &ComparisonRow) -> f64 {
    let both = (row.baseline_mean.abs() + row.scenario_mean.abs()) / 2.0;
    if both > 0.0 { row.difference.abs() / both } else { 0.0 }
}

/// What is not settled, with the replicates that would settle it.
fn unsettled(page: &mut Page, rows: &[ComparisonRow]) {
    let open: Vec<&ComparisonRow> =
        rows.iter().filter(|row| row.surely_different == Some(false) && row.difference != 0.0).collect();
    if open.is_empty() {
        return;
    }
    let mut needed: Vec<u32> = open.iter().filter_map(|row| row.replicates_needed).collect();
    needed.sort_unstable();
    let mut text = format!("  not settled: {}", counted(open.len() as u32, "outcome"));
    if let (Some(least), Some(median)) = (needed.first(), needed.get(needed.len() / 2)) {
        let _ = write!(
            text,
            "; at this size, {least} replicates would settle the nearest, {median} half of them"
        );
    }
    page.plain(&text);
}

/// From, to, and the difference with its interval.
fn change(row: &ComparisonRow) -> String {
    let interval = match (row.difference_low, row.difference_high) {
        (Some(low), Some(high)) => (low, high),
        _ => (row.difference, row.difference),
    };
    let is_share = row.unit.starts_with("share") || row.unit.starts_with("per year");
    if is_share {
        let percent = |value: f64| unsigned_zero(format!("{:.1}", value * 100.0));
        let signed = |value: f64| signed(&percent(value), value);
        format!(
            "{} % -> {} %: {} points ({} to {})",
            percent(row.baseline_mean),
            percent(row.scenario_mean),
            signed(row.difference),
            signed(interval.0),
            signed(interval.1)
        )
    } else {
        let signed = |value: f64| signed(&amount_of(value), value);
        format!(
            "{} -> {}: {} ({} to {}){}",
            amount_of(row.baseline_mean),
            amount_of(row.scenario_mean),
            signed(row.difference),
            signed(interval.0),
            signed(interval.1),
            if row.unit == "CNY" { " CNY" } else { "" }
        )
    }
}

fn signed(text: &str, value: f64) -> String {
    if value > 0.0 && !text.starts_with('-') { format!("+{text}") } else { text.into() }
}

fn parties(page: &mut Page, rows: &[WinnerRow]) {
    let named = |verdict: &str, sign: f64| {
        let mut found: Vec<&WinnerRow> = rows.iter().filter(|row| row.gains == Some(verdict)).collect();
        found.sort_by(|a, b| (sign * b.gain_cny).total_cmp(&(sign * a.gain_cny)));
        let more = found.len().saturating_sub(NAMED);
        let name = |row: &&WinnerRow| {
            let who = match row.party_kind {
                "income_quintile" => format!("borrowers of quintile {}", row.party),
                "bank_class" => format!("{} banks", row.party),
                _ => row.party.replace('_', " "),
            };
            format!("{who} {}", signed(&amount_of(row.gain_cny), row.gain_cny))
        };
        let mut text = found.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
        (!found.is_empty()).then_some(text)
    };
    for (label, verdict, sign) in [("who wins, CNY", "wins", 1.0), ("who loses, CNY", "loses", -1.0)] {
        if let Some(text) = named(verdict, sign) {
            page.plain(&format!("  {label}: {text}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(metric: &'static str, unit: &'static str, mean: (f64, f64), half: f64) -> ComparisonRow {
        let difference = mean.1 - mean.0;
        ComparisonRow {
            metric,
            unit,
            baseline_mean: mean.0,
            scenario_mean: mean.1,
            difference,
            difference_low: Some(difference - half),
            difference_high: Some(difference + half),
            percent: None,
            replicates: 20,
            surely_different: Some(difference.abs() > half),
            replicates_needed: (difference.abs() <= half && difference != 0.0).then_some(80),
            variance_saved: Some(0.9),
        }
    }

    fn rendered(rows: Vec<ComparisonRow>) -> String {
        let frame = Frame { seed: 1, closing: vec!["Files: x".into()], color: false };
        render(&["base", "other"], &[Vec::new(), rows], &[Vec::new(), Vec::new()], &frame)
    }

    #[test]
    fn the_largest_differences_that_are_sure_come_first() {
        let text = rendered(vec![
            row("approval_rate_mean", "share", (0.6, 0.61), 0.002),
            row("fines_cny_total", "CNY", (2e9, 1e9), 1e8),
            row("defaults_total", "persons", (1e6, 1.1e6), 2e5),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "1 scenario against base: 20 replicates each, seed 1, paired by replicate");
        assert!(lines[3].contains("surely different: 2 of 3 outcomes"), "{text}");
        assert!(
            lines[4].contains("fines_cny_total     2.00 bn -> 1.00 bn: -1.00 bn (-1.10 bn to -900 m) CNY")
        );
        assert!(lines[5].ends_with("60.0 % -> 61.0 %: +1.0 points (+0.8 to +1.2)"), "{text}");
        assert!(text.contains("not settled: 1 outcome; at this size, 80 replicates"), "{text}");
        assert!(text.contains("pairing saved 90 % of the variance") && text.ends_with("\nFiles: x\n"));
    }

    #[test]
    fn a_scenario_that_is_the_baseline_differs_nowhere() {
        let text = rendered(vec![row("approval_rate_mean", "share", (0.6, 0.6), 0.0)]);
        assert!(text.contains("no outcome differs at all") && !text.contains("surely"), "{text}");
    }
}
