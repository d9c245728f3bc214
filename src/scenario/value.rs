//! Values as they are written in scenario files and rosters, and what a parameter allows.

use crate::units::{Month, RuleMonth};
use std::fmt;

/// A value as a scenario file, a roster cell or `--set` gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction, or one of TOML's `nan` and `inf` (which nothing allows).
    Number(f64),
    /// Text in quotes.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// What no parameter takes (a table, a date with a day, a time), as it was written.
    Other(String),
}

/// Prints the value as TOML would write it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Whole(number) => write!(f, "{number}"),
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                write!(f, "{number:.1}")
            }
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Value::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Other(text) => f.write_str(text),
        }
    }
}

/// A value as TOML has it.
pub fn to_toml(value: &Value) -> toml::Value {
    match value {
        Value::Flag(flag) => (*flag).into(),
        Value::Whole(number) => (*number).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) | Value::Other(text) => text.clone().into(),
        Value::List(items) => items.iter().map(to_toml).collect::<Vec<_>>().into(),
    }
}

/// The value that TOML has.
pub fn from_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::Boolean(flag) => Value::Flag(*flag),
        toml::Value::Integer(number) => Value::Whole(*number),
        toml::Value::Float(number) => Value::Number(*number),
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Array(items) => Value::List(items.iter().map(from_toml).collect()),
        other => Value::Other(other.to_string()),
    }
}

/// What a parameter takes: its type and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number from `low` to `high`, both allowed.
    Number {
        /// Lowest value allowed.
        low: f64,
        /// Highest value allowed.
        high: f64,
    },
    /// A whole number from `low` to `high`, both allowed.
    Whole {
        /// Lowest value allowed.
        low: u64,
        /// Highest value allowed.
        high: u64,
    },
    /// `true` or `false`.
    Flag,
    /// A month `YYYY-MM`.
    Month,
    /// A month `YYYY-MM` or `never`.
    MonthOrNever,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `all`, `any`, or a list of agencies' ids.
    DeliverTo,
    /// A list of data domains, each at most once.
    Domains,
    /// `beta:A:B` with positive A and B, or `uniform`.
    Shape,
    /// Text that no spreadsheet would take for a formula.
    Text,
    /// The path of a file, relative to the file that names it.
    Path,
}

/// The domains of data, in the order of roster columns.
pub const DOMAINS: [&str; 6] = ["shopping", "payments", "travel", "local_services", "social", "finance"];

/// The highest fee allowed, CNY per query.
pub const HIGHEST_FEE: f64 = 1e9;

impl Kind {
    /// The type in one word, as `mandate parameters` lists it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Number { .. } => "number",
            Kind::Whole { .. } => "integer",
            Kind::Flag => "boolean",
            Kind::Month => "month",
            Kind::MonthOrNever => "month or never",
            Kind::Choice(_) => "choice",
            Kind::DeliverTo => "choice or list",
            Kind::Domains => "list",
            Kind::Shape | Kind::Text => "text",
            Kind::Path => "path",
        }
    }

    /// What is allowed, in words that follow "allowed: ".
    pub fn allowed(&self) -> String {
        match self {
            Kind::Number { low, high } => {
                format!("a number from {} to {}", plain_number(*low), plain_number(*high))
            }
            Kind::Whole { low, high } => {
                format!("a whole number from {} to {}", plain_number(*low as f64), plain_number(*high as f64))
            }
            Kind::Flag => "true or false".into(),
            Kind::Month => "a month \"YYYY-MM\"".into(),
            Kind::MonthOrNever => "a month \"YYYY-MM\" or \"never\"".into(),
            Kind::Choice(words) => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
            }
            Kind::DeliverTo => "\"all\", \"any\", or a list of agencies' ids".into(),
            Kind::Domains => format!("a list of domains, each once, out of {}", DOMAINS.join(", ")),
            Kind::Shape => "\"beta:A:B\" with A and B from 0.01 to 1000, or \"uniform\"".into(),
            Kind::Text => {
                "text that starts with none of = + - @, tab or line break, nor has a formula right behind , ; | or tab"
                    .into()
            },
            Kind::Path => "the path of a file, in quotes".into(),
        }
    }

    /// Whether `value` is allowed; if not, a hint that goes beyond [`Kind::allowed`], or nothing.
    ///
    /// # Errors
    /// The hint, possibly empty, where the value has the wrong type or is out of range.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let no_hint = || Err(String::new());
        match (self, value) {
            (Kind::Number { low, high }, Value::Whole(_) | Value::Number(_)) => {
                let number = number(value);
                if *low <= number && number <= *high {
                    Ok(())
                } else if *high <= 1.0 && number > 1.0 && number <= 100.0 {
                    Err("did you give a percentage? 8 % is 0.08".into())
                } else {
                    no_hint()
                }
            }
            (Kind::Whole { low, high }, Value::Whole(_) | Value::Number(_)) => {
                let number = number(value);
                if number.fract() == 0.0 && *low as f64 <= number && number <= *high as f64 {
                    Ok(())
                } else {
                    no_hint()
                }
            }
            (Kind::Number { .. } | Kind::Whole { .. }, Value::Text(text)) => {
                match text.trim().parse::<f64>() {
                    Ok(_) => Err("numbers are written without quotes".into()),
                    Err(_) => no_hint(),
                }
            }
            (Kind::Flag, Value::Flag(_)) => Ok(()),
            (Kind::Month, Value::Text(text)) => month(text).map(|_| ()),
            (Kind::MonthOrNever, Value::Text(text)) if text == "never" => Ok(()),
            (Kind::MonthOrNever, Value::Text(text)) => month(text).map(|_| ()),
            (Kind::Month | Kind::MonthOrNever, Value::Other(_)) => {
                Err("a month is written in quotes, without a day".into())
            }
            (Kind::Choice(words), Value::Text(text)) => {
                if words.contains(&text.as_str()) {
                    Ok(())
                } else {
                    Err(nearest_hint(text, words.iter().copied()))
                }
            }
            (Kind::DeliverTo, Value::Text(text)) => {
                if text == "all" || text == "any" {
                    Ok(())
                } else if text.starts_with('[') {
                    Err("ids in a list stand in quotes: [\"pudao\"]".into())
                } else {
                    Err(format!("ids stand in a list: [\"{text}\"]"))
                }
            }
            (Kind::DeliverTo, Value::List(ids)) => {
                if ids.is_empty() {
                    return Err(
                        "the list names no agency; without an order, set rules.order = \"never\"".into()
                    );
                }
                if distinct_texts(ids).is_some() { Ok(()) } else { no_hint() }
            }
            (Kind::Domains, Value::List(names)) => match distinct_texts(names) {
                Some(names) => match names.iter().find(|name| !DOMAINS.contains(name)) {
                    None => Ok(()),
                    Some(unknown) => Err(nearest_hint(unknown, DOMAINS.into_iter())),
                },
                None => no_hint(),
            },
            (Kind::Shape, Value::Text(text)) => {
                if shape(text).is_some() {
                    Ok(())
                } else {
                    no_hint()
                }
            }
            (Kind::Text, Value::Text(text)) => {
                if starts_formula(text) || hides_formula(text) {
                    no_hint()
                } else {
                    Ok(())
                }
            }
            (Kind::Path, Value::Text(text)) => {
                if text.is_empty() {
                    no_hint()
                } else {
                    Ok(())
                }
            }
            _ => no_hint(),
        }
    }
}

fn month(text: &str) -> Result<Month, String> {
    text.parse::<Month>().map_err(|_| {
        if text.len() == 7 && text.as_bytes()[4] == b'-' {
            "no such month: months run from 01 to 12".into()
        } else {
            String::new()
        }
    })
}

fn distinct_texts(items: &[Value]) -> Option<Vec<&str>> {
    let mut texts: Vec<&str> = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Text(text) if !texts.contains(&text.as_str()) => texts.push(text),
            _ => return None,
        }
    }
    Some(texts)
}

/// A number as a person writes it: `1,000,000` rather than `1e6`, but `1e18` beyond 10^15.
fn plain_number(number: f64) -> String {
    if number.fract() != 0.0 || number.abs() < 10_000.0 || number.abs() > 1e15 {
        return format!("{number}");
    }
    let digits = format!("{:.0}", number.abs());
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0.0 { format!("-{grouped}") } else { grouped }
}

/// Whether a spreadsheet would read a cell with this text as a formula.
pub fn starts_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// Whether part of this text would be a cell with a formula where a spreadsheet divides lines at another
/// sign than the file does, as one does that expects semicolons.
pub fn hides_formula(text: &str) -> bool {
    text.split([',', ';', '|', '\t']).skip(1).any(|part| starts_formula(part) && part.parse::<f64>().is_err())
}

/// Whether a character shows nothing and changes how what follows is shown: it controls a terminal, ends a
/// line or turns the direction of writing.
pub fn is_invisible_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// "did you mean ...?" with the name nearest to `wrong`, or nothing when none is near.
pub fn nearest_hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match nearest(wrong, names.iter().copied()) {
        Some(place) => format!("did you mean {}?", names[place]),
        None => String::new(),
    }
}

/// No name is longer than this, in bytes; nothing that is resembles one.
const LONGEST_NAME: usize = 200;

/// The place of the name nearest to `wrong`, if any is near.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<usize> {
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_string();
    let likeness = |name: &str| {
        let whole = strsim::jaro_winkler(wrong, name);
        // A right key in a wrong section is nearer than its whole path looks.
        whole.max(0.95 * strsim::jaro_winkler(&last(wrong), &last(name)))
    };
    let names = names.enumerate().map(|(place, name)| (likeness(name), place));
    let best = names.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    best.filter(|(likeness, _)| *likeness >= 0.75).map(|(_, place)| place)
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Whole(number) => *number as f64,
        Value::Number(number) => *number,
        other => panic!("{other} was checked to be a number"),
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        other => panic!("{other} was checked to be text"),
    }
}

/// A type of parameter: how a value that its [`Kind`] allows becomes a field, and back.
pub trait FromValue: Sized {
    /// The field for `value`, which has passed [`Kind::check`].
    fn from_value(value: &Value) -> Self;
    /// The value for the field; `None` where the field is empty.
    fn to_value(&self) -> Option<Value>;
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> f64 {
        // Adding 0 turns a negative zero into a zero.
        number(value) + 0.0
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Number(*self))
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> u32 {
        number(value) as u32
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Whole(i64::from(*self)))
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> u64 {
        number(value) as u64
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Whole(*self as i64))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> bool {
        matches!(value, Value::Flag(true))
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Flag(*self))
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> String {
        text(value).to_string()
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }
}

impl FromValue for Month {
    fn from_value(value: &Value) -> Month {
        text(value).parse().expect("checked to be a month")
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.to_string()))
    }
}

impl FromValue for RuleMonth {
    fn from_value(value: &Value) -> RuleMonth {
        text(value).parse().map_or(RuleMonth::Never, RuleMonth::From)
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.to_string()))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<T> {
        Some(T::from_value(value))
    }
    fn to_value(&self) -> Option<Value> {
        self.as_ref().and_then(T::to_value)
    }
}

/// Makes an enum of a few words that a scenario file chooses from.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The words of a scenario file, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of a scenario file.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl FromValue for $name {
            fn from_value(value: &Value) -> $name {
                match text(value) { $($word => $name::$variant,)+ other => panic!("{other} was checked") }
            }
            fn to_value(&self) -> Option<Value> {
                Some(Value::Text(self.word().to_string()))
            }
        }
    };
}

choice! {
    /// Whether a person's consent is needed before a record is delivered or sold.
    Consent {
        /// No consent is needed.
        None = "none",
        /// Records flow unless the person objects.
        OptOut = "opt-out",
        /// Records flow only if the person agrees.
        OptIn = "opt-in",
    }
}

choice! {
    /// Who sees loans that are reported.
    LoanRecords {
        /// Nobody but the lender.
        None = "none",
        /// Banks that source from an agency that records loans.
        Subscribers = "subscribers",
        /// Every lender.
        All = "all",
    }
}

choice! {
    /// Whether a platform's own rule on direct sale follows the general one.
    DirectSale {
        /// As `rules.direct_sale_ban` has it; the platform may break it.
        AsRuled = "as_ruled",
        /// The platform has no data business that could sell.
        Never = "never",
    }
}

choice! {
    /// How an agency's fee is set.
    FeeRule {
        /// `fee_query`, or `fees.agency_query` where that is empty.
        Fixed = "fixed",
        /// Unit cost + fixed cost / mean monthly queries.
        AtCost = "at_cost",
    }
}

choice! {
    /// Who runs an agency.
    Operator {
        /// The central bank or another arm of the state.
        State = "state",
        /// A licensed company.
        Licensed = "licensed",
        /// A joint venture.
        JointVenture = "joint_venture",
    }
}

/// To which agencies a platform has to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliverTo {
    /// To every open agency.
    All,
    /// To one open agency of its choice.
    Any,
    /// To the agencies with these ids, once open.
    List(Vec<String>),
}

impl FromValue for DeliverTo {
    fn from_value(value: &Value) -> DeliverTo {
        match value {
            Value::List(ids) => DeliverTo::List(ids.iter().map(|id| text(id).to_string()).collect()),
            word if text(word) == "any" => DeliverTo::Any,
            _ => DeliverTo::All,
        }
    }
    fn to_value(&self) -> Option<Value> {
        Some(match self {
            DeliverTo::All => Value::Text("all".into()),
            DeliverTo::Any => Value::Text("any".into()),
            DeliverTo::List(ids) => Value::List(ids.iter().cloned().map(Value::Text).collect()),
        })
    }
}

/// A set of data domains: bit d stands for `DOMAINS[d]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domains(pub u8);

impl Domains {
    /// Every domain.
    pub const ALL: Domains = Domains(0b11_1111);

    /// Whether the set has the domain `DOMAINS[domain]`.
    pub fn contains(self, domain: usize) -> bool {
        self.0 >> domain & 1 == 1
    }
}

impl FromValue for Domains {
    fn from_value(value: &Value) -> Domains {
        let Value::List(names) = value else { panic!("{value} was checked to be a list") };
        let bit = |name: &Value| DOMAINS.iter().position(|domain| *domain == text(name)).expect("checked");
        Domains(names.iter().fold(0, |set, name| set | 1 << bit(name)))
    }
    fn to_value(&self) -> Option<Value> {
        let names = (0..DOMAINS.len()).filter(|d| self.contains(*d)).map(|d| Value::Text(DOMAINS[d].into()));
        Some(Value::List(names.collect()))
    }
}

/// The distribution of platforms' cost increases on 0..1, before the maximum scales it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Beta(a, b).
    Beta(f64, f64),
    /// Uniform.
    Uniform,
}

fn shape(text: &str) -> Option<Shape> {
    if text == "uniform" {
        return Some(Shape::Uniform);
    }
    let mut parts = text.strip_prefix("beta:")?.split(':').map(|part| part.parse::<f64>().ok());
    match (parts.next()??, parts.next()??, parts.next()) {
        (a, b, None) if (0.01..=1000.0).contains(&a) && (0.01..=1000.0).contains(&b) => {
            Some(Shape::Beta(a, b))
        }
        _ => None,
    }
}

impl FromValue for Shape {
    fn from_value(value: &Value) -> Shape {
        shape(text(value)).expect("checked to be a shape")
    }
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(match self {
            Shape::Beta(a, b) => format!("beta:{a}:{b}"),
            Shape::Uniform => "uniform".into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked_by_range_and_a_percentage_is_guessed() {
        let share = Kind::Number { low: 0.0, high: 1.0 };
        assert_eq!(share.check(&Value::Number(0.08)), Ok(()));
        assert_eq!(share.check(&Value::Whole(1)), Ok(()), "a whole number where a fraction is meant");
        assert!(share.check(&Value::Whole(8)).unwrap_err().contains("percentage"));
        assert!(share.check(&Value::Text("0.5".into())).unwrap_err().contains("without quotes"));
        for bad in [f64::NAN, f64::INFINITY, -0.1] {
            assert!(share.check(&Value::Number(bad)).is_err(), "{bad}");
        }
        let whole = Kind::Whole { low: 1, high: 1_000_000 };
        assert_eq!(whole.check(&Value::Number(1e6)), Ok(()));
        assert!(whole.check(&Value::Number(1.5)).is_err());
        assert_eq!(whole.allowed(), "a whole number from 1 to 1,000,000");
    }

    #[test]
    fn months_that_do_not_exist_are_told() {
        assert!(Kind::Month.check(&Value::Text("2022-13".into())).unwrap_err().contains("no such month"));
        assert!(Kind::Month.check(&Value::Text("never".into())).is_err());
        assert_eq!(Kind::MonthOrNever.check(&Value::Text("never".into())), Ok(()));
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_near() {
        let names = ["fees.agency_query", "fees.direct_query", "supervision.detection"];
        assert_eq!(nearest_hint("fees.agency_qurey", names.into_iter()), "did you mean fees.agency_query?");
        assert_eq!(nearest_hint("rules.detection", names.into_iter()), "did you mean supervision.detection?");
        assert_eq!(nearest_hint("zzz", names.into_iter()), "");
    }

    #[test]
    fn values_come_back_as_they_went_in() {
        let domains = Value::List(vec![Value::Text("travel".into()), Value::Text("finance".into())]);
        assert_eq!(Domains::from_value(&domains).to_value(), Some(domains));
        let shape = Value::Text("beta:5:2".into());
        assert_eq!(Shape::from_value(&shape).to_value(), Some(shape));
        assert!(Kind::Shape.check(&Value::Text("beta:0:2".into())).is_err());
        let ids = Value::List(vec![Value::Text("pudao".into())]);
        assert_eq!(DeliverTo::from_value(&ids).to_value(), Some(ids));
        assert_eq!(Value::Number(24.0).to_string(), "24.0");
        assert_eq!(Value::Text("a\"b".into()).to_string(), "'a\"b'");
        assert_eq!(f64::from_value(&Value::Number(-0.0)).to_bits(), 0);
    }
}
