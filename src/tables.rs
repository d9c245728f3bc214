//! The tables: one row type each, from which come the CSV header, the workbook's sheet and the
//! dictionary `columns.csv`.
//!
//! Columns `scenario` and `replicate` are not fields: whoever writes a table puts them in front.

use crate::units::{Money, Month};

/// What stands in one cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing: the figure does not exist.
    Empty,
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(i64),
    /// An amount of money, written in CNY.
    Money(Money),
    /// A month.
    Month(Month),
    /// Yes or no, written `true` or `false`.
    Flag(bool),
}

impl Cell {
    /// The cell as a number, where it is one: what amendments' conditions and statistics read.
    pub fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(number) => Some(*number),
            Cell::Whole(number) => Some(*number as f64),
            Cell::Money(money) => Some(money.cny()),
            Cell::Flag(flag) => Some(f64::from(u8::from(*flag))),
            Cell::Empty | Cell::Text(_) | Cell::Month(_) => None,
        }
    }
}

/// What the cells of a column are, where they are not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// Whole numbers.
    Whole,
    /// Amounts of money.
    Money,
    /// Months.
    Month,
    /// Yes or no.
    Flag,
}

/// A field of a row that makes a cell.
pub trait Field {
    /// What the cell is, where it is not empty.
    const TYPE: CellType;
}

macro_rules! into_cell {
    ($($type:ty, $cell_type:ident, |$value:ident| $cell:expr;)*) => {
        $(impl Field for $type { const TYPE: CellType = CellType::$cell_type; }
        impl From<&$type> for Cell { fn from($value: &$type) -> Cell { $cell } }
        impl Field for Option<$type> { const TYPE: CellType = CellType::$cell_type; }
        impl From<&Option<$type>> for Cell {
            fn from(value: &Option<$type>) -> Cell { value.as_ref().map_or(Cell::Empty, Cell::from) }
        })*
    };
}

into_cell! {
    f64, Number, |value| Cell::Number(*value);
    u32, Whole, |value| Cell::Whole(i64::from(*value));
    bool, Flag, |value| Cell::Flag(*value);
    Money, Money, |value| Cell::Money(*value);
    Month, Month, |value| Cell::Month(*value);
    String, Text, |value| Cell::Text(value.clone());
    &'static str, Text, |value| Cell::Text((*value).into());
}

/// What is known of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, equal to the field's.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Meaning, in one line.
    pub meaning: &'static str,
}

/// A table's row.
pub trait Row {
    /// Stem of the table's file.
    const TABLE: &'static str;
    /// Its columns, in order.
    const COLUMNS: &'static [Column];
    /// What their cells are.
    const TYPES: &'static [CellType];
    /// The row's cells, one a column.
    fn cells(&self) -> Vec<Cell>;
}

macro_rules! table {
    ($(#[$doc:meta])* $row:ident = $table:literal {
        $($field:ident: $type:ty, $unit:literal, $meaning:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $row {
            $(#[doc = concat!($meaning, ". Unit: ", $unit, ".")] pub $field: $type,)*
        }

        impl Row for $row {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [Column] =
                &[$(Column { name: stringify!($field), unit: $unit, meaning: $meaning }),*];
            const TYPES: &'static [$crate::tables::CellType] =
                &[$(<$type as $crate::tables::Field>::TYPE),*];

            fn cells(&self) -> Vec<Cell> {
                vec![$(Cell::from(&self.$field)),*]
            }
        }
    };
}

pub(crate) use table;

table! {
    /// A month of a run.
    MonthRow = "months" {
        month: Month, "month", "Calendar month";
        delivered_share: Option<f64>, "share", "Mean over bound platforms and ordered agencies of min(1, delivered / required), as it truly is; empty while there is no order";
        delivered_share_reported: Option<f64>, "share", "delivered_share as the central bank has been told, corrected where it audited";
        delivered_share_by_records: Option<f64>, "share", "delivered_share, weighted by each platform's records";
        compliant_platforms: Option<u32>, "platforms", "Bound platforms that have delivered at least 0.95 of what is required";
        platforms_bound: u32, "platforms", "Platforms bound by the order: those in loan partnerships";
        direct_query_share: Option<f64>, "share of decisions", "Lenders' decisions for which a platform sold data directly";
        unlawful_query_share: Option<f64>, "share of decisions", "Lenders' decisions for which a platform sold data directly under the ban";
        agency_query_share: Option<f64>, "share of decisions", "Lenders' decisions for which an agency was queried";
        unenriched_query_share: Option<f64>, "share of decisions", "Lenders' decisions without bought data";
        applications: f64, "persons", "Persons who ask for a loan, including those who then give up";
        approvals: f64, "persons", "Persons who get the loan they ask for";
        approval_rate: Option<f64>, "share", "Approvals / applications";
        approval_rate_creditworthy: Option<f64>, "share", "Approval rate among the creditworthy: applicants whose true probability of default is below the lender's break-even";
        approval_rate_uncreditworthy: Option<f64>, "share", "Approval rate among applicants who are not creditworthy";
        approval_rate_thin_file: Option<f64>, "share", "Approval rate among applicants with a thin file";
        approval_rate_creditworthy_thin_file: Option<f64>, "share", "Approval rate among creditworthy applicants with a thin file";
        approval_rate_creditworthy_thick_file: Option<f64>, "share", "Approval rate among creditworthy applicants with a thick file";
        approval_rate_bottom_quintile: Option<f64>, "share", "Approval rate among applicants of the lowest income quintile";
        approval_rate_top_quintile: Option<f64>, "share", "Approval rate among applicants of the highest income quintile";
        originations_cny: Money, "CNY", "Loans granted";
        partnership_originations_cny: Money, "CNY", "Loans granted to applicants who came through a platform";
        loans_outstanding_cny: Money, "CNY", "Loans outstanding at the end of the month";
        partnership_outstanding_cny: Money, "CNY", "Loans outstanding that came through a platform";
        borrowers: f64, "persons", "Persons with a loan at the end of the month";
        multiple_borrowers_share: Option<f64>, "share", "Borrowers who owe at least two lenders";
        defaults: f64, "persons", "Persons who default";
        default_rate_annual: Option<f64>, "per year", "12 x persons who default / borrowers at the opening of the month";
        losses_cny: Money, "CNY", "Balances written off";
        agency_fees_cny: Money, "CNY", "Fees paid to agencies";
        direct_fees_cny: Money, "CNY", "Fees paid to platforms that sell directly";
        revenue_share_cny: Money, "CNY", "Shares of fees that agencies pass on to platforms";
        commissions_cny: Money, "CNY", "Commissions paid by banks to platforms";
        compliance_cost_cny: Money, "CNY", "Platforms' cost of delivering";
        cost_increase_mean: Option<f64>, "share of cost", "Mean over platforms of the rise of cost through delivering";
        fines_cny: Money, "CNY", "Fines paid by platforms and banks";
        audits: u32, "audits", "Audits of platforms and banks";
        bank_audits: u32, "audits", "Audits of banks";
        violations_found: u32, "findings", "Audits that found a violation";
        suspended_platforms: u32, "platforms", "Platforms suspended from partnerships";
        platforms_selling_directly: u32, "platforms", "Platforms that sell data directly";
        banks_buying_directly: u32, "banks", "Banks whose data source is a platform";
        bank_profit_cny: Money, "CNY", "Profit of all banks";
        platform_profit_cny: Money, "CNY", "Profit of all platforms from their credit business";
        agency_profit_cny: Money, "CNY", "Profit of all agencies, before dividends";
        users_surplus_cny: Money, "CNY", "What borrowers save against the rate outside: (outside rate - lending rate) x balance / 12";
        users_surplus_quintile_1_cny: Money, "CNY", "users_surplus_cny of the lowest income quintile";
        users_surplus_quintile_2_cny: Money, "CNY", "users_surplus_cny of the second income quintile";
        users_surplus_quintile_3_cny: Money, "CNY", "users_surplus_cny of the third income quintile";
        users_surplus_quintile_4_cny: Money, "CNY", "users_surplus_cny of the fourth income quintile";
        users_surplus_quintile_5_cny: Money, "CNY", "users_surplus_cny of the highest income quintile";
        supervision_cost_cny: Money, "CNY", "Cost of audits";
        records_exposed_expected: f64, "records", "Sum over stores of personal records of hazard x records";
        records_breached: f64, "records", "Records in stores that were breached";
        unconsented_records: f64, "records", "Records sold directly or newly delivered on persons who would not consent";
        investment_index: Option<f64>, "index", "Mean over platforms of investment in data, 0..1";
        sanction_belief_mean: Option<f64>, "probability per month", "Mean over platforms of the belief about being sanctioned";
    }
}

table! {
    /// A metric's mean over replicates, month by month.
    MonthMeanRow = "months_mean" {
        month: Month, "month", "Calendar month";
        metric: &'static str, "name", "Column of months.csv";
        mean: f64, "of the metric", "Mean over replicates in which the metric exists";
        low: Option<f64>, "of the metric", "Lower end of the 95 % interval of the mean; empty with one replicate";
        high: Option<f64>, "of the metric", "Upper end of the 95 % interval of the mean";
        replicates: u32, "replicates", "Replicates in which the metric exists";
    }
}

table! {
    /// A published figure beside what the run gives.
    CalibrationRow = "calibration" {
        target: String, "name", "Published figure";
        unit: &'static str, "text", "Unit of the figures in the row";
        published: f64, "of the target", "Its published value";
        simulated: Option<f64>, "of the target", "Mean over replicates; empty if the calendar does not reach it";
        low: Option<f64>, "of the target", "Lower end of the 95 % interval of the mean";
        high: Option<f64>, "of the target", "Upper end of the 95 % interval of the mean";
        source: String, "text", "Where it was published";
    }
}

table! {
    /// A platform's month.
    PlatformMonthRow = "platforms" {
        month: Month, "month", "Calendar month";
        platform: String, "id", "Platform";
        delivered_share: Option<f64>, "share", "Mean over the agencies it may deliver to of the share delivered; empty if there is none";
        sells_directly: bool, "flag", "Whether it sells data to banks directly";
        in_partnership: bool, "flag", "Whether it partners with lenders";
        suspended: bool, "flag", "Whether it is suspended from partnerships";
        direct_fees_cny: Money, "CNY", "Fees from direct sales";
        commissions_cny: Money, "CNY", "Commissions from banks";
        revenue_share_cny: Money, "CNY", "Its share of agencies' fees";
        dividends_cny: Money, "CNY", "Dividends from agencies";
        operating_cost_cny: Money, "CNY", "Operating cost of data and credit work";
        compliance_cost_cny: Money, "CNY", "Cost of delivering";
        cost_increase: f64, "share of cost", "Rise of cost through delivering";
        fines_cny: Money, "CNY", "Fines";
        profit_cny: Money, "CNY", "Direct fees + commissions + revenue share + dividends - operating cost - compliance cost - fines";
        sanction_belief: f64, "probability per month", "Its belief about being sanctioned";
        investment_index: f64, "index", "Its investment in data, 0..1";
    }
}

table! {
    /// A bank class's month, or a bank's.
    BankMonthRow = "banks" {
        month: Month, "month", "Calendar month";
        bank_class: String, "id", "Class of banks";
        bank: Option<u32>, "id", "Bank within the table, counted from 1; empty in a row of a class";
        banks: u32, "banks", "Banks in the row";
        source_none: f64, "share of banks", "Banks that buy no data";
        source_direct: f64, "share of banks", "Banks that buy from platforms directly";
        source_agency: f64, "share of banks", "Banks that query an agency";
        applications: f64, "decisions", "Decisions on applications";
        approvals: f64, "decisions", "Applications approved";
        approval_rate: Option<f64>, "share", "Approvals / applications";
        approval_rate_creditworthy: Option<f64>, "share", "Approval rate among creditworthy applicants";
        default_rate_annual: Option<f64>, "per year", "12 x loans that default / loans at the opening of the month";
        originations_cny: Money, "CNY", "Loans granted";
        loans_outstanding_cny: Money, "CNY", "Loans outstanding at the end of the month";
        interest_cny: Money, "CNY", "Interest received";
        funding_cny: Money, "CNY", "Funding and operating cost, without commissions";
        commissions_cny: Money, "CNY", "Commissions paid to platforms";
        fees_paid_cny: Money, "CNY", "Fees for data";
        fines_cny: Money, "CNY", "Fines";
        losses_cny: Money, "CNY", "Balances written off";
        profit_cny: Money, "CNY", "Interest - funding - commissions - fees - fines - losses";
        sanction_belief: f64, "probability per month", "Mean belief about being sanctioned";
    }
}

table! {
    /// An agency's month.
    AgencyMonthRow = "agencies" {
        month: Month, "month", "Calendar month";
        agency: String, "id", "Agency";
        platforms_delivering: u32, "platforms", "Platforms that have delivered a part at least";
        records_held: f64, "records", "Records held, a record being one person's data from one platform";
        coverage: f64, "share of population", "Persons on whom it holds a record at least, from the panel";
        capability: f64, "share", "Share of raw precision that its analysis keeps";
        queries: f64, "queries", "Queries by lenders";
        fee_cny: Option<f64>, "CNY per query", "Its fee; empty before it opens";
        fees_cny: Money, "CNY", "Fees received";
        revenue_share_cny: Money, "CNY", "Fees passed on to platforms";
        user_payments_cny: Money, "CNY", "Payments to users for records delivered";
        operating_cost_cny: Money, "CNY", "Unit and fixed cost";
        dividends_cny: Money, "CNY", "Paid to shareholders";
        profit_cny: Money, "CNY", "Fees - revenue share - payments to users - operating cost, before dividends";
    }
}

table! {
    /// Data sold in a month by one seller to one class of buyer.
    TradeRow = "trades" {
        month: Month, "month", "Calendar month";
        seller: String, "id", "Platform or agency that sells";
        buyer: String, "id", "Class of banks that buys";
        channel: &'static str, "word", "direct (from a platform) or agency";
        lawful: bool, "flag", "Whether the sale was lawful";
        queries: f64, "queries", "Queries";
        records: f64, "records", "Records used, a record being one person's data from one platform";
        fee_cny: f64, "CNY per query", "Fee";
        amount_cny: Money, "CNY", "Amount paid";
    }
}

table! {
    /// Money between two kinds of party in a month.
    FlowRow = "flows" {
        month: Month, "month", "Calendar month";
        payer: &'static str, "word", "Kind of party that pays";
        payee: &'static str, "word", "Kind of party that is paid";
        flow: &'static str, "word", "What is paid";
        amount_cny: Money, "CNY", "Amount";
    }
}

table! {
    /// One term of one option weighed by one agent.
    DecisionRow = "decisions" {
        month: Month, "month", "Month of the review";
        agent: String, "id", "Platform, or class of banks (its typical bank), or a bank";
        choice: String, "word", "deliver:AGENCY, sell_directly, stay_in_partnership or data_source";
        option: String, "word", "Option weighed";
        term: &'static str, "word", "Term of the option's utility";
        value: f64, "share of reference", "The term's value; the terms of an option add up to its utility";
        chosen: bool, "flag", "Whether the option was chosen";
        reference_cny: f64, "CNY per month, or per application of a bank", "What a value of 1 is worth in money";
    }
}

table! {
    /// One column of one table.
    ColumnRow = "columns" {
        table: &'static str, "name", "Table";
        column: String, "name", "Column";
        unit: String, "unit", "Unit";
        meaning: String, "text", "Meaning";
    }
}

/// Columns of `months.csv` that nobody can observe while the calendar runs, so that no condition of
/// an amendment may read them.
pub const UNOBSERVABLE: [&str; 4] =
    ["delivered_share", "delivered_share_by_records", "compliant_platforms", "unlawful_query_share"];

/// The columns of `months.csv` that are numbers: all but the month.
pub fn metrics() -> impl Iterator<Item = &'static Column> {
    MonthRow::COLUMNS.iter().filter(|column| column.name != "month")
}

/// The columns of `months.csv` that a condition of an amendment may read.
pub fn indicators() -> impl Iterator<Item = &'static str> {
    metrics().map(|column| column.name).filter(|name| !UNOBSERVABLE.contains(name))
}

impl MonthRow {
    /// The value of the column `name`, which must exist; `None` where it is empty or the month.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let index = Self::COLUMNS.iter().position(|column| column.name == name);
        self.cells()[index.unwrap_or_else(|| panic!("months.csv has no column {name}"))].number()
    }
}

/// Everything observed in one run: a replicate of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRows {
    /// The month before the calendar starts, which growth rates need; not part of any table.
    pub opening: Vec<MonthRow>,
    /// Rows of `months`.
    pub months: Vec<MonthRow>,
    /// Rows of `platforms`.
    pub platforms: Vec<PlatformMonthRow>,
    /// Rows of `banks`.
    pub banks: Vec<BankMonthRow>,
    /// Rows of `agencies`.
    pub agencies: Vec<AgencyMonthRow>,
    /// Rows of `trades`.
    pub trades: Vec<TradeRow>,
    /// Rows of `flows`.
    pub flows: Vec<FlowRow>,
    /// Rows of `decisions`, if asked for.
    pub decisions: Vec<DecisionRow>,
}

/// What is to be observed beside the months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reporting {
    /// Record the terms of every option weighed.
    pub decisions: bool,
    /// Report each bank, not each class.
    pub per_bank: bool,
    /// Leave out all tables but `months`.
    pub months_only: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_leave_out_what_nobody_can_observe() {
        let names: Vec<_> = indicators().collect();
        assert!(names.contains(&"delivered_share_reported"));
        assert!(!names.contains(&"delivered_share") && !names.contains(&"month"));
        assert_eq!(names.len(), MonthRow::COLUMNS.len() - 5);
    }
}
