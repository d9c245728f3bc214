//! The report: one page that needs nothing beside itself, for those who decide.
//!
//! Its charts are SVG within the page; there are no scripts, and nothing is fetched. Everything that
//! comes from a file is escaped. The same results give the same bytes.

mod chart;
mod page;
mod panels;
pub mod sweep;
mod text;

use crate::comparison::{ComparisonRow, WinnerRow};
use crate::output::columns::parameter_column;
use crate::output::terminal::{counted, grouped};
use crate::results::Results;
use crate::scenario::parameters::all_parameters;
use crate::summary::before_deadline;
use crate::units::Month;
use chart::{Bar, Line, LineChart, Point, bars, sample};
use page::{MARK, Page};
use text::{ABSENT, Estimate, Kind, capital, escape, letter, listed, named};

/// An outcome that answers the question: column of `summary.csv`, what it is, how it is written.
struct Outcome {
    name: &'static str,
    what: &'static str,
    kind: Kind,
}

const fn outcome(name: &'static str, what: &'static str, kind: Kind) -> Outcome {
    Outcome { name, what, kind }
}

const SHARE: Kind = Kind::Percent(1);
const RATE: Kind = Kind::Percent(2);

const OUTCOMES: [Outcome; 18] = [
    outcome("delivered_share_before_deadline", "share of required data delivered before the deadline", SHARE),
    outcome("delivered_share_end", "share of required data delivered in the last month", SHARE),
    outcome("compliant_platforms_end", "number of platforms that comply in the last month", Kind::Number),
    outcome("direct_query_share_end", "share of decisions with directly sold data in the last month", SHARE),
    outcome("agency_query_share_end", "share of decisions with agencies' data in the last month", SHARE),
    outcome("unenriched_query_share_end", "share of decisions without bought data in the last month", SHARE),
    outcome("unlawful_query_share_mean", "share of decisions with unlawfully sold data since the ban", SHARE),
    outcome("agency_fees_cny_total", "amount of fees paid to agencies", Kind::Money),
    outcome("direct_fees_cny_total", "amount of fees paid to platforms for direct sales", Kind::Money),
    outcome("compliance_cost_cny_total", "platforms' cost of delivering", Kind::Money),
    outcome("fines_cny_total", "sum of fines", Kind::Money),
    outcome("supervision_cost_cny_total", "cost of audits", Kind::Money),
    outcome("loans_outstanding_cny_end", "stock of loans in the last month", Kind::Money),
    outcome("approval_rate_creditworthy_mean", "approval rate of creditworthy applicants", SHARE),
    outcome(
        "approval_rate_creditworthy_thin_file_mean",
        "approval rate of creditworthy applicants with a thin file",
        SHARE,
    ),
    outcome("default_rate_annual_mean", "share of borrowers who default in a year", RATE),
    outcome(
        "multiple_borrowers_share_end",
        "share of borrowers who owe two lenders or more at the end",
        SHARE,
    ),
    outcome("users_surplus_cny_total", "amount that borrowers save against the rate outside", Kind::Money),
];

/// Differences that the answer tells of each scenario; the table has the others.
const TOLD: usize = 5;

/// A chart within a figure: column of `months.csv`, title, how it is written.
type Panel = (&'static str, &'static str, Kind);

/// A figure: heading, what its caption says it shows, what its first panel's number is, panels.
struct Figure {
    heading: &'static str,
    shows: &'static str,
    lead: &'static str,
    panels: &'static [Panel],
}

const FIGURES: [Figure; 6] = [
    Figure {
        heading: "Delivery to the agencies",
        shows: "How much of the required data is handed over month by month, in truth and as the central bank is told",
        lead: "the true share is",
        panels: &[
            ("delivered_share", "Delivered in truth", SHARE),
            ("delivered_share_reported", "Delivered as reported", SHARE),
        ],
    },
    Figure {
        heading: "Where lenders get data",
        shows: "The shares of lending decisions made with data that platforms sell directly, with agencies' data and with no bought data",
        lead: "agencies' data serve",
        panels: &[
            ("agency_query_share", "Decisions with agencies' data", SHARE),
            ("direct_query_share", "Decisions with directly sold data", SHARE),
            ("unenriched_query_share", "Decisions without bought data", SHARE),
            ("unlawful_query_share", "Decisions with unlawfully sold data", SHARE),
        ],
    },
    Figure {
        heading: "Credit",
        shows: "Loans outstanding at the end of each month, and those of them that came through a platform",
        lead: "all loans come to",
        panels: &[
            ("loans_outstanding_cny", "All loans outstanding", Kind::Money),
            ("partnership_outstanding_cny", "Loans that came through platforms", Kind::Money),
        ],
    },
    Figure {
        heading: "Who gets a loan",
        shows: "The approval rate of creditworthy applicants, and of those among them with a thin file, of whom lenders know little",
        lead: "among all the creditworthy it is",
        panels: &[
            ("approval_rate_creditworthy", "Creditworthy applicants approved", SHARE),
            ("approval_rate_creditworthy_thin_file", "The same with a thin file", SHARE),
        ],
    },
    Figure {
        heading: "Risk",
        shows: "The share of borrowers who default, per year, and the share who owe two lenders or more",
        lead: "the default rate is",
        panels: &[
            ("default_rate_annual", "Borrowers who default, per year", RATE),
            ("multiple_borrowers_share", "Borrowers who owe two lenders or more", SHARE),
        ],
    },
    Figure {
        heading: "Costs, fines and fees",
        shows: "What delivering costs platforms each month, the fines, and what lenders pay for data to platforms and to agencies",
        lead: "delivering costs",
        panels: &[
            ("compliance_cost_cny", "Platforms' cost of delivering, a month", Kind::Money),
            ("fines_cny", "Fines, a month", Kind::Money),
            ("direct_fees_cny", "Fees for direct sales, a month", Kind::Money),
            ("agency_fees_cny", "Fees of agencies, a month", Kind::Money),
        ],
    },
];

/// The report on `results` as an HTML page.
pub fn report(results: &Results<'_>) -> String {
    let report = Report { results };
    let mut page = Page::new(&report.title());
    report.question(&mut page);
    report.answer(&mut page);
    report.parameters(&mut page);
    page.heading(2, "How it comes about, in six figures");
    page.paragraph(
        "Lines are means over the replicates; the band around a line is the 95\u{a0}% interval of that mean. \
         A dashed upright line marks the deadline.",
    );
    FIGURES.iter().for_each(|figure| report.figure(&mut page, figure));
    report.winners(&mut page);
    report.certainty(&mut page);
    report.reproduction(&mut page);
    page.finish()
}

struct Report<'a> {
    results: &'a Results<'a>,
}

impl Report<'_> {
    fn several(&self) -> bool {
        self.results.scenarios.len() > 1
    }

    fn compares(&self) -> bool {
        self.results.comparison.iter().any(|rows| !rows.is_empty())
    }

    /// A scenario as a sentence names it.
    fn named(&self, index: usize) -> String {
        named(self.results.scenarios, index)
    }

    /// Scenarios as heads of columns.
    fn heads(&self) -> impl Iterator<Item = String> {
        (0..self.results.scenarios.len()).map(|index| {
            let name = &self.results.scenarios[index].name;
            if self.several() { format!("{} {name}", letter(index)) } else { name.clone() }
        })
    }

    fn title(&self) -> String {
        match self.results.scenarios {
            [] => "Results".into(),
            [one] => one.title.clone(),
            [baseline, other] if self.compares() => format!("{} against {}", other.title, baseline.title),
            [baseline, ..] if self.compares() => format!("Alternatives to {}", baseline.title),
            several => format!("{} scenarios side by side", several.len()),
        }
    }

    fn question(&self, page: &mut Page) {
        if let Some(first) = self.results.scenarios.first() {
            let calendar = &first.parameters.calendar;
            let end = calendar.start.plus(calendar.months as i32 - 1);
            let what = "Simulation of an order to internet platforms to hand their users' data to credit \
                        agencies, which sell them to banks";
            let lead = format!("{what}. {} to {}.", month_name(calendar.start), month_name(end));
            page.markup(&format!("<p class=\"lead\">{}</p>", escape(&lead)));
        }
        page.heading(2, "What was asked");
        page.paragraph(match (self.results.scenarios.len(), self.compares()) {
            (1, _) => "What happens in this scenario?",
            (_, true) => {
                "What changes against the baseline, A, under the alternatives? All of them meet the same luck."
            }
            (_, false) => "What happens in each of these scenarios? All of them meet the same luck.",
        });
        page.markup("<dl>");
        for (index, scenario) in self.results.scenarios.iter().enumerate() {
            let letter = if self.several() { format!("{}: ", letter(index)) } else { String::new() };
            let role = if self.compares() && index == 0 { " (baseline)" } else { "" };
            page.markup(&format!("<dt>{letter}{}{role}</dt>", escape(&scenario.title)));
            page.markup(&format!("<dd>{}</dd>", escape(&scenario.about)));
            page.markup(&format!("<dd class=\"f\">Scenario {}</dd>", escape(&scenario.name)));
        }
        page.markup("</dl>");
    }

    fn answer(&self, page: &mut Page) {
        page.heading(2, "The answer");
        page.markup("<div class=\"answer\">");
        if self.compares() {
            for index in 1..self.results.scenarios.len() {
                self.answer_against_baseline(page, index);
            }
        } else {
            for index in 0..self.results.scenarios.len() {
                if self.several() {
                    page.paragraph(&format!("{}:", self.named(index)));
                }
                let told = OUTCOMES.iter().filter_map(|outcome| {
                    let estimate = self.estimate(index, outcome)?;
                    Some(format!("{}: {}", capital(outcome.what), outcome.kind.estimate(estimate)))
                });
                page.list(&told.collect::<Vec<_>>());
            }
        }
        page.markup("</div>");
        if self.several() {
            let head: Vec<String> = std::iter::once("Outcome".into()).chain(self.heads()).collect();
            let rows = OUTCOMES.iter().map(|outcome| {
                let cells = (0..self.results.scenarios.len()).map(|index| {
                    let estimate = self.estimate(index, outcome);
                    let text = estimate.map_or_else(|| ABSENT.into(), |e| outcome.kind.estimate(e));
                    let sure = self.row(index, outcome).is_some_and(|row| row.surely_different == Some(true));
                    if sure { format!("{MARK}{text}") } else { text }
                });
                std::iter::once(capital(outcome.what)).chain(cells).collect()
            });
            let note = if self.compares() { "; bold: surely different from the baseline" } else { "" };
            let caption = format!("Key outcomes, means over replicates{note}");
            page.table(&caption, &head, &rows.collect::<Vec<_>>(), true);
        }
    }

    fn answer_against_baseline(&self, page: &mut Page, index: usize) {
        let mut sure: Vec<(&Outcome, &ComparisonRow)> = self.key_rows(index).collect();
        let all = sure.len();
        sure.retain(|(_, row)| row.surely_different == Some(true));
        sure.sort_by(|a, b| size(b.1).total_cmp(&size(a.1)));
        let (name, baseline) = (self.named(index), self.named(0));
        if self.results.replicates < 2 {
            page.paragraph(&format!(
                "With one replicate nothing can be said to differ surely between {name} and {baseline}."
            ));
            return;
        }
        if sure.is_empty() {
            page.paragraph(&format!(
                "Between {name} and {baseline} no key outcome differs surely: with {} the differences can't be \
                 told from chance.",
                counted(self.results.replicates, "replicate")
            ));
            return;
        }
        let largest = if sure.len() > TOLD { "; the largest are these" } else { "" };
        page.paragraph(&format!(
            "{name} against {baseline}: {} of {all} key outcomes differ surely{largest}:",
            sure.len()
        ));
        let told = sure.iter().take(TOLD).map(|(outcome, row)| {
            let estimate = Estimate::with_high(row.difference, row.difference_high);
            let way = if row.difference > 0.0 { "rises" } else { "falls" };
            format!(
                "The {} {way} from {} to {}, by {}.",
                outcome.what,
                outcome.kind.plain(row.baseline_mean),
                outcome.kind.plain(row.scenario_mean),
                outcome.kind.difference(estimate)
            )
        });
        page.list(&told.collect::<Vec<_>>());
    }

    fn estimate(&self, scenario: usize, outcome: &Outcome) -> Option<Estimate> {
        let rows = self.results.summaries.get(scenario)?;
        Estimate::of(rows.iter().filter_map(|row| row.number(outcome.name)).filter(|n| n.is_finite()))
    }

    fn row(&self, scenario: usize, outcome: &Outcome) -> Option<&ComparisonRow> {
        self.results.comparison.get(scenario)?.iter().find(|row| row.metric == outcome.name)
    }

    /// The comparison of a scenario's key outcomes.
    fn key_rows(&self, scenario: usize) -> impl Iterator<Item = (&'static Outcome, &ComparisonRow)> {
        OUTCOMES.iter().filter_map(move |outcome| Some((outcome, self.row(scenario, outcome)?)))
    }

    fn parameters(&self, page: &mut Page) {
        if !self.several() {
            return;
        }
        page.heading(2, "What was changed");
        if self.results.differences.is_empty() {
            page.paragraph("The scenarios have the same parameters.");
            return;
        }
        let others = if self.compares() { "the baseline" } else { "the first scenario" };
        let head = ["Parameter".to_string()].into_iter().chain(self.heads()).chain(["Unit".into()]);
        let rows = self.results.differences.iter().map(|(path, unit, values)| {
            let meaning = parameter_column(path, unit).meaning;
            let meaning = meaning.strip_prefix("Differs between the scenarios: ").unwrap_or(&meaning);
            let cells = values.iter().map(|value| {
                let text = value.as_deref().map_or(ABSENT.into(), shown_value);
                if *value != values[0] { format!("{MARK}{text}") } else { text }
            });
            let first = format!("{meaning} ({path})");
            std::iter::once(first).chain(cells).chain([unit.clone()]).collect()
        });
        let caption = format!("Parameters that differ; bold: other than in {others}");
        page.table(&caption, &head.collect::<Vec<_>>(), &rows.collect::<Vec<_>>(), false);
    }

    fn figure(&self, page: &mut Page, figure: &Figure) {
        page.heading(3, figure.heading);
        let lines =
            |panel: &Panel| (0..self.results.scenarios.len()).map(|i| self.line(i, panel.0)).collect();
        let lead: Vec<Line> = lines(&figure.panels[0]);
        let caption = format!("{}; {}.", figure.shows, self.at_the_end(figure, &lead));
        page.markup(&format!("<figure><figcaption>{}</figcaption>", escape(&caption)));
        if self.several() {
            page.markup("<ul class=\"legend\">");
            for (index, scenario) in self.results.scenarios.iter().enumerate() {
                let text = format!("{} {}", letter(index), scenario.title);
                page.markup(&format!("<li>{}{}</li>", sample(index), escape(&text)));
            }
            page.markup("</ul>");
        }
        page.markup("<div class=\"panels\">");
        for panel in figure.panels {
            let id = page.id();
            page.markup(&self.panel(panel, lines(panel)).svg(&id));
        }
        page.markup("</div></figure>");
    }

    fn start(&self) -> Month {
        let starts = self.results.scenarios.iter().map(|scenario| scenario.parameters.calendar.start);
        starts.min().unwrap_or(Month::new(2021, 1))
    }

    fn panel<'p>(&self, panel: &'p Panel, lines: Vec<Line>) -> LineChart<'p> {
        let (start, kind) = (self.start(), panel.2);
        let calendars = self.results.scenarios.iter().map(|scenario| &scenario.parameters.calendar);
        let ends = calendars.map(|calendar| calendar.start.since(start) + calendar.months as i32);
        let months = ends.max().unwrap_or(1);
        let mut description: Vec<String> = Vec::new();
        for line in &lines {
            let name = self.named(line.index);
            description.push(match (line.points.first(), line.points.last()) {
                (Some(first), Some(last)) => {
                    let text = |point: &Point| {
                        format!("{} in {}", kind.estimate(point.estimate()), start.plus(point.at))
                    };
                    format!("{name}: from {} to {}.", text(first), text(last))
                }
                _ => format!("{name}: there is no such figure."),
            });
        }
        let description = description.join(" ");
        LineChart { title: panel.1, description, kind, start, months, lines, marks: self.deadlines(months) }
    }

    /// Deadlines within the calendar, with the scenarios that have them where these differ.
    fn deadlines(&self, months: i32) -> Vec<(i32, String)> {
        let mut marks: Vec<(Month, Vec<String>)> = Vec::new();
        for (index, scenario) in self.results.scenarios.iter().enumerate() {
            let Some(deadline) = before_deadline(scenario).map(|before| before.plus(1)) else { continue };
            match marks.iter_mut().find(|(month, _)| *month == deadline) {
                Some((_, scenarios)) => scenarios.push(letter(index)),
                None => marks.push((deadline, vec![letter(index)])),
            }
        }
        marks.sort();
        let all = self.results.scenarios.len();
        let mark = |(month, of): (Month, Vec<String>)| {
            let of = if of.len() == all { String::new() } else { format!(" ({})", of.join(" ")) };
            (month.since(self.start()), format!("deadline {month}{of}"))
        };
        marks.into_iter().map(mark).filter(|(at, _)| (0..months).contains(at)).collect()
    }

    fn line(&self, scenario: usize, metric: &str) -> Line {
        let start = self.start();
        let rows = self.results.months_mean.get(scenario).map_or(&[][..], |rows| rows);
        let rows = rows.iter().filter(|row| row.metric == metric && row.mean.is_finite());
        let points = rows.map(|row| Point {
            at: row.month.since(start),
            mean: row.mean,
            interval: row.low.zip(row.high).filter(|(low, high)| low.is_finite() && high.is_finite()),
        });
        let label = if self.several() { self.label(scenario) } else { String::new() };
        Line { index: scenario, label, points: points.collect() }
    }

    /// What stands at the end of a line: letter and name, if all names are short; else letters.
    fn label(&self, scenario: usize) -> String {
        let short = self.results.scenarios.iter().all(|scenario| scenario.name.chars().count() <= 18);
        let letter = letter(scenario);
        if short { format!("{letter} {}", self.results.scenarios[scenario].name) } else { letter }
    }

    /// The numbers of a caption: the last month in each scenario, or the range of many.
    fn at_the_end(&self, figure: &Figure, lines: &[Line]) -> String {
        let kind = figure.panels[0].2;
        let ends: Vec<(usize, &Point)> =
            lines.iter().filter_map(|line| Some((line.index, line.points.last()?))).collect();
        let Some(month) = ends.first().map(|(_, point)| month_name(self.start().plus(point.at))) else {
            return "in these scenarios nothing of the kind happens".into();
        };
        let text = |(index, point): &(usize, &Point)| {
            let value = kind.estimate(point.estimate());
            if self.several() { format!("{value} in {}", self.named(*index)) } else { value }
        };
        if ends.len() <= 4 {
            let texts: Vec<String> = ends.iter().map(text).collect();
            return format!("in {month}, {} {}", figure.lead, listed(&texts));
        }
        let by_mean = |a: &&(usize, &Point), b: &&(usize, &Point)| a.1.mean.total_cmp(&b.1.mean);
        let (least, most) = (ends.iter().min_by(by_mean), ends.iter().max_by(by_mean));
        let (least, most) = (least.map(text).unwrap_or_default(), most.map(text).unwrap_or_default());
        format!("in {month}, {} from {least} to {most}", figure.lead)
    }

    fn winners(&self, page: &mut Page) {
        if self.results.winners.iter().all(Vec::is_empty) {
            return;
        }
        page.heading(2, "Who wins and who loses");
        page.paragraph(
            "Gains and losses against the baseline over the whole calendar. For platforms, banks and agencies it \
             is profit, for borrowers what they save against the rate outside, for the treasury fines, and for the \
             central bank the cost of audits. The thin line across a bar is its 95\u{a0}% interval; where it crosses \
             zero, it is unclear whether the party wins or loses. Every panel has its own scale.",
        );
        for (index, rows) in self.results.winners.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            self.winners_of(page, index, rows);
        }
    }

    fn winners_of(&self, page: &mut Page, scenario: usize, rows: &[WinnerRow]) {
        page.heading(3, &format!("{} against {}", self.named(scenario), self.named(0)));
        let wins = rows.iter().filter(|row| row.gains == Some("wins")).count();
        let loses = rows.iter().filter(|row| row.gains == Some("loses")).count();
        let sure = rows.iter().filter(|row| matches!(row.gains, Some("wins" | "loses")));
        let most = sure.max_by(|a, b| a.gain_cny.abs().total_cmp(&b.gain_cny.abs()));
        let most = most.map_or_else(String::new, |row| {
            let gain = Kind::Money.signed(Estimate::with_high(row.gain_cny, row.gain_high_cny));
            format!("; the largest sure change is that of {}, {gain}", self.party(scenario, row))
        });
        let caption = format!(
            "Gain of each party: {wins} surely win, {loses} surely lose and of {} it is unclear{most}.",
            rows.len() - wins - loses
        );
        page.markup(&format!("<figure><figcaption>{}</figcaption><div class=\"panels\">", escape(&caption)));
        let mut rest = rows;
        while let Some(first) = rest.first() {
            let (kind, others): (Vec<&WinnerRow>, &[WinnerRow]) = {
                let count = rest.iter().take_while(|row| row.party_kind == first.party_kind).count();
                (rest[..count].iter().collect(), &rest[count..])
            };
            rest = others;
            let shown = kind.iter().map(|row| Bar {
                label: shortened(&self.party(scenario, row), 20),
                value: row.gain_cny,
                interval: row.gain_low_cny.zip(row.gain_high_cny),
            });
            let told = kind.iter().map(|row| {
                let gain = Kind::Money.signed(Estimate::with_high(row.gain_cny, row.gain_high_cny));
                format!("{}: {gain}.", self.party(scenario, row))
            });
            let title = party_kind(first.party_kind);
            let id = page.id();
            page.markup(&bars(&id, title, &told.collect::<Vec<_>>().join(" "), &shown.collect::<Vec<_>>()));
        }
        page.markup("</div></figure>");
        let money =
            |value: Option<f64>| value.map_or_else(|| ABSENT.into(), |value| Kind::Money.plain(value));
        let table = rows.iter().map(|row| {
            let verdict = match row.gains {
                Some("wins") => "surely wins",
                Some("loses") => "surely loses",
                Some(_) => "unclear",
                None => "not known from one replicate",
            };
            let gain = Kind::Money.signed(Estimate::with_high(row.gain_cny, row.gain_high_cny));
            vec![
                self.party(scenario, row),
                money(row.baseline_cny),
                money(row.scenario_cny),
                gain,
                verdict.into(),
            ]
        });
        let head = ["Party", "Baseline", "Scenario", "Gain", "Verdict"].map(String::from);
        let caption = format!("Gains in {} over the whole calendar", self.named(scenario));
        page.table(&caption, &head, &table.collect::<Vec<_>>(), true);
    }

    /// A party as people call it.
    fn party(&self, scenario: usize, row: &WinnerRow) -> String {
        let of = [scenario, 0].map(|index| &self.results.scenarios[index].parameters);
        let platform =
            || of.iter().flat_map(|p| &p.platforms).find(|e| e.id == row.party).map(|e| &e.row.name);
        let agency = || of.iter().flat_map(|p| &p.agencies).find(|e| e.id == row.party).map(|e| &e.row.name);
        let name = match row.party_kind {
            "platform" => platform(),
            "agency" => agency(),
            _ => None,
        };
        match (row.party_kind, row.party.as_str()) {
            ("income_quintile", "1") => "Poorest fifth".into(),
            ("income_quintile", "5") => "Richest fifth".into(),
            ("income_quintile", "3") => "Middle fifth".into(),
            ("income_quintile", "2") => "Second poorest fifth".into(),
            ("income_quintile", "4") => "Second richest fifth".into(),
            ("treasury", _) => "Treasury".into(),
            ("central_bank", _) => "Central bank".into(),
            ("bank_class", id) => format!("{} banks", capital(&id.replace('_', "-"))),
            (_, id) => name.filter(|name| !name.is_empty()).map_or_else(|| id.into(), String::clone),
        }
    }

    fn certainty(&self, page: &mut Page) {
        page.heading(2, "How sure this is");
        let replicates = self.results.replicates;
        if replicates < 2 {
            page.paragraph(
                "Each scenario was run once. How far chance moves the figures can't be told from one run; run more \
                 replicates before you rely on any of them.",
            );
        } else {
            page.paragraph(&format!(
                "Each scenario was run {replicates} times with different chance events (replicates). A figure such \
                 as 40\u{a0}±\u{a0}3\u{a0}% means: the mean over these runs is 40\u{a0}%, and if one ran ever more of them, the mean \
                 would with 95\u{a0}% confidence settle between 37\u{a0}% and 43\u{a0}%. It does not mean that every single run \
                 lies in that range. With few replicates an interval can reach beyond what is possible, such as above \
                 100\u{a0}%.",
            ));
        }
        if self.compares() && replicates > 1 {
            page.paragraph(
                "A difference is called sure if its 95\u{a0}% interval leaves out zero. With many outcomes in one table \
                 about one in twenty looks sure by chance alone: give more weight to large differences and to those \
                 that fit together.",
            );
            self.pairing(page);
            for index in 1..self.results.scenarios.len() {
                self.settled(page, index);
            }
        }
        let all = all_parameters().count();
        let assumed = all_parameters().filter(|parameter| is_assumed(parameter.source)).count();
        page.paragraph(&format!(
            "The intervals know of chance only. They don't know whether the model and its parameters are right: of \
             {all} kinds of parameter, {assumed} are assumptions without a published figure. Read the results as what \
             follows from them, and compare scenarios with each other rather than any of them with the world. The \
             command \"mandate parameters\" lists each with its source, and MODEL.md says what is left out."
        ));
    }

    /// What it saved to let all scenarios meet the same luck.
    fn pairing(&self, page: &mut Page) {
        let rows = (1..self.results.scenarios.len()).flat_map(|index| self.key_rows(index));
        let mut saved: Vec<f64> = rows.filter_map(|(_, row)| row.variance_saved).collect();
        saved.retain(|share| share.is_finite());
        saved.sort_by(f64::total_cmp);
        if let Some(median) = saved.get(saved.len() / 2) {
            let text = if *median > 0.0 {
                format!(
                    "it takes {:.0}\u{a0}% off the variance of a difference, at the median of the key outcomes",
                    median * 100.0
                )
            } else {
                "here it saves nothing at the median of the key outcomes".into()
            };
            page.paragraph(&format!(
                "Replicates are paired: in each, all scenarios meet the same luck, so that luck cancels out of the \
                 difference where it works alike; {text}."
            ));
        }
    }

    fn settled(&self, page: &mut Page, index: usize) {
        let (sure, open): (Vec<_>, Vec<_>) =
            self.key_rows(index).partition(|(_, row)| row.surely_different == Some(true));
        let names: Vec<String> = sure.iter().map(|(outcome, _)| outcome.what.to_string()).collect();
        page.heading(3, &format!("{} against {}", self.named(index), self.named(0)));
        let settled = if names.is_empty() { "nothing among the key outcomes".into() } else { listed(&names) };
        page.paragraph(&format!("Settled: {settled}."));
        let rows = open.iter().map(|(outcome, row)| {
            let needed = match row.replicates_needed {
                Some(needed) => grouped(f64::from(needed)),
                None if row.difference == 0.0 => "no difference".into(),
                None => "over a million".into(),
            };
            let estimate = Estimate::with_high(row.difference, row.difference_high);
            vec![capital(outcome.what), outcome.kind.signed(estimate), needed]
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            let head = ["Outcome", "Difference so far", "Replicates needed"].map(String::from);
            let caption = "Not settled, and how many replicates would settle a difference of this size";
            page.table(caption, &head, &rows, true);
        }
    }

    fn reproduction(&self, page: &mut Page) {
        page.heading(2, "How to get these results again");
        page.markup(&format!("<pre><code>{}</code></pre>", escape(&self.results.reproduce)));
        page.paragraph(&format!(
            "mandate {}, {}, seed {}, run {}. The same command gives the same results on any machine.",
            env!("CARGO_PKG_VERSION"),
            counted(self.results.replicates, "replicate"),
            self.results.seed,
            self.results.run_id
        ));
    }
}

impl Point {
    fn estimate(&self) -> Estimate {
        Estimate::with_high(self.mean, self.interval.map(|(_, high)| high))
    }
}

/// How large a difference is beside the two means, from 0 to 2: comparable between units, and finite
/// where the baseline has nothing.
fn size(row: &ComparisonRow) -> f64 {
    let largest = row.baseline_mean.abs().max(row.scenario_mean.abs());
    if largest > 0.0 { row.difference.abs() / largest } else { 0.0 }
}

fn is_assumed(source: &str) -> bool {
    source.split("; ").any(|part| part == "A" || part.starts_with("A:"))
}

fn party_kind(kind: &str) -> &str {
    match kind {
        "platform" => "Platforms",
        "bank_class" => "Banks",
        "agency" => "Agencies",
        "income_quintile" => "Borrowers by income",
        "treasury" => "Treasury: fines",
        "central_bank" => "Central bank: cost of audits",
        other => other,
    }
}

/// A parameter's value; large numbers with commas.
fn shown_value(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() && number.abs() >= 10_000.0 && number.fract() == 0.0 => {
            grouped(number)
        }
        _ => value.into(),
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

fn month_name(month: Month) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let text = month.to_string();
    let (year, number) = text.rsplit_once('-').unwrap_or((&text, ""));
    let name = number.parse::<usize>().ok().and_then(|number| NAMES.get(number.wrapping_sub(1)));
    name.map_or_else(|| text.clone(), |name| format!("{name} {year}"))
}

#[cfg(test)]
mod tests;
