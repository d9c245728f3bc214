//! What the runs of some scenarios come to: what a workbook and a report are made from.

use crate::comparison::{ComparisonRow, Parties, WinnerRow, compare, winners};
use crate::scenario::{Difference, Scenario};
use crate::stats::Moments;
use crate::summary::SummaryRow;
use crate::tables::{MonthMeanRow, MonthRow, Row, RunRows, metrics};
use crate::units::Month;

/// The results of `run` or `compare`, condensed.
pub struct Results<'a> {
    /// Subcommand: `run` or `compare`.
    pub command: &'static str,
    /// The command that gives these results again, as one types it.
    pub reproduce: String,
    /// Short name of these results, which the manifest has as well: the same inputs give the same one.
    pub run_id: String,
    /// Seed.
    pub seed: u64,
    /// Replicates of each scenario.
    pub replicates: u32,
    /// The scenarios; in a comparison the baseline comes first.
    pub scenarios: &'a [Scenario],
    /// Parameters that differ between them, with a value a scenario.
    pub differences: &'a [Difference],
    /// Outcomes, by scenario and then replicate.
    pub summaries: Vec<Vec<SummaryRow>>,
    /// Means by month, by scenario.
    pub months_mean: Vec<Vec<MonthMeanRow>>,
    /// Differences of each scenario against the baseline; empty for the baseline, and in a plain run.
    pub comparison: Vec<Vec<ComparisonRow>>,
    /// Gains of each scenario against the baseline; empty for the baseline, and in a plain run.
    pub winners: Vec<Vec<WinnerRow>>,
}

/// Gathers runs as they come, in the order of scenarios and then of replicates.
#[derive(Clone, Debug)]
pub struct Gatherer {
    scenarios: Vec<Gathered>,
}

/// What is kept of the runs of one scenario.
#[derive(Clone, Debug, Default)]
struct Gathered {
    summaries: Vec<SummaryRow>,
    months: MonthMeans,
    parties: Vec<Parties>,
}

impl Gatherer {
    /// Of no runs yet of so many scenarios.
    pub fn new(scenarios: usize) -> Gatherer {
        Gatherer { scenarios: vec![Gathered::default(); scenarios] }
    }

    /// Takes in one run of the scenario of this index.
    pub fn run(&mut self, scenario: usize, rows: &RunRows, summary: &SummaryRow) {
        let gathered = &mut self.scenarios[scenario];
        gathered.summaries.push(summary.clone());
        gathered.months.add(&rows.months);
        gathered.parties.push(Parties::of(rows));
    }

    /// The outcomes, by scenario and then replicate.
    pub fn summaries(&self) -> Vec<Vec<SummaryRow>> {
        self.scenarios.iter().map(|gathered| gathered.summaries.clone()).collect()
    }

    /// The means by month, by scenario.
    pub fn months_mean(&self) -> Vec<Vec<MonthMeanRow>> {
        self.scenarios.iter().map(|gathered| gathered.months.rows()).collect()
    }

    /// Every scenario against the first one; nothing for the first one itself.
    pub fn comparison(&self) -> Vec<Vec<ComparisonRow>> {
        self.against_baseline(|baseline, scenario| compare(&baseline.summaries, &scenario.summaries))
    }

    /// What everybody gains in every scenario against the first one; nothing for the first one itself.
    pub fn winners(&self) -> Vec<Vec<WinnerRow>> {
        self.against_baseline(|baseline, scenario| winners(&baseline.parties, &scenario.parties))
    }

    fn against_baseline<R>(&self, rows: impl Fn(&Gathered, &Gathered) -> Vec<R>) -> Vec<Vec<R>> {
        let baseline = &self.scenarios[0];
        let others = self.scenarios[1..].iter().map(|scenario| rows(baseline, scenario));
        std::iter::once(Vec::new()).chain(others).collect()
    }
}

/// The means of all metrics over replicates, month by month.
#[derive(Clone, Debug, Default)]
pub struct MonthMeans {
    months: Vec<(Month, Vec<Moments>)>,
}

impl MonthMeans {
    /// Takes in the months of one replicate.
    pub fn add(&mut self, rows: &[MonthRow]) {
        if self.months.is_empty() {
            let none = vec![Moments::default(); metrics().count()];
            self.months = rows.iter().map(|row| (row.month, none.clone())).collect();
        }
        for ((_, moments), row) in self.months.iter_mut().zip(rows) {
            for (moments, number) in moments.iter_mut().zip(metric_numbers(row)) {
                moments.extend(number);
            }
        }
    }

    /// A row a month and metric; none for a metric that exists in no replicate.
    pub fn rows(&self) -> Vec<MonthMeanRow> {
        self.months
            .iter()
            .flat_map(|(month, moments)| {
                metrics().zip(moments).map(|(metric, moments)| (*month, metric, moments))
            })
            .filter_map(|(month, metric, moments)| {
                Some(MonthMeanRow {
                    month,
                    metric: metric.name,
                    mean: moments.mean()?,
                    low: moments.interval().map(|(low, _)| low),
                    high: moments.interval().map(|(_, high)| high),
                    replicates: moments.count(),
                })
            })
            .collect()
    }
}

/// The numbers of a month in the order of [`metrics`].
fn metric_numbers(row: &MonthRow) -> impl Iterator<Item = Option<f64>> {
    let named = MonthRow::COLUMNS.iter().zip(row.cells());
    named.filter(|(column, _)| column.name != "month").map(|(_, cell)| cell.number())
}
