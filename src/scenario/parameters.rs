//! Every parameter, in its one home: name, type, unit, default, range, meaning and source.
//!
//! The command `mandate parameters`, the JSON Schema, the tables of MODEL.md and the messages on bad
//! input are made from the declarations below; the structs that the model reads are made from
//! them too, so a parameter can't have a second name or range.
//!
//! Marks of sources: `S` press reports of 2021 and 2022; `V` seen in a published source; `R`
//! recalled, not checked; `D` derived; `A` an assumption of ours, to be swept.

use super::value::{
    Consent, DeliverTo, DirectSale, Domains, FeeRule, FromValue, HIGHEST_FEE, Kind, LoanRecords, Operator,
    Shape, Value,
};
use crate::agents::users::MOST_LOANS;
use crate::units::{Month, RuleMonth};

/// Whether an amendment may change a parameter while the calendar runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum During {
    /// An amendment may change it.
    Amendable,
    /// It is fixed before the first month.
    Fixed,
}

/// What is known of one parameter.
pub struct Parameter {
    /// Section of the scenario file.
    pub section: &'static str,
    /// Key in its section, or column of the roster.
    pub name: &'static str,
    /// Type and range.
    pub kind: Kind,
    /// Unit.
    pub unit: &'static str,
    /// Default, `None` where there is none: a roster's column, or a value another one stands in for.
    pub default: fn() -> Option<Value>,
    /// Whether amendments may change it.
    pub during: During,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Where its default comes from, with its mark.
    pub source: &'static str,
}

/// A section of a scenario file, or a row of a roster.
pub trait Section {
    /// Its parameters, in the order of declaration.
    fn parameters() -> &'static [Parameter]
    where
        Self: Sized;
    /// Sets the parameter `name` to `value`, which its kind must have allowed.
    fn set(&mut self, name: &str, value: &Value);
    /// The value of the parameter `name`; `None` where it is empty.
    fn get(&self, name: &str) -> Option<Value>;
}

const SHARE: Kind = Kind::Number { low: 0.0, high: 1.0 };
const MONEY: Kind = Kind::Number { low: 0.0, high: 1e12 };
const FEE: Kind = Kind::Number { low: 0.0, high: HIGHEST_FEE };
const WEIGHT: Kind = Kind::Number { low: 0.0, high: 1000.0 };
const PRECISION: Kind = Kind::Number { low: 0.0, high: 1000.0 };

const fn number(low: f64, high: f64) -> Kind {
    Kind::Number { low, high }
}

const fn whole(low: u64, high: u64) -> Kind {
    Kind::Whole { low, high }
}

macro_rules! section {
    ($(#[$doc:meta])* $struct:ident = $section:literal {
        $($field:ident: $type:ty = $default:expr, $kind:expr, $unit:literal, $during:ident, $meaning:literal, $source:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $struct {
            $(#[doc = concat!($meaning, ". Unit: ", $unit, ".")] pub $field: $type,)*
        }

        impl Default for $struct {
            fn default() -> $struct {
                $struct { $($field: $default,)* }
            }
        }

        impl Section for $struct {
            fn parameters() -> &'static [Parameter] {
                static PARAMETERS: &[Parameter] = &[
                    $(Parameter {
                        section: $section,
                        name: stringify!($field),
                        kind: $kind,
                        unit: $unit,
                        default: || <$type as FromValue>::to_value(&$default),
                        during: During::$during,
                        meaning: $meaning,
                        source: $source,
                    },)*
                ];
                PARAMETERS
            }

            fn set(&mut self, name: &str, value: &Value) {
                match name {
                    $(stringify!($field) => self.$field = <$type as FromValue>::from_value(value),)*
                    _ => panic!("{}.{name} was checked to exist", $section),
                }
            }

            fn get(&self, name: &str) -> Option<Value> {
                match name {
                    $(stringify!($field) => FromValue::to_value(&self.$field),)*
                    _ => panic!("{}.{name} was checked to exist", $section),
                }
            }
        }
    };
}

section! {
    /// When the simulation runs.
    Calendar = "calendar" {
        start: Month = Month::new(2021, 1), Kind::Month, "month", Fixed, "First reported month", "S: the reports cover 2021 and 2022";
        months: u32 = 48, whole(1, 1200), "months", Fixed, "Reported months", "A: two years beyond the deadline";
        burn_in_months: u32 = 36, whole(0, 1200), "months", Fixed, "Months simulated without any rule before the start, so that loan books start full", "A";
    }
}

impl Calendar {
    /// Months of the burn-in and reported months.
    pub fn all_months(&self) -> u32 {
        self.burn_in_months + self.months
    }
}

section! {
    /// The borrowers.
    UsersSection = "users" {
        population: u64 = 1_000_000_000, whole(1, 10_000_000_000), "persons", Fixed, "Persons represented", "V: a billion users of Alipay a year";
        sample: u64 = 100_000, whole(1, 4_000_000_000), "persons", Fixed, "Simulated users, each standing for population / sample persons", "A: sampling error, see README";
        thin_file_share: f64 = 0.4, SHARE, "share", Fixed, "Persons with a thin credit file", "V: 460 m without formal credit history in 2019";
        thin_file_discount: f64 = 0.25, SHARE, "factor", Amendable, "Factor on a bank's own precision for a person with a thin file", "A";
        activity_loading: f64 = 0.5, number(0.0, 0.99), "correlation", Fixed, "Loading of platform memberships on the digital-activity factor", "A";
        outside_rate: f64 = 0.24, number(0.0, 10.0), "per year", Amendable, "Interest rate of a borrower's alternative outside the banks", "V: guidance of 24 %";
    }
}

section! {
    /// Loans: risk, price, demand.
    Credit = "credit" {
        pd_intercept: f64 = 2.1, number(-10.0, 10.0), "probit", Amendable, "Intercept alpha of the annual probability of default", "A: gives about 3 % a year, beside a published 2.63 % (V)";
        pd_slope: f64 = 0.9, number(0.0, 10.0), "probit", Amendable, "Slope beta of the annual probability of default on credit quality", "A";
        pd_per_loan: f64 = 0.25, number(-5.0, 5.0), "probit", Amendable, "Effect gamma of each other loan on the probability of default", "A";
        term_months: u32 = 12, whole(1, 120), "months", Fixed, "Term of a loan, which amortises linearly", "A";
        max_loans: u32 = 4, whole(1, MOST_LOANS as u64), "loans", Fixed, "Loans a person may have at a time", "A";
        tries: u32 = 2, whole(1, 20), "lenders", Amendable, "Distinct lenders a person asks before giving up", "A";
        lockout_months: u32 = 24, whole(0, 1200), "months", Amendable, "Months for which a defaulter can't apply", "A";
        lending_rate: f64 = 0.15, number(0.0, 10.0), "per year", Amendable, "Interest rate of loans", "R: 15-18 % at the largest platform";
        funding_cost: f64 = 0.115, number(0.0, 10.0), "per year", Amendable, "All-in cost of funding and operating a loan, commission included", "A: puts the average uninformed applicant just below break-even";
        loss_given_default: f64 = 0.65, SHARE, "share", Amendable, "Share of the balance lost when a borrower defaults", "A";
        loan_cny: f64 = 59_300.0, number(1.0, 1e9), "CNY", Amendable, "Principal of a loan", "D: gives the published stock of CNY 16.6 tn (V)";
        application_rate_monthly: f64 = 0.06, SHARE, "per month", Amendable, "Monthly hazard of applying, at the start of the calendar", "A";
        partnership_share: f64 = 0.373, SHARE, "share", Amendable, "Share of applications that come through a platform, at the start of the calendar", "D: a third of the stock is in partnership (R: 5.76 of 16.6 tn)";
        demand_growth_annual: f64 = 0.125, number(-0.9, 10.0), "per year", Amendable, "Growth of the hazard of applying", "D: makes all loans grow 12 % in 2021 (S)";
        partnership_growth_annual: f64 = 0.222, number(-0.9, 10.0), "per year", Amendable, "Growth of applications through platforms", "D: makes partnership loans grow 22 % in 2021 (S)";
        commission: f64 = 0.0274, number(0.0, 10.0), "per year of balance", Amendable, "What a bank pays the platform that brought a loan", "V: the largest platform's technology fee, 2.74 %";
        diversion: f64 = 0.4, SHARE, "share", Amendable, "Applicants of a suspended or departed platform who go to their home bank; the rest gives up", "A";
        reporting_demand_effect: f64 = -0.14, number(-1.0, 1.0), "share", Amendable, "Change of the hazard of applying of persons with a reported loan", "V: usage -14 % once reported to the registry (BIS 1239)";
        reporting_discipline: f64 = 0.15, number(-5.0, 5.0), "probit", Amendable, "Fall of the probability of default of persons with a reported loan", "A: direction V (BIS 1239)";
    }
}

section! {
    /// Prices of data.
    Fees = "fees" {
        agency_query: f64 = 24.0, FEE, "CNY per query", Amendable, "Fee of agencies that state none of their own", "A: several records a decision at 0.1-5 each (R); sweep it";
        direct_query: f64 = 6.0, FEE, "CNY per query", Amendable, "Fee of a platform that sells directly", "A: below the agencies', as lenders report (S)";
        revenue_share: f64 = 0.15, SHARE, "share", Amendable, "Share of fees that agencies without a share of their own pass on to platforms, by records used", "A";
        user_payment: f64 = 0.0, FEE, "CNY per record", Amendable, "Payment to a person for each record delivered", "A: none is reported";
    }
}

section! {
    /// What compliance costs platforms.
    Costs = "costs" {
        compliance_increase_max: f64 = 0.08, SHARE, "share of cost", Amendable, "Highest rise of a platform's cost when everything is delivered", "S: a university study reports up to 8 %";
        compliance_increase_shape: Shape = Shape::Beta(5.0, 2.0), Kind::Shape, "distribution", Fixed, "Distribution of platforms' cost increases, as shares of the maximum", "A: most near the upper end";
        cost_base: f64 = 0.6, SHARE, "share of commission", Amendable, "Operating cost of data and credit work", "A";
    }
}

section! {
    /// The rules in force.
    Rules = "rules" {
        direct_sale_ban: RuleMonth = RuleMonth::Never, Kind::MonthOrNever, "month", Amendable, "First month in which platforms must not sell data to banks directly", "none by default; V: direct connection was cut in 2021-07";
        order: RuleMonth = RuleMonth::Never, Kind::MonthOrNever, "month", Amendable, "Month from which platforms in loan partnerships are ordered to deliver", "none by default; S: the order is reported early in 2022";
        deadline: RuleMonth = RuleMonth::Never, Kind::MonthOrNever, "month", Amendable, "First month in which a shortfall is a violation", "none by default; S: December 2022";
        required_share: f64 = 1.0, SHARE, "share", Amendable, "Share of its records that a platform must deliver", "S: the order covers everything";
        deliver_to: DeliverTo = DeliverTo::All, Kind::DeliverTo, "agencies", Amendable, "Agencies to which platforms deliver: all, any one, or a list of ids", "S: two agencies are named";
        domains: Domains = Domains::ALL, Kind::Domains, "domains", Amendable, "Domains of data that agencies may use", "S: from shopping records to travel histories";
        consent: Consent = Consent::None, Kind::Choice(Consent::WORDS), "choice", Amendable, "Consent needed before a record is delivered or sold", "A: the order needs none";
        consent_share: f64 = 0.3, SHARE, "share", Amendable, "Share of persons who would consent, before breaches are known", "A: only a fraction approve (V, no rate found); 0.3 fits opt-in, 0.85 opt-out";
        lender_reporting: f64 = 0.0, SHARE, "share", Amendable, "Share of new loans that lenders report", "A: none under the order as reported";
        loan_records: LoanRecords = LoanRecords::Subscribers, Kind::Choice(LoanRecords::WORDS), "choice", Amendable, "Who sees reported loans", "A";
    }
}

section! {
    /// How the central bank enforces the rules.
    Supervision = "supervision" {
        audits_per_month: f64 = 2.0, number(0.0, 1e6), "audits per month", Amendable, "Audits of platforms", "A: oversight is thin (S); 8 is strict";
        bank_audits_per_month: f64 = 120.0, number(0.0, 1e9), "audits per month", Amendable, "Audits of banks", "A: about one bank in thirty a month; 750 is strict";
        audits_before_deadline: f64 = 0.25, SHARE, "share", Amendable, "Share of both numbers of audits that is carried out before the deadline", "A";
        detection: f64 = 0.5, SHARE, "probability", Amendable, "Probability that an audit of a violator finds the violation", "A";
        targeting: f64 = 0.7, SHARE, "share", Amendable, "From audits at random (0) to audits in proportion to what is reported missing (1)", "A";
        fine_rate: f64 = 0.2, number(0.0, 100.0), "share of annual reference revenue", Amendable, "Fine of a platform, scaled by its shortfall", "A: about 5 % of turnover, the highest under privacy law (V)";
        bank_fine_cny: f64 = 1_600_000.0, MONEY, "CNY", Amendable, "Fine of a bank of average size", "A";
        suspension_months: u32 = 3, whole(0, 1200), "months", Amendable, "Suspension from partnerships from the third finding of a shortfall on", "A";
        overstatement: f64 = 0.2, SHARE, "share", Amendable, "Share of its shortfall that a platform reports as delivered", "A";
        tolerance: f64 = 0.1, SHARE, "share", Amendable, "Shortfall up to which the central bank lets it pass", "A";
        audit_cost_cny: f64 = 200_000.0, MONEY, "CNY per audit", Amendable, "Cost of an audit", "A";
    }
}

section! {
    /// How platforms and banks decide.
    Behaviour = "behaviour" {
        mu_platforms: f64 = 0.02, WEIGHT, "share of reference revenue", Amendable, "Scale of platforms' tastes; 0 is exact maximisation", "A";
        mu_banks: f64 = 0.02, WEIGHT, "share of profit without data", Amendable, "Scale of banks' tastes; 0 is exact maximisation", "A";
        reluctance_platforms: f64 = 0.08, WEIGHT, "share of reference revenue", Amendable, "Weight of a platform's wish to wait until its peers comply", "A: some slow it down on purpose (S)";
        reluctance_banks: f64 = 0.06, WEIGHT, "share of profit without data", Amendable, "Weight of a bank's wish to wait until other banks give up direct data", "A: not until everyone else does (S)";
        review_rate: f64 = 0.25, SHARE, "per month", Amendable, "Probability that a platform or bank reviews its choices in a month", "A: once in four months";
        integration_rate: f64 = 0.25, SHARE, "share per month", Amendable, "Largest change of a delivered share in a month", "A: compliance takes time (S)";
        exclusivity: f64 = 0.06, WEIGHT, "share of reference revenue", Amendable, "Loss of what a platform's data no longer win alone", "A";
        neutrality: f64 = 0.25, WEIGHT, "share of reference revenue", Amendable, "Dislike of delivering where a rival owns more", "A: the rival's 25 % stake raises doubts (S)";
        own_stake: f64 = 0.15, WEIGHT, "share of reference revenue", Amendable, "Liking for delivering to an agency the platform owns a part of", "A";
        learn: f64 = 0.12, SHARE, "per month", Amendable, "Weight of a month's findings in beliefs about sanctions", "A";
        first_belief: f64 = 0.01, SHARE, "probability per month", Fixed, "Belief about being sanctioned before anything is seen", "A";
        deadline_discount: f64 = 0.8, SHARE, "factor per month", Amendable, "Discount delta of sanctions that start with the deadline", "A";
    }
}

section! {
    /// Breaches, consent and investment.
    Exposure = "exposure" {
        platform_breach_monthly: f64 = 0.002, SHARE, "per month", Amendable, "Hazard that a platform's store of records is breached", "A";
        bank_breach_monthly: f64 = 0.0005, SHARE, "per month", Amendable, "Hazard that a bank's copies are breached", "A";
        agency_breach_monthly: f64 = 0.002, SHARE, "per month", Amendable, "Hazard that an agency's store is breached", "A: a state database of a billion persons was claimed to be breached in 2022-07 (V)";
        retention_months: u32 = 24, whole(0, 1200), "months", Amendable, "Months after which bought copies lapse", "A";
        consent_fall: f64 = 0.5, SHARE, "share", Amendable, "Fall of consent once records of everybody are known to be breached", "A";
        data_growth_monthly: f64 = 0.001, number(0.0, 1.0), "per month", Amendable, "Growth of the precision of a platform's data at full investment", "A";
        investment_sensitivity: f64 = 1.0, WEIGHT, "per share of reference revenue", Amendable, "Fall of investment with compliance cost, fines and lost commission", "A";
        uncertainty: f64 = 0.1, SHARE, "share", Amendable, "Fall of investment while an announced deadline is unresolved", "A: investors reconsider until the rules are known (S)";
    }
}

section! {
    /// Files of starting data.
    Rosters = "rosters" {
        platforms: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of platforms", "seeds/platforms.csv";
        banks: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of bank classes", "seeds/banks.csv";
        agencies: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of agencies", "seeds/agencies.csv";
        stakes: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of stakes in agencies", "seeds/stakes.csv";
        targets: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of published figures for calibration.csv; may be absent", "seeds/targets.csv";
        replicate_seeds: Option<String> = None, Kind::Path, "file", Fixed, "CSV file of the seeds of replicates; may be absent, then a replicate's number is its seed", "seeds/replicate_seeds.csv";
    }
}

section! {
    /// A platform: a row of its roster, with what a scenario says of it.
    PlatformRow = "platforms" {
        name: String = String::new(), Kind::Text, "text", Fixed, "Name", "roster";
        reach: f64 = 0.0, SHARE, "share of population", Fixed, "Persons who are members", "roster";
        credit_weight: f64 = 0.0, number(1e-9, 1e9), "weight", Fixed, "Weight when a member borrows through one of its platforms; normalised over the roster", "roster";
        shopping: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its shopping records", "roster";
        payments: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its payment records", "roster";
        travel: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its travel records", "roster";
        local_services: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its records of local services", "roster";
        social: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its social records", "roster";
        finance: f64 = 0.0, PRECISION, "precision", Amendable, "Raw precision of its financial records", "roster";
        skill: f64 = 0.0, SHARE, "share", Amendable, "Share of raw precision that its own score keeps", "roster";
        waits_for: f64 = 0.0, SHARE, "share of peers", Amendable, "Share of peers that must have complied before it stops holding back", "roster";
        goodwill: f64 = 0.0, WEIGHT, "share of reference revenue", Amendable, "What the regulator's favour is worth to it", "roster";
        commission: Option<f64> = None, number(0.0, 10.0), "per year of balance", Amendable, "Its commission, where it differs from credit.commission", "credit.commission";
        cost_base: Option<f64> = None, SHARE, "share of commission", Amendable, "Its operating cost, where it differs from costs.cost_base", "costs.cost_base";
        direct_sale: DirectSale = DirectSale::AsRuled, Kind::Choice(DirectSale::WORDS), "choice", Amendable, "Whether it has a data business that could sell directly", "A: all have";
        deliver_to: Option<DeliverTo> = None, Kind::DeliverTo, "agencies", Amendable, "Its own agencies to deliver to, where they differ from rules.deliver_to", "rules.deliver_to";
    }
}

section! {
    /// A class of banks: a row of its roster.
    BankClassRow = "banks" {
        count: u32 = 1, whole(1, 60_000), "banks", Fixed, "Banks in the class", "roster";
        deposit_share: f64 = 0.0, SHARE, "share", Fixed, "Share of persons whose home bank is in the class", "roster";
        partnership_weight: f64 = 0.0, SHARE, "share", Fixed, "Share of partnership applications that the class receives", "roster";
        information_precision: f64 = 0.0, PRECISION, "precision", Amendable, "Own precision on a person with a thick file", "roster";
        waits_for: f64 = 0.0, SHARE, "share of banks", Amendable, "Share of other banks that must have given up direct data before it stops holding on", "roster";
    }
}

section! {
    /// A credit agency: a row of its roster.
    AgencyRow = "agencies" {
        name: String = String::new(), Kind::Text, "text", Fixed, "Name", "roster";
        operator: Operator = Operator::Licensed, Kind::Choice(Operator::WORDS), "choice", Fixed, "Who runs it", "roster";
        opens: Month = Month::new(2018, 1), Kind::Month, "month", Fixed, "First month in which it takes records and sells", "roster";
        capability: f64 = 0.0, SHARE, "share", Fixed, "Share of raw precision that its analysis keeps, at its opening", "roster";
        capability_ceiling: f64 = 0.0, SHARE, "share", Amendable, "Capability that it can learn to reach", "roster";
        capability_learning: f64 = 0.0, SHARE, "per month", Amendable, "Share of the gap to the ceiling closed in a month with queries", "roster";
        fee_query: Option<f64> = None, FEE, "CNY per query", Amendable, "Its fee, where it differs from fees.agency_query", "fees.agency_query";
        fee_rule: FeeRule = FeeRule::Fixed, Kind::Choice(FeeRule::WORDS), "choice", Amendable, "Whether its fee is fixed or at cost", "roster";
        unit_cost: f64 = 0.0, FEE, "CNY per query", Amendable, "Its cost of a query", "roster";
        fixed_cost: f64 = 0.0, MONEY, "CNY per month", Amendable, "Its cost of being open", "roster";
        revenue_share: Option<f64> = None, SHARE, "share", Amendable, "Share of its fees for platforms, where it differs from fees.revenue_share", "fees.revenue_share";
        payout: f64 = 0.0, SHARE, "share", Amendable, "Share of a month's profit paid to shareholders", "roster";
        regulator_appoints_management: f64 = 0.0, SHARE, "share", Amendable, "Extent to which the regulator, not the shareholders, appoints the management", "roster";
        records_loans: bool = false, Kind::Flag, "flag", Amendable, "Whether it records loans that lenders report", "roster";
    }
}

/// A stake in an agency.
#[derive(Clone, Debug, PartialEq)]
pub struct Stake {
    /// A platform's id, or `outside:NAME`.
    pub holder: String,
    /// Share of the agency, 0..1.
    pub stake: f64,
}

/// What a stake may be.
pub const STAKE: Kind = SHARE;

/// A row of a roster under its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<R> {
    /// Id: a short name of lower-case letters, digits, `_` and `-`.
    pub id: String,
    /// Its parameters.
    pub row: R,
}

/// An agency of the roster with its shareholders.
pub type Agency = (Entry<AgencyRow>, Vec<Stake>);

macro_rules! sections {
    ($($field:ident: $struct:ident = $section:literal),* $(,)?) => {
        /// All parameters of a scenario, as they stand in some month.
        #[derive(Clone, Debug, PartialEq, Default)]
        pub struct Parameters {
            $(#[doc = concat!("Section `", $section, "`.")] pub $field: $struct,)*
            /// Platforms, in the order of their roster.
            pub platforms: Vec<Entry<PlatformRow>>,
            /// Classes of banks, in the order of their roster.
            pub banks: Vec<Entry<BankClassRow>>,
            /// Agencies, in the order of their roster.
            pub agencies: Vec<Entry<AgencyRow>>,
            /// Shareholders of each agency, in the order of their roster.
            pub stakes: Vec<Vec<Stake>>,
        }

        impl Parameters {
            fn section_mut(&mut self, name: &str) -> Option<&mut dyn Section> {
                match name { $($section => Some(&mut self.$field as &mut dyn Section),)* _ => None }
            }

            fn section(&self, name: &str) -> Option<&dyn Section> {
                match name { $($section => Some(&self.$field as &dyn Section),)* _ => None }
            }
        }

        /// Every parameter of the plain sections, then of the rosters' rows, in the order of
        /// declaration.
        pub fn all_parameters() -> impl Iterator<Item = &'static Parameter> {
            [$($struct::parameters()),*, PlatformRow::parameters(), BankClassRow::parameters(), AgencyRow::parameters()]
                .into_iter()
                .flatten()
        }
    };
}

sections! {
    calendar: Calendar = "calendar",
    users: UsersSection = "users",
    credit: Credit = "credit",
    rosters: Rosters = "rosters",
    fees: Fees = "fees",
    costs: Costs = "costs",
    rules: Rules = "rules",
    supervision: Supervision = "supervision",
    behaviour: Behaviour = "behaviour",
    exposure: Exposure = "exposure",
}

/// The sections whose parameters belong to the rows of a roster.
pub const ROSTER_SECTIONS: [&str; 3] = ["platforms", "banks", "agencies"];

/// A parameter by a path whose form is known: `credit.tries`, `platforms.waits_for` (all platforms),
/// `platforms.ant.waits_for`, `agencies.pudao.stakes.jd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A parameter of a plain section.
    Plain {
        /// Section.
        section: String,
        /// Key.
        name: String,
    },
    /// A column of every row of a roster.
    Every {
        /// `platforms`, `banks` or `agencies`.
        section: String,
        /// Column.
        name: String,
    },
    /// A column of one row of a roster.
    One {
        /// `platforms`, `banks` or `agencies`.
        section: String,
        /// The row's id.
        id: String,
        /// Column.
        name: String,
    },
    /// A stake in an agency.
    Stake {
        /// The agency's id.
        agency: String,
        /// The holder.
        holder: String,
    },
}

impl Place {
    /// Splits a dotted path by its form, whether or not what it names exists. A holder of a stake
    /// may itself contain dots.
    pub fn of(path: &str) -> Option<Place> {
        let (section, rest) = path.split_once('.')?;
        if !ROSTER_SECTIONS.contains(&section) {
            return Some(Place::Plain { section: section.into(), name: rest.into() });
        }
        match rest.split_once('.') {
            None => Some(Place::Every { section: section.into(), name: rest.into() }),
            Some((id, name)) => match name.split_once('.') {
                Some(("stakes", holder)) if section == "agencies" => {
                    Some(Place::Stake { agency: id.into(), holder: holder.into() })
                }
                _ => Some(Place::One { section: section.into(), id: id.into(), name: name.into() }),
            },
        }
    }

    /// The declaration of the parameter here; `None` for stakes, whose kind is [`STAKE`], and for
    /// names that don't exist.
    pub fn parameter(&self) -> Option<&'static Parameter> {
        match self {
            Place::Plain { section, name }
            | Place::Every { section, name }
            | Place::One { section, name, .. } => {
                all_parameters().find(|parameter| parameter.section == section && parameter.name == name)
            }
            Place::Stake { .. } => None,
        }
    }
}

impl Parameters {
    /// Sets the parameter at `place`, which must exist, to `value`, which its kind must have allowed.
    /// A new holder's stake is added.
    pub fn set(&mut self, place: &Place, value: &Value) {
        match place {
            Place::Plain { section, name } => {
                self.section_mut(section)
                    .unwrap_or_else(|| panic!("section {section} was checked"))
                    .set(name, value);
            }
            Place::Every { section, name } => match section.as_str() {
                "platforms" => self.platforms.iter_mut().for_each(|entry| entry.row.set(name, value)),
                "banks" => self.banks.iter_mut().for_each(|entry| entry.row.set(name, value)),
                _ => self.agencies.iter_mut().for_each(|entry| entry.row.set(name, value)),
            },
            Place::One { section, id, name } => {
                match section.as_str() {
                    "platforms" => find_mut(&mut self.platforms, id).map(|row| row.set(name, value)),
                    "banks" => find_mut(&mut self.banks, id).map(|row| row.set(name, value)),
                    _ => find_mut(&mut self.agencies, id).map(|row| row.set(name, value)),
                }
                .unwrap_or_else(|| panic!("{section}.{id} was checked"));
            }
            Place::Stake { agency, holder } => {
                let index =
                    self.agencies.iter().position(|entry| entry.id == *agency).expect("checked agency");
                let stake = f64::from_value(value);
                match self.stakes[index].iter_mut().find(|held| held.holder == *holder) {
                    Some(held) => held.stake = stake,
                    None => self.stakes[index].push(Stake { holder: holder.clone(), stake }),
                }
            }
        }
    }

    /// The value at `place`; `None` where it is empty or nothing is there. For a column of every row
    /// there is a value only where all rows agree.
    pub fn get(&self, place: &Place) -> Option<Value> {
        match place {
            Place::Plain { section, name } => self.section(section)?.get(name),
            Place::Every { section, name } => {
                let values: Vec<Option<Value>> = match section.as_str() {
                    "platforms" => self.platforms.iter().map(|entry| entry.row.get(name)).collect(),
                    "banks" => self.banks.iter().map(|entry| entry.row.get(name)).collect(),
                    _ => self.agencies.iter().map(|entry| entry.row.get(name)).collect(),
                };
                let first = values.first()?.clone();
                values.iter().all(|value| *value == first).then_some(first)?
            }
            Place::One { section, id, name } => match section.as_str() {
                "platforms" => find(&self.platforms, id)?.get(name),
                "banks" => find(&self.banks, id)?.get(name),
                _ => find(&self.agencies, id)?.get(name),
            },
            Place::Stake { agency, holder } => {
                let index = self.agencies.iter().position(|entry| entry.id == *agency)?;
                let held = self.stakes[index].iter().find(|held| held.holder == *holder)?;
                Some(Value::Number(held.stake))
            }
        }
    }
}

fn find<'a, R>(entries: &'a [Entry<R>], id: &str) -> Option<&'a R> {
    entries.iter().find(|entry| entry.id == id).map(|entry| &entry.row)
}

fn find_mut<'a, R>(entries: &'a mut [Entry<R>], id: &str) -> Option<&'a mut R> {
    entries.iter_mut().find(|entry| entry.id == id).map(|entry| &mut entry.row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_parameter_is_described_once() {
        let mut seen = BTreeSet::new();
        for parameter in all_parameters() {
            let path = format!("{}.{}", parameter.section, parameter.name);
            assert!(seen.insert(path.clone()), "{path} stands twice");
            assert!(parameter.meaning.chars().next().unwrap().is_uppercase(), "{path}: meaning");
            assert!(!parameter.meaning.ends_with('.'), "{path}: meaning ends with a full stop");
            assert!(!parameter.unit.is_empty() && !parameter.source.is_empty(), "{path}: unit or source");
            if let Some(default) = (parameter.default)()
                && !ROSTER_SECTIONS.contains(&parameter.section)
            {
                assert_eq!(parameter.kind.check(&default), Ok(()), "{path}: default {default}");
                let marked = parameter.source.split_whitespace().next().unwrap();
                let marks = ["S:", "V:", "R:", "D:", "A:", "A", "none"];
                assert!(marks.contains(&marked), "{path}: source without a mark: {}", parameter.source);
            }
        }
    }

    #[test]
    fn paths_find_their_parameter() {
        let mut parameters = Parameters::default();
        let place = Place::of("fees.agency_query").unwrap();
        parameters.set(&place, &Value::Whole(3));
        assert_eq!(parameters.fees.agency_query, 3.0);
        assert_eq!(parameters.get(&place), Some(Value::Number(3.0)));
        assert!(Place::of("fees.nothing").unwrap().parameter().is_none());
        assert!(Place::of("fees").is_none());

        for id in ["a", "b"] {
            parameters.platforms.push(Entry { id: id.into(), row: PlatformRow::default() });
        }
        parameters.set(&Place::of("platforms.waits_for").unwrap(), &Value::Number(0.5));
        parameters.set(&Place::of("platforms.b.waits_for").unwrap(), &Value::Number(0.7));
        assert_eq!(parameters.platforms[0].row.waits_for, 0.5);
        assert_eq!(parameters.platforms[1].row.waits_for, 0.7);
        assert_eq!(parameters.get(&Place::of("platforms.waits_for").unwrap()), None, "they differ");

        parameters.agencies.push(Entry { id: "x".into(), row: AgencyRow::default() });
        parameters.stakes.push(Vec::new());
        let stake = Place::of("agencies.x.stakes.outside:A. B. Ltd").unwrap();
        parameters.set(&stake, &Value::Number(0.2));
        assert_eq!(parameters.stakes[0], [Stake { holder: "outside:A. B. Ltd".into(), stake: 0.2 }]);
        assert_eq!(parameters.get(&stake), Some(Value::Number(0.2)));
    }
}
