//! The report of a sweep: which parameter matters, which ranking of scenarios holds, and how sure that is.

use super::page::Page;
use super::panels::{Effect, Scatter, Shaded, Tone, effects};
use super::text::{ABSENT, Kind, capital, escape, letter, listed};
use super::{RATE, SHARE, is_assumed, shortened};
use crate::output::terminal::{counted, grouped};
use crate::scenario::parameters::all_parameters;

/// Outcomes that the report shows: column of `sweep.csv`, what it is, how it is written.
const SHOWN: [(&str, &str, Kind); 8] = [
    ("delivered_share_before_deadline", "Data delivered before the deadline", SHARE),
    ("delivered_share_end", "Data delivered in the last month", SHARE),
    ("agency_query_share_end", "Decisions with agencies' data in the last month", SHARE),
    ("unlawful_query_share_mean", "Decisions with unlawfully sold data since the ban", SHARE),
    ("approval_rate_creditworthy_mean", "Creditworthy applicants approved", SHARE),
    ("default_rate_annual_mean", "Borrowers who default, per year", RATE),
    ("platform_profit_cny_total", "Profit of all platforms", Kind::Money),
    ("users_surplus_cny_total", "What borrowers save against the rate outside", Kind::Money),
];

/// Factors of which a figure shows the effects.
const MOST_EFFECTS: usize = 8;
/// Factors of which a figure shows the outcome over their range.
const MOST_PANELS: usize = 3;
/// Bins of a range over which means are taken.
const BINS: usize = 8;
/// Values of a factor up to which each has a mean of its own.
const MOST_LEVELS: usize = 12;
/// Rows and columns of a heat map with readable numbers.
const MOST_ROWS: usize = 24;
const MOST_COLUMNS: usize = 10;
/// Characters of a factor's name above its bar, and of a heat map's axis.
const LABEL: usize = 62;
/// Characters of a panel's title.
const TITLE: usize = 44;

/// Whether this is one of the outcomes that the report, and heat maps, show.
pub fn shows(outcome: &str) -> bool {
    SHOWN.iter().any(|(name, ..)| *name == outcome)
}

/// How the effect of a factor is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Mean absolute elementary effect, in units of the outcome.
    MuStar,
    /// Total Sobol' index.
    Total,
    /// Rank correlation.
    Rank,
}

/// A scenario of the sweep.
pub struct SweptScenario {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it is.
    pub about: String,
}

/// A parameter that was varied.
pub struct SweptFactor {
    /// Its column.
    pub column: String,
    /// What it means.
    pub meaning: String,
    /// Unit.
    pub unit: String,
    /// Its values, in words.
    pub values: String,
    /// Its values, where it has only some.
    pub levels: Vec<String>,
    /// Labels along its range, each with a share of the way from its lowest value to its highest.
    pub labels: Vec<(f64, String)>,
    /// Where each point lies, as such a share.
    pub places: Vec<f64>,
}

/// An outcome over the points of the design, in the first scenario.
pub struct SweptOutcome {
    /// Column of `sweep.csv`.
    pub name: &'static str,
    /// Mean of each point.
    pub means: Vec<Option<f64>>,
    /// Half the width of the interval of a point's mean, at the mean over points.
    pub half: Option<f64>,
    /// Effects of the factors, as far as there are any.
    pub effects: Vec<SweptEffect>,
}

/// What a factor does to an outcome.
pub struct SweptEffect {
    /// Index of the factor.
    pub factor: usize,
    /// Size, in the measure of the sweep.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

/// How often scenarios are above each other in an outcome.
pub struct SweptRanking {
    /// Column of `sweep.csv`.
    pub outcome: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Indices of the scenarios, in the order that they have as they are, the highest first.
    pub order: Vec<usize>,
    /// Share of points at which one (row of `order`) is above the other (column).
    pub above: Vec<Vec<Option<f64>>>,
}

/// What the report of a sweep is made from.
pub struct Swept {
    /// Title.
    pub title: String,
    /// The command that gives the results again.
    pub reproduce: String,
    /// Short name of the results.
    pub run_id: String,
    /// Seed.
    pub seed: String,
    /// Scenarios, the first one being that of which effects are told.
    pub scenarios: Vec<SweptScenario>,
    /// Word of the design in sweep files.
    pub design: &'static str,
    /// Points of the design, replicates of each, and all runs.
    pub points: u64,
    /// Replicates.
    pub replicates: u32,
    /// Runs.
    pub runs: u64,
    /// Measure of the effects.
    pub measure: Measure,
    /// Factors.
    pub factors: Vec<SweptFactor>,
    /// Outcomes that exist.
    pub outcomes: Vec<SweptOutcome>,
    /// Rankings, where there are several scenarios.
    pub rankings: Vec<SweptRanking>,
}

/// Factors that are listed before the answer.
const MOST_FIRST: usize = 12;

/// The report on a sweep as an HTML page.
pub fn report(swept: &Swept) -> String {
    let mut page = Page::new(&swept.title);
    swept.question(&mut page);
    swept.answer(&mut page);
    // Where scenarios are ranked, that is what was asked first.
    swept.rankings(&mut page);
    swept.matters(&mut page);
    swept.certainty(&mut page);
    if swept.many() {
        page.heading(2, "What was varied");
        swept.varied(&mut page);
    }
    swept.reproduction(&mut page);
    page.finish()
}

impl Swept {
    fn first(&self) -> &str {
        self.scenarios.first().map_or("", |scenario| &scenario.title)
    }

    fn several(&self) -> bool {
        self.scenarios.len() > 1
    }

    /// Outcomes that exist, with what they are.
    fn shown(&self) -> impl Iterator<Item = (&SweptOutcome, &'static str, Kind)> {
        SHOWN.iter().filter_map(|(name, what, kind)| {
            let outcome = self.outcomes.iter().find(|outcome| outcome.name == *name)?;
            Some((outcome, *what, *kind))
        })
    }

    fn question(&self, page: &mut Page) {
        let lead = "Simulation of an order to internet platforms to hand their users' data to credit agencies, which \
                    sell them to banks, under many values of its parameters";
        page.markup(&format!("<p class=\"lead\">{}.</p>", escape(lead)));
        page.heading(2, "What was asked");
        let of = if self.several() { "in each of these scenarios" } else { "in this scenario" };
        let parameters = counted(self.factors.len() as u32, "parameter");
        page.paragraph(&format!(
            "What happens {of} as {parameters} of it {}? {}",
            if self.factors.len() == 1 { "changes" } else { "change" },
            design(self.design)
        ));
        page.paragraph(&format!(
            "That makes {} points. Each was run {}, {} runs in all.",
            grouped(self.points as f64),
            if self.replicates == 1 {
                "once".to_string()
            } else {
                format!(
                    "{} times with different chance events (replicates), the same at all points",
                    self.replicates
                )
            },
            grouped(self.runs as f64)
        ));
        page.markup("<dl>");
        for (index, scenario) in self.scenarios.iter().enumerate() {
            let letter = if self.several() { format!("{}: ", letter(index)) } else { String::new() };
            page.markup(&format!("<dt>{letter}{}</dt>", escape(&scenario.title)));
            page.markup(&format!("<dd>{}</dd>", escape(&scenario.about)));
            page.markup(&format!("<dd class=\"f\">Scenario {}</dd>", escape(&scenario.name)));
        }
        page.markup("</dl>");
        if self.many() {
            page.paragraph("The parameters and their ranges are listed at the end.");
        } else {
            self.varied(page);
        }
    }

    /// Whether there are so many factors that their list would stand in the way of the answer.
    fn many(&self) -> bool {
        self.factors.len() > MOST_FIRST
    }

    /// The list of factors.
    fn varied(&self, page: &mut Page) {
        let head = ["Parameter", "Values", "Unit"].map(String::from);
        let row = |factor: &SweptFactor| {
            vec![
                format!("{} ({})", factor.meaning, factor.column),
                factor.values.clone(),
                factor.unit.clone(),
            ]
        };
        let rows: Vec<_> = self.factors.iter().map(row).collect();
        let caption = if self.many() { "Parameters and their ranges" } else { "What was varied" };
        page.table(caption, &head, &rows, false);
    }

    fn answer(&self, page: &mut Page) {
        page.heading(2, "The answer");
        page.markup("<div class=\"answer\">");
        if let Some(sentence) = self.robust() {
            page.paragraph(&sentence);
        }
        let mut rows = Vec::new();
        let mut told = Vec::new();
        // How often each factor comes first.
        let mut first = vec![0u32; self.factors.len()];
        for (outcome, what, kind) in self.shown() {
            let Some((low, high)) = range(&numbers(outcome)) else { continue };
            let mean = numbers(outcome).iter().sum::<f64>() / numbers(outcome).len() as f64;
            let (low, high, mean) = (kind.plain(low), kind.plain(high), kind.plain(mean));
            let matters = match self.clear(outcome).first() {
                Some(effect) => {
                    first[effect.factor] += 1;
                    lower(&self.factors[effect.factor].meaning)
                }
                None => "nothing for sure".into(),
            };
            told.push(if low == high {
                format!("{what}: {low} at all points")
            } else {
                format!("{what}: from {low} to {high}")
            });
            rows.push(vec![what.to_string(), low, mean, high, matters]);
        }
        if let Some(sentence) = self.first_ones(&first, rows.len()) {
            page.paragraph(&sentence);
        }
        if self.several() {
            page.paragraph(&format!("Over the points, in A, {}:", self.first()));
        } else {
            page.paragraph("Over the points, means over replicates:");
        }
        page.list(&told);
        page.markup("</div>");
        let head = ["Outcome", "Lowest point", "Mean over points", "Highest point", "What matters most"];
        let of = if self.several() { format!(" in {}", self.first()) } else { String::new() };
        page.table(&format!("Key outcomes{of}"), &head.map(String::from), &rows, true);
    }

    /// Effects of an outcome, the largest first; those of no size are left out.
    fn largest<'o>(&self, outcome: &'o SweptOutcome) -> Vec<&'o SweptEffect> {
        let mut effects: Vec<_> =
            outcome.effects.iter().filter(|effect| effect.value.is_finite() && effect.value != 0.0).collect();
        effects.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        effects
    }

    /// Those of the effects that chance does not explain: whose interval, if they have one, leaves out 0.
    fn clear<'o>(&self, outcome: &'o SweptOutcome) -> Vec<&'o SweptEffect> {
        let mut effects = self.largest(outcome);
        effects.retain(|effect| effect.interval.is_none_or(|(low, high)| low > 0.0 || high < 0.0));
        effects
    }

    /// Which parameters come first in how many outcomes.
    fn first_ones(&self, first: &[u32], outcomes: usize) -> Option<String> {
        let mut order: Vec<usize> = (0..first.len()).filter(|factor| first[*factor] > 0).collect();
        order.sort_by_key(|factor| std::cmp::Reverse(first[*factor]));
        let told: Vec<String> = order
            .iter()
            .enumerate()
            .map(|(place, factor)| {
                let of = if place == 0 { format!("of {outcomes} key outcomes") } else { String::new() };
                let text = format!("{} (for {} {of}", lower(&self.factors[*factor].meaning), first[*factor]);
                format!("{})", text.trim_end())
            })
            .collect();
        (!told.is_empty()).then(|| format!("What matters most: {}.", listed(&told)))
    }

    fn matters(&self, page: &mut Page) {
        page.heading(2, "Which parameter matters");
        page.paragraph(match self.measure {
            Measure::MuStar => {
                "A bar says by how much the outcome moves, on average over the design, as a parameter goes through its \
                 whole range and the others stay (mean absolute elementary effect, mu*, after Morris). It says \
                 nothing of the direction."
            }
            Measure::Total => {
                "A bar says in what share of the outcome's variance over the design a parameter has a part, alone or \
                 together with others (total Sobol' index, ST). Bars may sum to more than 1."
            }
            Measure::Rank => {
                "A bar says how closely the outcome follows a parameter: 1, filled, if it always rises with it, \
                 \u{2212}1, outlined, if it always falls, 0 if neither (Spearman's rank correlation). An effect that goes \
                 up and down again does not show in it, but beside it."
            }
        });
        let beside = if self.is_map() {
            "The table beside has the outcome at each point, the mean over replicates."
        } else {
            "In the panels beside, each dot is a point of the design, its outcome the mean over replicates; the line \
             with black dots is the mean over all points near a value."
        };
        page.paragraph(&format!("The thin line across a bar is its 95\u{a0}% interval. {beside}"));
        if self.several() {
            page.paragraph(&format!("The figures are those of A, {}.", self.first()));
        }
        for (outcome, what, kind) in self.shown() {
            page.heading(3, what);
            let Some((low, high)) = range(&numbers(outcome)) else { continue };
            if low == high {
                page.paragraph(&format!("{} at all points.", kind.plain(low)));
                continue;
            }
            self.figure(page, outcome, what, kind, (low, high));
        }
    }

    fn figure(&self, page: &mut Page, outcome: &SweptOutcome, what: &str, kind: Kind, ends: (f64, f64)) {
        let largest = self.largest(outcome);
        let shown = &largest[..largest.len().min(MOST_EFFECTS)];
        let clear: Vec<String> =
            self.clear(outcome).iter().take(2).map(|effect| lower(&self.label(effect.factor))).collect();
        let mut caption = match &clear[..] {
            [] => "No parameter has an effect that chance does not explain.".to_string(),
            [only] => format!("What matters: {only}."),
            [first, then, ..] => format!("What matters most: {first}; then {then}."),
        };
        let rest = largest.len() - shown.len();
        if rest > 0 {
            caption += &format!(" {rest} that matter less are not drawn.");
        }
        page.markup(&format!("<figure><figcaption>{}</figcaption><div class=\"panels\">", escape(&caption)));
        if !shown.is_empty() {
            let id = page.id();
            page.markup(&self.bars(&id, what, kind, shown));
        }
        if let Some(map) = self.heat_map(outcome, what, kind, ends) {
            let id = page.id();
            page.markup(&map.svg(&id));
        } else {
            for effect in shown.iter().take(MOST_PANELS) {
                let id = page.id();
                page.markup(&self.scatter(outcome, kind, effect.factor, ends).svg(&id));
            }
        }
        page.markup("</div></figure>");
    }

    fn bars(&self, id: &str, what: &str, kind: Kind, shown: &[&SweptEffect]) -> String {
        let most = shown.iter().map(|effect| effect.value.abs()).fold(0.0, f64::max);
        let (divisor, unit) = match self.measure {
            Measure::MuStar => match kind.axis(most) {
                (divisor, unit) if unit == "percent" => (divisor, "percentage points".to_string()),
                axis => axis,
            },
            Measure::Total => (1.0, "share of variance".into()),
            Measure::Rank => (1.0, "rank correlation".into()),
        };
        let written = |value: f64| {
            let scaled = value / divisor;
            let places = if self.measure == Measure::MuStar && scaled.abs() >= 10.0 { 1 } else { 2 };
            format!("{scaled:.places$}").replace('-', "\u{2212}")
        };
        let bars: Vec<Effect> = shown
            .iter()
            .map(|effect| Effect {
                label: shortened(&self.label(effect.factor), LABEL),
                value: effect.value,
                interval: effect.interval,
                shown: written(effect.value),
            })
            .collect();
        let told = shown.iter().map(|effect| {
            let interval = effect.interval.map_or_else(String::new, |(low, high)| {
                format!(" (95 % interval {} to {})", written(low), written(high))
            });
            format!("{}: {}{interval}.", self.label(effect.factor), written(effect.value))
        });
        let description = format!("Effects on: {what}. {}", told.collect::<Vec<_>>().join(" "));
        let title = match self.measure {
            Measure::MuStar => "How far each parameter moves it (mu*)",
            Measure::Total => "Share of variance with a part of each (ST)",
            Measure::Rank => "How closely it follows each parameter",
        };
        effects(id, title, &description, &unit, divisor, &bars)
    }

    fn label(&self, factor: usize) -> String {
        self.factors[factor].meaning.clone()
    }

    /// The mean over points near each value of a factor.
    fn means(&self, outcome: &SweptOutcome, factor: usize) -> Vec<(f64, f64)> {
        let factor = &self.factors[factor];
        let levels = factor.levels.len();
        let bins = if (1..=MOST_LEVELS).contains(&levels) { levels } else { BINS };
        let exact = bins == levels;
        let mut sums = vec![(0.0, 0.0, 0u32); bins];
        for (place, mean) in factor.places.iter().zip(&outcome.means) {
            let Some(mean) = mean else { continue };
            let bin = if exact { place * (bins - 1) as f64 + 0.5 } else { place * bins as f64 };
            let (at, sum, count) = &mut sums[(bin as usize).min(bins - 1)];
            (*at, *sum, *count) = (*at + place, *sum + mean, *count + 1);
        }
        let mean = |(at, sum, count): (f64, f64, u32)| (at / f64::from(count), sum / f64::from(count));
        sums.into_iter().filter(|(.., count)| *count > 0).map(mean).collect()
    }

    fn scatter(&self, outcome: &SweptOutcome, kind: Kind, index: usize, range: (f64, f64)) -> Scatter<'_> {
        let factor = &self.factors[index];
        let dots = factor.places.iter().zip(&outcome.means).filter_map(|(at, mean)| Some((*at, (*mean)?)));
        let means = self.means(outcome, index);
        let description = match (means.first(), means.last(), factor.labels.first(), factor.labels.last()) {
            (Some((_, low)), Some((_, high)), Some((_, from)), Some((_, to))) => format!(
                "The mean over points goes from {} near {from} to {} near {to}.",
                kind.plain(*low),
                kind.plain(*high)
            ),
            _ => "There is no such figure.".into(),
        };
        Scatter {
            title: shortened(&factor.meaning, TITLE),
            description,
            kind,
            dots: dots.collect(),
            means,
            labels: &factor.labels,
            range,
        }
    }

    /// Whether the design is a grid of two factors whose numbers can be read in a table.
    fn is_map(&self) -> bool {
        let [down, across] = &self.factors[..] else { return false };
        let (rows, columns) = (down.levels.len(), across.levels.len());
        self.design == "grid" && (2..=MOST_ROWS).contains(&rows) && (2..=MOST_COLUMNS).contains(&columns)
    }

    /// The outcome over a grid of two factors, if it is one and not too large to be read.
    fn heat_map<'s>(
        &'s self,
        outcome: &SweptOutcome,
        what: &'s str,
        kind: Kind,
        (low, high): (f64, f64),
    ) -> Option<Shaded<'s>> {
        let [down, across] = &self.factors[..] else { return None };
        let columns = across.levels.len();
        if !self.is_map() || outcome.means.len() != down.levels.len() * columns {
            return None;
        }
        let (divisor, unit) = kind.axis(high.abs().max(low.abs()));
        let largest = high.abs().max(low.abs()) / divisor;
        let places = match kind {
            Kind::Percent(places) => places,
            _ => 2 - usize::from(largest >= 10.0) - usize::from(largest >= 100.0),
        };
        let written = |mean: f64| format!("{:.places$}", mean / divisor).replace('-', "\u{2212}");
        let tone =
            |mean: &Option<f64>| -> Tone { mean.map(|mean| ((mean - low) / (high - low), written(mean))) };
        let cells: Vec<Vec<Tone>> =
            outcome.means.chunks(columns).map(|row| row.iter().map(tone).collect()).collect();
        let told = cells.iter().zip(&down.levels).map(|(row, level)| {
            let row: Vec<&str> =
                row.iter().map(|cell| cell.as_ref().map_or(ABSENT, |(_, text)| text)).collect();
            format!("{level}: {}.", row.join(", "))
        });
        let description = format!(
            "In {unit}. Columns: {} = {}. Rows: {}. {}",
            across.meaning,
            across.levels.join(", "),
            down.meaning,
            told.collect::<Vec<_>>().join(" ")
        );
        let axis =
            |word: &str, factor: &SweptFactor| format!("{word}: {}", shortened(&factor.meaning, LABEL));
        Some(Shaded {
            title: what,
            description,
            notes: vec![
                format!("{}, darker is higher", capital(&unit)),
                axis("Down", down),
                axis("Across", across),
            ],
            rows: down.levels.clone(),
            columns: across.levels.clone(),
            cells,
        })
    }

    /// In how many pairs of scenarios the order hardly ever changes.
    fn robust(&self) -> Option<String> {
        let (mut pairs, mut firm) = (0, 0);
        for ranking in &self.rankings {
            for (row, above) in ranking.above.iter().enumerate() {
                for share in above.iter().skip(row + 1).flatten() {
                    pairs += 1;
                    firm += usize::from(*share >= 0.9);
                }
            }
        }
        (pairs > 0).then(|| {
            format!(
                "Of {pairs} orders of two scenarios in one of {}, {firm} hold at nine points of ten or more.",
                counted(self.rankings.len() as u32, "outcome")
            )
        })
    }

    fn rankings(&self, page: &mut Page) {
        if self.rankings.is_empty() {
            return;
        }
        page.heading(2, "Which ranking of scenarios holds");
        page.paragraph(
            "How often the scenario of a row is above that of a column, in percent of the points at which both have the \
             outcome. Scenarios stand in the order that they have as they are, the highest first: where that order \
             holds whatever the parameters, cells above the diagonal are dark and read 100, and those below it \
             are light. Near 50 the order is open. Above is not better: fewer defaults are.",
        );
        page.markup("<div class=\"panels\">");
        for ranking in &self.rankings {
            let id = page.id();
            page.markup(&self.matrix(ranking).svg(&id));
        }
        page.markup("</div>");
    }

    fn matrix<'r>(&self, ranking: &'r SweptRanking) -> Shaded<'r> {
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        let rows = ranking.order.iter().map(|scenario| {
            format!("{} {}", letter(*scenario), shortened(&self.scenarios[*scenario].name, 20))
        });
        let tone = |share: &Option<f64>| -> Tone { share.map(|share| (share, percent(share))) };
        let mut told = Vec::new();
        for (row, above) in ranking.above.iter().enumerate() {
            let name = |place: usize| &self.scenarios[ranking.order[place]].name;
            if let Some(Some(share)) = above.get(row + 1) {
                told.push(format!("{} above {}: {} %.", name(row), name(row + 1), percent(*share)));
            }
        }
        Shaded {
            title: ranking.what,
            description: told.join(" "),
            notes: vec!["Row above column, percent of points".into()],
            rows: rows.collect(),
            columns: ranking.order.iter().map(|scenario| letter(*scenario)).collect(),
            cells: ranking.above.iter().map(|row| row.iter().map(tone).collect()).collect(),
        }
    }

    fn certainty(&self, page: &mut Page) {
        page.heading(2, "How sure this is");
        if self.replicates < 2 {
            page.paragraph(
                "Each point was run once. How far chance moves a single point can't be told; over many points it \
                 averages out of the lines and bars, but not out of single cells and dots.",
            );
        } else {
            let halves = self.shown().filter_map(|(outcome, what, kind)| {
                let half = outcome.half.filter(|half| half.is_finite())?;
                Some(format!("{} ±\u{a0}{}", lower(what), kind.plain(half).replace('\u{2212}', "")))
            });
            let halves: Vec<String> = halves.collect();
            page.paragraph(&format!(
                "Each point was run {} times. The 95\u{a0}% interval of a point's mean is, on average over the points{}: {}. \
                 Smaller differences between two cells or dots may be chance.",
                self.replicates,
                if self.several() { format!(" and in {}", self.first()) } else { String::new() },
                if halves.is_empty() { "not known".into() } else { listed(&halves) }
            ));
        }
        page.paragraph(match self.measure {
            Measure::Rank => {
                "Intervals of bars come from drawing the points again and again from those that were run. They \
                 tell how far the result hangs on which points were chosen. A parameter whose interval holds 0 may \
                 not matter at all."
            }
            _ => {
                "Intervals of bars come from drawing trajectories or samples again and again from those that were \
                 run. They tell how far the result hangs on which were chosen: where intervals of two parameters \
                 overlap, their order is open."
            }
        });
        if self.several() {
            page.paragraph(
                "Scenarios meet the same luck in each replicate of a point, so that a difference between them is less \
                 moved by chance than either. A share of points is no probability: it weighs all values within the \
                 ranges alike.",
            );
        }
        let all = all_parameters().count();
        let assumed = all_parameters().filter(|parameter| is_assumed(parameter.source)).count();
        page.paragraph(&format!(
            "What was not varied is taken as it is, and what matters depends on the ranges: a wider range matters more. Of \
             {all} kinds of parameter, {assumed} are assumptions without a published figure. The intervals don't know \
             whether the model is right. The command \"mandate parameters\" lists each parameter with its source, and \
             MODEL.md says what is left out."
        ));
    }

    fn reproduction(&self, page: &mut Page) {
        page.heading(2, "How to get these results again");
        page.markup(&format!("<pre><code>{}</code></pre>", escape(&self.reproduce)));
        page.paragraph(&format!(
            "mandate {}, seed {}, run {}. The same files and parameters give the same results on any machine, whether \
             in one run or merged from shards; manifest.toml beside this page has the scenarios written out, with what \
             --set may have changed in them. sweep_summary.csv and effects.csv have all outcomes.",
            env!("CARGO_PKG_VERSION"),
            self.seed,
            self.run_id
        ));
    }
}

/// What the points of a design are, in a sentence.
fn design(word: &str) -> &'static str {
    match word {
        "grid" => "All combinations of their values were tried.",
        "latin-hypercube" => {
            "They were drawn within their ranges, so that each part of each range is tried equally often (Latin hypercube)."
        }
        "sobol" => "They were spread evenly within their ranges (Sobol' sequence).",
        "morris" => {
            "They were changed one at a time, along paths that start anywhere within their ranges (elementary effects)."
        }
        "saltelli" => {
            "They were spread within their ranges so that the variance of outcomes can be shared out among them (Saltelli)."
        }
        _ => "They took the values of a list.",
    }
}

/// An outcome's means, where it has them.
fn numbers(outcome: &SweptOutcome) -> Vec<f64> {
    outcome.means.iter().flatten().copied().collect()
}

/// Lowest and highest.
fn range(numbers: &[f64]) -> Option<(f64, f64)> {
    let finite = || numbers.iter().copied().filter(|number| number.is_finite());
    Some((finite().reduce(f64::min)?, finite().reduce(f64::max)?))
}

/// With a small letter at its front, unless the word is an abbreviation.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(meaning: &str, levels: &[&str], places: Vec<f64>) -> SweptFactor {
        let last = (levels.len().max(2) - 1) as f64;
        let labels = levels.iter().enumerate().map(|(at, level)| (at as f64 / last, level.to_string()));
        SweptFactor {
            column: "fees.agency_query".into(),
            meaning: meaning.into(),
            unit: "CNY per query".into(),
            values: levels.join(", "),
            levels: levels.iter().map(ToString::to_string).collect(),
            labels: labels.collect(),
            places,
        }
    }

    /// A grid of two factors of 2 and 3 values, of which the second one matters.
    fn grid(text: &str) -> Swept {
        let scenario =
            |name: &str| SweptScenario { name: name.into(), title: text.into(), about: text.into() };
        Swept {
            title: text.into(),
            reproduce: format!("mandate sweep {text}"),
            run_id: "a1b2".into(),
            seed: "1".into(),
            scenarios: vec![scenario("one")],
            design: "grid",
            points: 6,
            replicates: 4,
            runs: 24,
            measure: Measure::Rank,
            factors: vec![
                factor(text, &["1", "2"], vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
                factor("Audits", &["0", "4", text], vec![0.0, 0.5, 1.0, 0.0, 0.5, 1.0]),
            ],
            outcomes: vec![SweptOutcome {
                name: "delivered_share_end",
                means: vec![Some(0.1), Some(0.5), Some(0.9), None, Some(0.6), Some(0.8)],
                half: Some(0.031),
                effects: vec![
                    SweptEffect { factor: 0, value: -0.05, interval: Some((-0.4, 0.3)) },
                    SweptEffect { factor: 1, value: 0.9, interval: Some((0.8, 1.0)) },
                ],
            }],
            rankings: Vec::new(),
        }
    }

    #[test]
    fn a_grid_of_two_is_a_table_of_numbers() {
        let html = report(&grid("Fee"));
        assert!(html.contains(">What matters: audits.<"), "what may be chance is not said to matter");
        assert!(html.contains("What matters most: audits (for 1 of 1 key outcomes)."));
        assert_eq!(html.matches("<svg").count(), 2, "bars and the table");
        for number in ["10.0", "50.0", "90.0", "60.0", "80.0"] {
            assert!(html.contains(&format!(">{number}</text>")), "{number}");
        }
        assert!(html.contains(">\u{2013}</text>"), "a cell without an outcome is no number");
        assert!(html.contains("data delivered in the last month ±\u{a0}3.1\u{a0}%"), "{html}");
        assert!(html.contains("95 % interval 0.80 to 1.00"), "in words for those who don't see the bars");
    }

    #[test]
    fn means_over_a_factor_are_those_of_its_points() {
        let swept = grid("Fee");
        assert_eq!(swept.means(&swept.outcomes[0], 0), [(0.0, 0.5), (1.0, 0.7)]);
        let mut sampled = grid("Fee");
        sampled.design = "sobol";
        sampled.factors[1].levels.clear();
        sampled.factors[1].places = vec![0.01, 0.02, 0.5, 0.6, 0.99, 1.0];
        let means = sampled.means(&sampled.outcomes[0], 1);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(means[0].0, 0.015) && near(means[0].1, 0.3) && near(means[2].1, 0.7), "{means:?}");
        assert_eq!(report(&sampled).matches("<svg").count(), 3, "bars and a panel a factor");
    }

    #[test]
    fn rankings_are_read_row_above_column() {
        let mut swept = grid("Fee");
        swept.scenarios.push(SweptScenario { name: "two".into(), title: "Two".into(), about: String::new() });
        swept.rankings.push(SweptRanking {
            outcome: "delivered_share_end",
            what: "Delivery",
            order: vec![1, 0],
            above: vec![vec![None, Some(0.95)], vec![Some(0.05), None]],
        });
        let html = report(&swept);
        assert!(html.contains("two above one: 95 %."), "{html}");
        assert!(html.contains("Of 1 orders of two scenarios in one of 1 outcome, 1 hold"));
        let (ranking, matters) = (html.find("Which ranking").unwrap(), html.find("Which parameter").unwrap());
        assert!(ranking < matters, "what was asked first comes first");
        assert!(html.contains(">95</text>") && html.contains(">B two</text>"));
    }

    #[test]
    fn nothing_from_a_file_is_markup() {
        for hostile in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style></svg>&'"] {
            let html = report(&grid(hostile));
            assert!(!html.contains(hostile), "{hostile}");
            assert!(!html.contains("<script") && !html.contains("<img"), "{hostile}");
        }
        assert!(!report(&grid("Fee")).contains("://"), "nothing is fetched");
    }

    #[test]
    fn numbers_that_are_none_are_not_drawn() {
        let mut swept = grid("Fee");
        swept.outcomes[0].means = vec![None; 6];
        swept.outcomes[0].effects.clear();
        assert!(!report(&swept).contains("NaN"));
        swept.outcomes[0].means = vec![Some(0.5); 6];
        let html = report(&swept);
        assert!(html.contains("50.0\u{a0}% at all points.") && !html.contains("NaN"));
    }
}
