//! What is wrong with an input: collected over all files, told together.

use super::value::{Kind, Value, is_invisible_control, nearest_hint};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// Where something is written: a file and a line, or an option of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, or the option's name.
    pub file: PathBuf,
    /// Line, counted from 1; none for an option or for a file as a whole.
    pub line: Option<usize>,
}

impl Origin {
    /// The file as a whole, or an option.
    pub fn whole(file: impl AsRef<Path>) -> Origin {
        Origin { file: shown(file.as_ref()), line: None }
    }

    /// A line of a file.
    pub fn line(file: impl AsRef<Path>, line: usize) -> Origin {
        Origin { file: shown(file.as_ref()), line: Some(line) }
    }

    /// A problem with `key`, written here.
    pub fn problem(&self, key: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem {
            file: self.file.clone(),
            line: self.line,
            key: key.into(),
            value: None,
            what: what.into(),
            allowed: String::new(),
            hint: String::new(),
        }
    }
}

/// A path without the detours `x/..` and `./`, which rosters named relative to a file would show.
fn shown(path: &Path) -> PathBuf {
    let mut parts: Vec<Component> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File, or the option of the command line (`--set`).
    pub file: PathBuf,
    /// Line, counted from 1; none for options and for a file as a whole.
    pub line: Option<usize>,
    /// Full dotted path of the key, or column and row of a roster; empty for a file as a whole.
    pub key: String,
    /// Value as it was given.
    pub value: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What is allowed; empty where that goes without saying.
    pub allowed: String,
    /// Nearest valid name or another way out; may be empty.
    pub hint: String,
}

impl Problem {
    /// Adds the value given.
    pub fn given(mut self, value: impl fmt::Display) -> Problem {
        self.value = Some(value.to_string());
        self
    }

    /// Adds what is allowed.
    pub fn allowed(mut self, allowed: impl Into<String>) -> Problem {
        self.allowed = allowed.into();
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = hint.into();
        self
    }

    /// Two to four lines of text: place, key and value; what is wrong; what is allowed; a hint.
    pub fn render(&self, color: bool) -> String {
        let paint = |code: &str, text: &str| {
            if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
        };
        let mut place = plain(&self.file.display().to_string());
        if let Some(line) = self.line {
            place.push_str(&format!(":{line}"));
        }
        let mut text = format!("{}:", paint("1", &place));
        let key = shortened(&self.key);
        match (&self.value, key.is_empty()) {
            (Some(value), true) => text.push_str(&format!(" {}", shortened(value))),
            (Some(value), false) => text.push_str(&format!(" {} = {}", paint("1", &key), shortened(value))),
            (None, true) => {}
            (None, false) => text.push_str(&format!(" {}", paint("1", &key))),
        }
        text.push_str(&format!("\n  {}", paint("31", &plain(&self.what))));
        if !self.allowed.is_empty() {
            text.push_str(&format!("\n  {} {}", paint("32", "allowed:"), plain(&self.allowed)));
        }
        if !self.hint.is_empty() {
            text.push_str(&format!("\n  {} {}", paint("36", "hint:"), plain(&self.hint)));
        }
        text
    }
}

/// Text with control characters spelled out, since it comes from files and goes to a terminal.
fn plain(text: &str) -> String {
    let spelled =
        |c: char| if is_invisible_control(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(spelled).collect()
}

fn shortened(value: &str) -> String {
    const LONGEST: usize = 100;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", plain(&value[..end])),
        None => plain(value),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Everything that is wrong with an input, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// All problems as text, with or without terminal colours.
    pub fn render(&self, color: bool) -> String {
        self.0.iter().map(|problem| problem.render(color)).collect::<Vec<_>>().join("\n")
    }

    /// Adds the problems of another input, but for those already told (of a base that both extend).
    pub fn extend(&mut self, others: Problems) {
        for problem in others.0 {
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

/// Where so many problems were found, those who read files stop looking for more.
const MOST_PROBLEMS: usize = 1_000;

/// Collects problems while files are read.
#[derive(Debug, Default)]
pub struct Collector {
    files: Vec<PathBuf>,
    problems: Vec<Problem>,
    unparsed: HashMap<PathBuf, HashSet<usize>>,
}

impl Collector {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        let unparsed = self.unparsed.get(&problem.file);
        if !unparsed.is_some_and(|lines| problem.line.is_some_and(|line| lines.contains(&line))) {
            self.problems.push(problem);
        }
    }

    /// Notes lines that could not be parsed. Nothing more is told of them.
    pub fn unparsed(&mut self, file: &Path, lines: impl Iterator<Item = usize>) {
        self.unparsed.entry(shown(file)).or_default().extend(lines);
    }

    /// Whether a line of the file could not be parsed.
    pub fn is_unparsed(&self, file: &Path) -> bool {
        self.unparsed.get(&shown(file)).is_some_and(|lines| !lines.is_empty())
    }

    /// Notes that `file` is read now: its problems come after those of the files before it.
    pub fn reads(&mut self, file: &Path) {
        self.files.push(shown(file));
    }

    /// Whether so much is wrong that reading on helps nobody.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    /// Problems so far.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Whether there is none so far.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All problems, in the order of files read and of lines; those of options last.
    pub fn finish(mut self) -> Problems {
        let rank = |problem: &Problem| {
            let file = self.files.iter().position(|file| *file == problem.file);
            (file.unwrap_or(usize::MAX), problem.line)
        };
        let full = self.is_full();
        self.problems.sort_by_key(rank);
        if full && let Some(last) = self.problems.last() {
            let what = format!("there are {MOST_PROBLEMS} problems or more: no more of them are told");
            let problem = Origin::whole(&last.file).problem("", what);
            self.problems.push(problem.hint("is it the right file?"));
        }
        Problems(self.problems)
    }
}

/// What is wrong with `value` where `kind` is meant, or nothing. `key` is the full path.
pub fn check_value(
    origin: &Origin,
    key: &str,
    kind: &Kind,
    unit: &str,
    value: &Value,
) -> Result<(), Problem> {
    kind.check(value).map_err(|hint| {
        origin
            .problem(key, fault(kind, value))
            .given(value)
            .allowed(format!("{}{}", kind.allowed(), in_unit(kind, unit)))
            .hint(hint)
    })
}

fn in_unit(kind: &Kind, unit: &str) -> String {
    match kind {
        Kind::Number { .. } | Kind::Whole { .. } => format!(" ({unit})"),
        _ => String::new(),
    }
}

/// What is wrong with a value that its kind does not allow.
fn fault(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Whole { .. }, Value::Number(number)) if number.is_finite() && number.fract() != 0.0 => {
            "not a whole number".into()
        }
        (Kind::Number { .. } | Kind::Whole { .. }, Value::Whole(_) | Value::Number(_)) => {
            "out of range".into()
        }
        (Kind::Month | Kind::MonthOrNever, Value::Text(_)) => "not a month".into(),
        (Kind::Choice(_) | Kind::DeliverTo, Value::Text(_)) => "not one of the choices".into(),
        (Kind::Shape | Kind::Text | Kind::Path, Value::Text(_)) => "text that is not allowed".into(),
        (Kind::Domains | Kind::DeliverTo, Value::List(_)) => "a list that is not allowed".into(),
        _ => format!("wrong type: {}", type_of(value)),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Flag(_) => "true or false",
        Value::Whole(_) | Value::Number(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Other(_) => "a date or a table",
    }
}

/// What is wrong with text for people (title, note, name, source), or nothing. Line breaks are
/// allowed only where `lines` says so.
pub fn check_text(origin: &Origin, key: &str, text: &str, lines: bool) -> Result<(), Problem> {
    check_value(origin, key, &Kind::Text, "", &Value::Text(text.into()))?;
    let bad = |c: char| is_invisible_control(c) && !(lines && matches!(c, '\n' | '\r' | '\t'));
    match text.chars().find(|c| bad(*c)) {
        None => Ok(()),
        Some(c) => Err(origin
            .problem(key, format!("contains the control character U+{:04X}", u32::from(c)))
            .given(Value::Text(text.into()))
            .allowed("text without control characters")),
    }
}

/// A problem for a key that does not exist, with the nearest of `names`.
pub fn unknown_key<'a>(origin: &Origin, key: &str, names: impl Iterator<Item = &'a str>) -> Problem {
    origin.problem(key, "no such key").hint(nearest_hint(key, names))
}

/// "a, b, c" of the first few names, for what is allowed.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 24;
    let names: Vec<&str> = names.collect();
    let rest = names.len().saturating_sub(MOST);
    let mut text = names[..names.len() - rest].join(", ");
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_in_a_few_lines() {
        let problem = Origin::line("a/../b.toml", 3)
            .problem("fees.agency_query", "out of range")
            .given(Value::Whole(-1))
            .allowed("a number from 0 to 1")
            .hint("none");
        assert_eq!(
            problem.render(false),
            "b.toml:3: fees.agency_query = -1\n  out of range\n  allowed: a number from 0 to 1\n  hint: none"
        );
        assert!(problem.render(true).contains("\x1b[31mout of range\x1b[0m"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let problem = Origin::whole("a.toml").problem("x\x1b[2J", "bad").given("\x07".repeat(200));
        assert!(!problem.render(false).replace('\n', "").chars().any(char::is_control));
        assert!(problem.render(false).contains("..."));
    }

    #[test]
    fn problems_come_in_the_order_of_files_and_lines() {
        let mut collector = Collector::default();
        collector.reads(Path::new("z.toml"));
        collector.reads(Path::new("a.toml"));
        for (file, line) in [("--set", None), ("a.toml", Some(1)), ("z.toml", Some(9)), ("z.toml", Some(2))] {
            collector.push(Origin { file: file.into(), line }.problem("", ""));
        }
        let order: Vec<_> = collector.finish().0.iter().map(|p| (p.file.clone(), p.line)).collect();
        let expected = [("z.toml", Some(2)), ("z.toml", Some(9)), ("a.toml", Some(1)), ("--set", None)];
        assert_eq!(order, expected.map(|(file, line)| (PathBuf::from(file), line)));
    }
}
