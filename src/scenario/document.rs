//! One scenario file as it is written: its text, its keys with their lines, nothing checked beyond
//! the form that TOML itself asks for.

use super::problem::{Collector, Origin, Problem};
use super::value::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Files larger than this are refused, in bytes.
const LARGEST_FILE: u64 = 16 << 20;
/// Of a file that is something else altogether, no more lines than these are told.
const MOST_FAULTY_LINES: usize = 20;

/// The text of an input file, without the byte-order mark that spreadsheets write.
///
/// # Errors
/// A problem told at `named`, where the file is named; or in the file, where its content is at fault.
pub fn read_text(file: &Path, named: &Origin, key: &str) -> Result<String, Problem> {
    let refuse = |what: String| {
        let problem = named.problem(key, what);
        if key.is_empty() { problem } else { problem.given(Value::Text(file.display().to_string())) }
    };
    let attributes = std::fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refuse("no such file".into()).hint(nearest_file(file)),
        _ => refuse(format!("can't be read: {error}")),
    })?;
    if attributes.is_dir() {
        return Err(refuse("this is a folder, not a file".into()).hint(nearest_file(&file.join("x"))));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| refuse(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(refuse("the file is larger than 16 MiB".into()));
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(file, &error))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_string).unwrap_or(text))
}

fn not_utf8(file: &Path, error: &std::string::FromUtf8Error) -> Problem {
    let offset = error.utf8_error().valid_up_to();
    let line = 1 + error.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count();
    Origin::line(file, line)
        .problem("", format!("the file is not UTF-8 text: byte {offset} does not belong to any character"))
        .hint("save the file as UTF-8 (in a spreadsheet: \"CSV UTF-8\")")
}

/// The file of the same folder whose name is nearest to that of `file`.
fn nearest_file(file: &Path) -> String {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return format!("there is no folder {}", folder.display());
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let wanted = file.file_name().and_then(|name| name.to_str()).unwrap_or("");
    // Stems, since a dot would make the ending look like a key that all names share.
    let stem = |name: &str| name.split('.').next().unwrap_or("").to_string();
    let stems: Vec<String> = names.iter().map(|name| stem(name)).collect();
    match super::value::nearest(&stem(wanted), stems.iter().map(String::as_str)) {
        Some(place) => format!("did you mean {}?", folder.join(&names[place]).display()),
        None => String::new(),
    }
}

/// Starts of lines, to find the line of a byte.
pub struct Lines(Vec<usize>);

impl Lines {
    /// Of a text.
    pub fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// What stands in a line, without blanks around it.
    fn text<'a>(&self, text: &'a str, line: usize) -> &'a str {
        let start = if line < 2 { 0 } else { self.0[line - 2] + 1 };
        let end = self.0.get(line - 1).copied().unwrap_or(text.len());
        text[start..end].trim()
    }

    /// The line of the byte at `offset`, counted from 1.
    pub fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|line_break| *line_break < offset)
    }
}

/// A value of a key, at its full path.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Dotted path.
    pub path: String,
    /// Value.
    pub value: Value,
    /// Where it is written.
    pub origin: Origin,
}

/// A key with what stands under it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Key.
    pub key: String,
    /// What stands under it.
    pub node: Node,
    /// Where it is written.
    pub origin: Origin,
}

/// What stands under a key.
#[derive(Clone, Debug)]
pub enum Node {
    /// A value.
    Value(Value),
    /// A table.
    Table(Vec<Item>),
    /// A list of tables, each with the place where it begins.
    Tables(Vec<(Origin, Vec<Item>)>),
}

/// What an empty table is as a value.
pub const EMPTY_TABLE: &str = "{}";

impl Node {
    /// The node as a value: tables are no parameter's value.
    pub fn value(&self) -> Value {
        match self {
            Node::Value(value) => value.clone(),
            Node::Table(items) if items.is_empty() => Value::Other(EMPTY_TABLE.into()),
            Node::Table(_) => Value::Other("{...}".into()),
            Node::Tables(_) => Value::Other("[{...}]".into()),
        }
    }
}

impl Item {
    /// Collects the values below this key, which stands at `path`, with their full paths.
    pub fn settings(&self, path: &str, found: &mut Vec<Setting>) {
        match &self.node {
            Node::Table(items) if !items.is_empty() => {
                items.iter().for_each(|item| item.settings(&format!("{path}.{}", item.key), found));
            }
            node => found.push(Setting {
                path: path.to_string(),
                value: node.value(),
                origin: self.origin.clone(),
            }),
        }
    }
}

/// The keys at the top level of a TOML text. What can't be parsed is told, and the rest is kept.
pub fn parse(file: &Path, text: &str, problems: &mut Collector) -> Vec<Item> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faulty: BTreeMap<usize, String> = BTreeMap::new();
    for error in errors {
        let line = lines.at(error.span().map_or(0, |span| span.start));
        faulty.entry(line).or_insert_with(|| error.message().to_string());
    }
    let more = faulty.len().saturating_sub(MOST_FAULTY_LINES);
    for (i, (line, message)) in faulty.iter().enumerate() {
        if i < MOST_FAULTY_LINES {
            let problem = not_toml(Origin::line(file, *line), lines.text(text, *line), message);
            let last = i + 1 == MOST_FAULTY_LINES && more > 0;
            problems.push(if last {
                problem.hint(format!("{more} more lines are not TOML"))
            } else {
                problem
            });
        }
    }
    problems.unparsed(file, faulty.keys().copied());
    let origin = |offset: usize| Origin::line(file, lines.at(offset));
    items_of(table.get_ref(), &origin)
}

fn items_of(table: &DeTable<'_>, origin: &impl Fn(usize) -> Origin) -> Vec<Item> {
    let item = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| Item {
        key: key.get_ref().to_string(),
        node: node_of(value.get_ref(), origin),
        origin: origin(key.span().start),
    };
    table.iter().map(item).collect()
}

fn node_of(value: &DeValue<'_>, origin: &impl Fn(usize) -> Origin) -> Node {
    match value {
        DeValue::Table(table) => Node::Table(items_of(table, origin)),
        DeValue::Array(items) if !items.is_empty() && items.iter().all(|item| item.get_ref().is_table()) => {
            let tables = items.iter().filter_map(|item| {
                Some((origin(item.span().start), items_of(item.get_ref().as_table()?, origin)))
            });
            Node::Tables(tables.collect())
        }
        value => Node::Value(to_value(value)),
    }
}

fn not_toml(origin: Origin, written: &str, message: &str) -> Problem {
    let hint = if message.contains("invalid date") {
        "a month is written in quotes: \"2022-12\""
    } else if message.starts_with("duplicate key") {
        "a key or section stands once in a file"
    } else {
        ""
    };
    let problem = origin.problem("", format!("not TOML: {message}")).hint(hint);
    if written.is_empty() { problem } else { problem.given(written) }
}

/// The value that a TOML value stands for.
fn to_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Number(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::Number(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(moment) => Value::Other(moment.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| to_value(item.get_ref())).collect()),
        DeValue::Table(_) => Value::Other("{...}".into()),
    }
}

/// The value that `--set` gives: a TOML value, else the text itself.
pub fn parse_value(text: &str) -> Value {
    match DeValue::parse(text.trim()) {
        Ok(value) => to_value(value.get_ref()),
        Err(_) => Value::Text(text.trim().to_string()),
    }
}

/// `file` as seen from the folder of the file `from`.
pub fn beside(from: &Path, file: &str) -> PathBuf {
    from.parent().unwrap_or(Path::new("")).join(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::of("a\nb\r\n\nc");
        assert_eq!([0, 1, 2, 4, 5, 6].map(|offset| lines.at(offset)), [1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn options_take_toml_values_or_bare_words() {
        assert_eq!(parse_value("1_000"), Value::Whole(1000));
        assert_eq!(parse_value("never"), Value::Text("never".into()));
        assert_eq!(parse_value("2022-12"), Value::Text("2022-12".into()));
        assert_eq!(parse_value("[\"a\"]"), Value::List(vec![Value::Text("a".into())]));
        assert_eq!(parse_value("99999999999999999999"), Value::Number(1e20));
    }

    #[test]
    fn each_faulty_line_is_told_once_and_the_rest_is_kept() {
        let text = "a = \"x\nb = 2\nc = = 3\n[d]\ne = 2022-12\n";
        let mut problems = Collector::default();
        let items = parse(Path::new("f.toml"), text, &mut problems);
        assert!(items.iter().any(|item| item.key == "b"));
        problems.push(Origin::line("f.toml", 3).problem("c", "told already"));
        let problems = problems.finish().0;
        assert_eq!(problems.iter().map(|p| p.line.unwrap()).collect::<Vec<_>>(), [1, 3, 5]);
        assert!(problems[2].hint.contains("in quotes"));
    }
}
