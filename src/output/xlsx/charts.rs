//! Native charts: their data as wide sheets, one column a line, and the sheet `Charts`.

use super::sheet::{Book, Heading, UNIT_ROW, Width, metric_unit, quiet_format};
use crate::output::columns::NamedColumn;
use crate::results::Results;
use crate::summary::before_deadline;
use crate::tables::Cell;
use crate::units::Month;
use rust_xlsxwriter::{
    Chart, ChartAxisDateUnitType, ChartAxisLabelPosition, ChartErrorBars, ChartErrorBarsDirection,
    ChartErrorBarsType, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartLineDashType,
    ChartMarker, ChartMarkerType, ChartPoint, ChartRange, ChartSolidFill, Worksheet, XlsxError,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const MONTHS: &str = "Months";
const GAINS: &str = "Who wins";
/// Row of the scenarios' names, from which series take theirs.
const NAME_ROW: u32 = UNIT_ROW + 1;
const WIDE_HEADER: u32 = NAME_ROW + 1;
/// More lines than these can't be told apart.
const MOST_LINES: usize = 8;
/// Scenarios whose direct and agency queries still fit into one chart.
const MOST_PAIRS: usize = 3;
/// Scenarios of which a chart of gains is drawn.
const MOST_GAINS: usize = 12;
/// Deadlines that are drawn.
const MOST_DEADLINES: usize = 4;

/// The metrics of the sheet `Months`.
const KEY_METRICS: [&str; 14] = [
    "delivered_share",
    "delivered_share_reported",
    "compliant_platforms",
    "direct_query_share",
    "agency_query_share",
    "unlawful_query_share",
    "approval_rate",
    "approval_rate_creditworthy",
    "approval_rate_creditworthy_thin_file",
    "default_rate_annual",
    "loans_outstanding_cny",
    "partnership_outstanding_cny",
    "multiple_borrowers_share",
    "platform_profit_cny",
];

/// Okabe and Ito's palette, told apart by the colour-blind as well; without yellow, which is too pale.
const COLOURS: [u32; 7] = [0x0072B2, 0xD55E00, 0x009E73, 0xE69F00, 0xCC79A7, 0x56B4E9, 0x000000];
const GREY: u32 = 0x595959;
const PALE: u32 = 0xA6A6A6;
const GRID: u32 = 0xD9D9D9;
const DASHES: [ChartLineDashType; 5] = [
    ChartLineDashType::Solid,
    ChartLineDashType::Dash,
    ChartLineDashType::SquareDot,
    ChartLineDashType::DashDot,
    ChartLineDashType::LongDash,
];

/// Where the sheet `Months` has what charts are drawn from.
pub struct MonthsSheet {
    first: u32,
    last: u32,
    columns: HashMap<(&'static str, usize), u16>,
    deadlines: Vec<u16>,
    largest: HashMap<&'static str, f64>,
    dated: bool,
    scenarios: usize,
}

impl MonthsSheet {
    fn range(&self, column: u16) -> (&'static str, u32, u16, u32, u16) {
        (MONTHS, self.first, column, self.last, column)
    }

    fn has(&self, metric: &'static str) -> bool {
        (0..self.scenarios).any(|scenario| self.columns.contains_key(&(metric, scenario)))
    }
}

/// Writes the sheet `Months`: means by month, one column a key metric and scenario.
pub fn months_sheet(book: &mut Book, results: &Results<'_>) -> Result<MonthsSheet, XlsxError> {
    let title = "Means over replicates by month, key figures side by side, as charts want them";
    let heading = Heading { sheet: MONTHS, title, frozen: 1 };
    let months: BTreeSet<Month> = results.months_mean.iter().flatten().map(|row| row.month).collect();
    let mut means: HashMap<(&str, usize, Month), f64> = HashMap::new();
    for (scenario, rows) in results.months_mean.iter().enumerate() {
        means.extend(rows.iter().map(|row| ((row.metric, scenario, row.month), row.mean)));
    }
    let there: BTreeSet<(&str, usize)> =
        means.keys().map(|(metric, scenario, _)| (*metric, *scenario)).collect();
    let deadlines = deadlines(results, &months);

    let column = |name: String, unit: &str, meaning: &str| NamedColumn {
        name,
        unit: unit.into(),
        meaning: meaning.into(),
    };
    let mut columns = vec![column("month".into(), "month", "Calendar month, as a date")];
    let mut names = vec![String::new()];
    let mut places = HashMap::new();
    let mut described = vec![columns[0].clone()];
    for metric in KEY_METRICS {
        let unit = metric_unit(metric).unwrap_or("");
        for (scenario, named) in results.scenarios.iter().enumerate() {
            if there.contains(&(metric, scenario)) {
                places.insert((metric, scenario), columns.len() as u16);
                columns.push(column(format!("{metric}, {}", named.name), unit, ""));
                names.push(named.name.clone());
            }
        }
        described.push(column(
            format!("{metric}, SCENARIO"),
            unit,
            "Mean of the metric over the scenario's replicates in which it exists",
        ));
    }
    let first_deadline = columns.len() as u16;
    for (_, label) in &deadlines {
        columns.push(column(label.clone(), "share", ""));
        names.push(label.clone());
    }
    described.push(column(
        "Deadline".into(),
        "share",
        "1 in the month of the deadline: the mark in the charts",
    ));

    let mut sheet = book.start(&heading)?;
    let mut widths = book.header(&mut sheet, WIDE_HEADER, &columns)?;
    for (index, name) in names.iter().enumerate().skip(1) {
        sheet.write_string_with_format(NAME_ROW, index as u16, name, &quiet_format())?;
    }
    let mut last = WIDE_HEADER;
    for month in &months {
        last += 1;
        write(book, &mut sheet, &mut widths, (last, 0), &Cell::Month(*month), "month")?;
        for ((metric, scenario), index) in &places {
            if let Some(mean) = means.get(&(*metric, *scenario, *month)) {
                let unit = &columns[*index as usize].unit;
                write(book, &mut sheet, &mut widths, (last, *index), &Cell::Number(*mean), unit)?;
            }
        }
        for (index, (deadline, _)) in deadlines.iter().enumerate() {
            if deadline == month {
                let place = (last, first_deadline + index as u16);
                write(book, &mut sheet, &mut widths, place, &Cell::Number(1.0), "share")?;
            }
        }
    }
    book.finish_table(&mut sheet, &heading, WIDE_HEADER, last, &widths)?;
    book.describe(MONTHS, &described);
    book.push(sheet);

    let mut largest = HashMap::new();
    for ((metric, _, _), mean) in &means {
        if let Some(metric) = KEY_METRICS.iter().find(|key| *key == metric) {
            let size = largest.entry(*metric).or_insert(0.0_f64);
            *size = size.max(mean.abs());
        }
    }
    Ok(MonthsSheet {
        first: WIDE_HEADER + 1,
        last,
        columns: places,
        deadlines: (0..deadlines.len()).map(|index| first_deadline + index as u16).collect(),
        largest,
        dated: months.iter().all(|month| super::sheet::date(*month).is_some()),
        scenarios: results.scenarios.len(),
    })
}

/// A cell of a wide sheet.
fn write(
    book: &mut Book,
    sheet: &mut Worksheet,
    widths: &mut [Width],
    (row, column): (u32, u16),
    cell: &Cell,
    unit: &str,
) -> Result<(), XlsxError> {
    widths[column as usize].take(cell, unit);
    book.cell(sheet, row, column, cell, unit, false)
}

/// The deadlines within `months`, with what they are called.
fn deadlines(results: &Results<'_>, months: &BTreeSet<Month>) -> Vec<(Month, String)> {
    let mut found: BTreeMap<Month, Vec<&str>> = BTreeMap::new();
    for scenario in results.scenarios {
        if let Some(before) = before_deadline(scenario) {
            found.entry(before.plus(1)).or_default().push(&scenario.name);
        }
    }
    found.retain(|month, _| months.contains(month));
    let several = found.len() > 1;
    let label = |month: Month, names: &[&str]| match names {
        [name] if several => format!("Deadline {month} ({name})"),
        [name, others @ ..] if several => format!("Deadline {month} ({name} and {} more)", others.len()),
        _ => format!("Deadline {month}"),
    };
    found.iter().take(MOST_DEADLINES).map(|(month, names)| (*month, label(*month, names))).collect()
}

/// Where the sheet `Who wins` has the gains of one scenario.
pub struct GainsColumn {
    gain: u16,
    half_width: u16,
    certain: bool,
    /// Colour of each party's bar.
    colours: Vec<u32>,
}

/// Where the sheet `Who wins` has what charts are drawn from.
pub struct GainsSheet {
    first: u32,
    last: u32,
    scenarios: Vec<GainsColumn>,
}

/// Writes the sheet `Who wins`: gains against the baseline, one row a party, one column a scenario.
pub fn gains_sheet(book: &mut Book, results: &Results<'_>) -> Result<Option<GainsSheet>, XlsxError> {
    let Some(baseline) =
        results.scenarios.first().filter(|_| results.winners.iter().any(|rows| !rows.is_empty()))
    else {
        return Ok(None);
    };
    let title = "What each party gains against the baseline over the calendar, scenarios side by side";
    let heading = Heading { sheet: GAINS, title, frozen: 1 };
    let mut parties: Vec<(&str, &str, &str)> = Vec::new();
    let mut seen = BTreeSet::new();
    for row in results.winners.iter().flatten() {
        let party = (row.party_kind, row.party.as_str(), row.measure);
        if seen.insert(party) {
            parties.push(party);
        }
    }
    let column = |name: String, unit: &str, meaning: &str| NamedColumn {
        name,
        unit: unit.into(),
        meaning: meaning.into(),
    };
    let mut columns = vec![
        column("label".into(), "text", "Kind of party, party and measure in one"),
        column("party_kind".into(), "word", "Kind of party"),
        column("party".into(), "id", "Party; of income quintiles 1 is the poorest"),
        column("measure".into(), "word", "What is compared"),
    ];
    let mut described = columns.clone();
    described.extend([
        column("SCENARIO: gain".into(), "CNY", "Mean gain against the baseline, replicate by replicate"),
        column(
            "SCENARIO: ±".into(),
            "CNY",
            "Half the width of the 95 % interval of the gain; empty with one replicate",
        ),
        column("SCENARIO: gains".into(), "word", "surely, surely_not or unclear, by the interval"),
    ]);
    let compared: Vec<usize> =
        (0..results.winners.len()).filter(|index| !results.winners[*index].is_empty()).collect();
    let mut titles = Vec::new();
    let mut scenarios = Vec::new();
    for index in &compared {
        let name = &results.scenarios[*index].name;
        let gain = columns.len() as u16;
        titles.push((gain, format!("{name} against {}", baseline.name)));
        let certain = results.winners[*index].iter().any(|row| row.gain_low_cny.is_some());
        scenarios.push(GainsColumn { gain, half_width: gain + 1, certain, colours: Vec::new() });
        columns.push(column(format!("{name}: gain"), "CNY", ""));
        columns.push(column(format!("{name}: ±"), "CNY", ""));
        columns.push(column(format!("{name}: gains"), "word", ""));
    }

    let mut sheet = book.start(&heading)?;
    let mut widths = book.header(&mut sheet, WIDE_HEADER, &columns)?;
    for (index, title) in &titles {
        sheet.write_string_with_format(NAME_ROW, *index, title, &quiet_format())?;
    }
    let mut last = WIDE_HEADER;
    for party @ (kind, id, measure) in parties {
        last += 1;
        let label = format!(
            "{} {id}: {}",
            kind.replace('_', " "),
            measure.trim_end_matches("_cny").replace('_', " ")
        );
        let mut cells: Vec<Cell> = [&label, kind, id, measure].map(|text| Cell::Text(text.into())).to_vec();
        for (index, scenario) in compared.iter().zip(&mut scenarios) {
            let row = results.winners[*index]
                .iter()
                .find(|row| (row.party_kind, row.party.as_str(), row.measure) == party);
            let half_width = row.and_then(|row| Some((row.gain_high_cny? - row.gain_low_cny?) / 2.0));
            scenario.colours.push(match row.map(|row| (row.gains, row.gain_cny)) {
                Some((Some("unclear"), _)) | None => PALE,
                Some((_, gain)) if gain < 0.0 => COLOURS[1],
                Some(_) => COLOURS[0],
            });
            cells.push(row.map_or(Cell::Empty, |row| Cell::Number(row.gain_cny)));
            cells.push(Cell::from(&half_width));
            cells.push(Cell::from(&row.and_then(|row| row.gains)));
        }
        for (index, cell) in cells.iter().enumerate() {
            let unit = if index == 0 { "name" } else { columns[index].unit.as_str() };
            write(book, &mut sheet, &mut widths, (last, index as u16), cell, unit)?;
        }
    }
    book.finish_table(&mut sheet, &heading, WIDE_HEADER, last, &widths)?;
    book.describe(GAINS, &described);
    book.push(sheet);
    Ok(Some(GainsSheet { first: WIDE_HEADER + 1, last, scenarios }))
}

/// Size of a chart, in pixels, and the columns that it covers.
const CHART: (u32, u32) = (760, 400);
const CHART_COLUMNS: u16 = 12;
const FIRST_CHART: u32 = 4;

/// The sheet `Charts`.
pub fn charts_sheet(
    book: &mut Book,
    months: &MonthsSheet,
    gains: Option<&GainsSheet>,
) -> Result<(), XlsxError> {
    let heading = Heading { sheet: "Charts", title: "Charts of the sheets Months and Who wins", frozen: 0 };
    let mut sheet = book.start(&heading)?;
    sheet.set_screen_gridlines(false);
    let mut note = "Lines are means over replicates; marks at the top are deadlines. Of the bars, blue is a gain, orange a \
         loss, grey unclear."
        .to_string();
    if months.scenarios > MOST_LINES {
        note += &format!(" Of {} scenarios the first {MOST_LINES} are drawn.", months.scenarios);
    }
    sheet.write_string_with_format(UNIT_ROW, 0, &note, &quiet_format())?;

    let mut charts: Vec<(Chart, u32)> = Vec::new();
    let mut line = |chart: Option<Chart>| charts.extend(chart.map(|chart| (chart, CHART.1)));
    line(share_chart(
        months,
        "Delivered share of the required data",
        "Delivered / required",
        &["delivered_share"],
    ));
    if months.scenarios <= MOST_PAIRS {
        let metrics = ["direct_query_share", "agency_query_share"];
        line(share_chart(months, "Direct against agency queries", "Share of lenders' decisions", &metrics));
    } else {
        line(share_chart(months, "Direct queries", "Share of lenders' decisions", &["direct_query_share"]));
        line(share_chart(months, "Agency queries", "Share of lenders' decisions", &["agency_query_share"]));
    }
    line(money_chart(months, "Loans outstanding", "loans_outstanding_cny"));
    line(rate_chart(
        months,
        "Approval rate of the creditworthy",
        "Approvals / applications",
        "approval_rate_creditworthy",
    ));
    line(rate_chart(months, "Default rate", "Defaults / borrowers, per year", "default_rate_annual"));
    for scenario in gains.iter().flat_map(|gains| gains.scenarios.iter().take(MOST_GAINS)) {
        charts.extend(gains.map(|gains| gains_chart(gains, scenario)));
    }

    let mut row = FIRST_CHART;
    let mut breaks = Vec::new();
    for (number, pair) in charts.chunks_mut(2).enumerate() {
        let height = pair.iter().map(|(_, height)| *height).max().unwrap_or(0);
        // Two rows of charts a page, or one of high ones.
        if number > 0 && (number % 2 == 0 || height > CHART.1) {
            breaks.push(row - 1);
        }
        for (index, (chart, height)) in pair.iter_mut().enumerate() {
            chart.set_width(CHART.0).set_height(*height);
            sheet.insert_chart(row, index as u16 * CHART_COLUMNS, chart)?;
        }
        row += height.div_ceil(20) + 2;
    }
    sheet.set_page_breaks(&breaks)?;
    // Some programs print no further than the last cell, and would cut the last chart.
    sheet.write_string_with_format(row, 0, "Data: sheets Months and Who wins", &quiet_format())?;
    book.push(sheet);
    Ok(())
}

/// Lines of metrics that are shares, from 0 to 100 %, with the deadlines.
fn share_chart(months: &MonthsSheet, title: &str, axis: &str, metrics: &[&'static str]) -> Option<Chart> {
    let mut chart = line_chart(months, title, axis, metrics)?;
    chart.y_axis().set_min(0).set_max(1).set_major_unit(0.25).set_num_format("0 %");
    for column in &months.deadlines {
        let mut marker = ChartMarker::new();
        let fill = ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(GREY)).clone();
        marker.set_type(ChartMarkerType::Diamond).set_size(7).set_format(&mut fill.clone());
        let mut line = ChartLine::new();
        line.set_color(GREY).set_width(1.5);
        let mut bars = ChartErrorBars::new();
        bars.set_type(ChartErrorBarsType::Percentage(100.0))
            .set_direction(ChartErrorBarsDirection::Minus)
            .set_end_cap(false)
            .set_format(&mut line);
        chart
            .add_series()
            .set_categories(months.range(0))
            .set_values(months.range(*column))
            .set_name((MONTHS, NAME_ROW, *column))
            .set_format(ChartFormat::new().set_no_line())
            .set_marker(&marker)
            .set_y_error_bars(&bars);
    }
    Some(chart)
}

fn rate_chart(months: &MonthsSheet, title: &str, axis: &str, metric: &'static str) -> Option<Chart> {
    let mut chart = line_chart(months, title, axis, &[metric])?;
    chart.y_axis().set_num_format("0.0 %");
    Some(chart)
}

fn money_chart(months: &MonthsSheet, title: &str, metric: &'static str) -> Option<Chart> {
    let (unit, format) = match months.largest.get(metric).copied().unwrap_or(0.0) {
        size if size >= 1e12 => ("CNY, trillions", "#,##0.0,,,,"),
        size if size >= 1e9 => ("CNY, billions", "#,##0.0,,,"),
        size if size >= 1e6 => ("CNY, millions", "#,##0.0,,"),
        _ => ("CNY", "#,##0"),
    };
    let mut chart = line_chart(months, title, unit, &[metric])?;
    chart.y_axis().set_num_format(format);
    Some(chart)
}

/// Lines by month: a colour and a dash type a scenario; of two metrics the second is drawn thinner
/// and dashed. `None` where there is nothing to draw.
fn line_chart(months: &MonthsSheet, title: &str, axis: &str, metrics: &[&'static str]) -> Option<Chart> {
    metrics.iter().find(|metric| months.has(metric))?;
    let mut chart = Chart::new_line();
    style(&mut chart, title);
    for (place, metric) in metrics.iter().enumerate() {
        for scenario in 0..months.scenarios.min(MOST_LINES) {
            let Some(column) = months.columns.get(&(*metric, scenario)) else { continue };
            let dash = if metrics.len() > 1 { place } else { scenario };
            let mut line = ChartLine::new();
            line.set_color(COLOURS[scenario % COLOURS.len()])
                .set_width(if place == 0 { 2.25 } else { 1.75 })
                .set_dash_type(DASHES[dash % DASHES.len()]);
            // A metric alone is told apart by scenario; two by metric and scenario.
            let name_row = if metrics.len() > 1 { WIDE_HEADER } else { NAME_ROW };
            chart
                .add_series()
                .set_categories(months.range(0))
                .set_values(months.range(*column))
                .set_name((MONTHS, name_row, *column))
                .set_format(&mut line);
        }
    }
    let count = months.last + 1 - months.first;
    let every = match count {
        0..=12 => 1,
        13..=36 => 3,
        37..=96 => 6,
        _ => 12 * count.div_ceil(180).max(1),
    };
    let x = chart.x_axis();
    x.set_name("Month").set_num_format("yyyy-mm").set_label_position(ChartAxisLabelPosition::Low);
    if months.dated {
        x.set_date_axis(true).set_major_unit(every).set_major_unit_date_type(ChartAxisDateUnitType::Months);
    }
    chart.y_axis().set_name(axis);
    Some(chart)
}

/// Bars of what each party gains, with intervals.
fn gains_chart(gains: &GainsSheet, scenario: &GainsColumn) -> (Chart, u32) {
    let range = |column: u16| (GAINS, gains.first, column, gains.last, column);
    let mut chart = Chart::new_bar();
    style(&mut chart, "");
    chart.title().set_name((GAINS, NAME_ROW, scenario.gain));
    chart.legend().set_hidden();
    let point = |colour: &u32| ChartPoint::new().set_format(ChartSolidFill::new().set_color(*colour));
    let points: Vec<ChartPoint> = scenario.colours.iter().map(point).collect();
    let series = chart
        .add_series()
        .set_categories(range(0))
        .set_values(range(scenario.gain))
        .set_name((GAINS, WIDE_HEADER, scenario.gain))
        .set_points(&points)
        .set_gap(40);
    if scenario.certain {
        let half_width = || {
            ChartRange::new_from_range(
                GAINS,
                gains.first,
                scenario.half_width,
                gains.last,
                scenario.half_width,
            )
        };
        let mut line = ChartLine::new();
        line.set_color(GREY).set_width(1);
        let mut bars = ChartErrorBars::new();
        bars.set_type(ChartErrorBarsType::Custom(half_width(), half_width())).set_format(&mut line);
        // Of bars the intervals lie along the horizontal axis.
        series.set_x_error_bars(&bars);
    }
    // Of bars the vertical axis is that of the categories.
    chart.y_axis().set_reverse().set_label_position(ChartAxisLabelPosition::Low).set_major_gridlines(false);
    // Reversed categories take the other axis to the top, where it is read first.
    chart
        .x_axis()
        .set_name("Gain over the calendar, CNY billions")
        .set_num_format("#,##0.0,,,")
        .set_major_gridlines(true)
        .set_major_gridlines_line(ChartLine::new().set_color(GRID).set_width(0.75));
    let rows = gains.last + 1 - gains.first;
    (chart, CHART.1.max(140 + 17 * rows).min(1200))
}

/// What all charts have in common.
fn style(chart: &mut Chart, title: &str) {
    let mut bold = ChartFont::new();
    bold.set_size(12).set_bold();
    chart.title().set_name(title).set_font(&bold);
    chart.legend().set_position(ChartLegendPosition::Bottom);
    let mut grid = ChartLine::new();
    grid.set_color(GRID).set_width(0.75);
    chart.y_axis().set_major_gridlines(true).set_major_gridlines_line(&grid);
    chart.set_alt_text(title);
}
