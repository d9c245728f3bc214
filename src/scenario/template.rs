//! A commented scenario file to start from.

use super::Scenario;
use super::chain::is_scenario_name;
use super::load;
use super::parameters::{Parameter, Place, ROSTER_SECTIONS, all_parameters};
use super::problem::{Origin, Problem, Problems};
use super::setting::sections;
use super::value::{Kind, Value};
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The text of a scenario file at `destination` that extends the scenario file `from`, with every
/// parameter of the plain sections as a comment with its present value. Each such line may be
/// uncommented on its own, and changes nothing until it is edited.
///
/// # Errors
/// Where `name` can't name a scenario, what is wrong with `from`, and paths that are not UTF-8.
pub fn new(name: &str, from: &Path, destination: &Path) -> Result<String, Problems> {
    if !is_scenario_name(name) {
        let problem = Origin::whole(name).problem("", "this can't name a scenario");
        let allowed = "letters, digits, spaces and . _ - ( ), starting with a letter or digit";
        return Err(problem.allowed(allowed).into());
    }
    let base = load(from, &[], None)?;
    let mut text = header(name, from, destination, &base)?;
    for section in sections() {
        if ROSTER_SECTIONS.contains(&section) {
            continue;
        }
        write!(text, "\n[{section}]\n").expect("text can be extended");
        for parameter in all_parameters().filter(|parameter| parameter.section == section) {
            if let Some(value) = present(parameter, &base, destination)? {
                text.push_str(&lines_of(parameter, &value));
            }
        }
    }
    Ok(text)
}

fn header(name: &str, from: &Path, destination: &Path, base: &Scenario) -> Result<String, Problem> {
    let beside = from.with_file_name("schema.json");
    let schema = if beside.exists() { relative(&beside, destination)? } else { "schema.json".into() };
    let extends = Value::Text(relative(from, destination)?);
    let title = Value::Text(name.into());
    let month = base.parameters.calendar.start;
    Ok(format!(
        "#:schema {schema}
# What this scenario represents, and where that comes from.
#
# It starts from \"{based_on}\". Everything below is a comment that shows a present value:
# remove the # in front of a key, and change it. Uncommented as it stands, a line changes nothing.
# What holds for platforms, banks and agencies goes under [platforms], [banks], [agencies] for all of
# them, and under [platforms.ID] and so on for one; `mandate parameters` lists the keys.
# `mandate check` says what is wrong with a file.

title = {title}
extends = {extends}
about = \"What it represents, in a sentence or two.\"

# A change during the run, which nobody foresees. Several may stand at the end of the file, each
# under a line [[amendment]] of its own.
# amendment = [{{ note = \"An example\", from = \"{month}\", set = {{ \"supervision.audits_per_month\" = 8 }} }}]
",
        based_on = base.title.replace(char::is_control, " "),
    ))
}

/// The value a parameter has in the base; a path as seen from the destination.
fn present(parameter: &Parameter, base: &Scenario, destination: &Path) -> Result<Option<Value>, Problem> {
    if parameter.kind == Kind::Path {
        let file = base.roster_files.iter().find(|(name, _)| *name == parameter.name);
        return file.map(|(_, file)| relative(file, destination).map(Value::Text)).transpose();
    }
    let place = Place::Plain { section: parameter.section.into(), name: parameter.name.into() };
    Ok(base.parameters.get(&place))
}

fn lines_of(parameter: &Parameter, value: &Value) -> String {
    let Parameter { name, meaning, unit, kind, .. } = parameter;
    format!("# {meaning} ({unit}): {}.\n# {name} = {value}\n", kind.allowed())
}

/// `file` as seen from the folder of `from`.
fn relative(file: &Path, from: &Path) -> Result<String, Problem> {
    // A bare file name has an empty parent, which is no path to make absolute.
    let folder = from.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let (file, folder) = (absolute(file), absolute(folder));
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(file.components().skip(shared)).collect();
    let text = path.to_str().ok_or_else(|| Origin::whole(&file).problem("", "the path is not UTF-8 text"))?;
    // TOML files travel between systems; all of them read forward slashes.
    Ok(text.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// The path from the root, with links followed as far as it exists.
fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = whole.ancestors().find_map(|part| Some((std::fs::canonicalize(part).ok()?, part)));
    match existing {
        Some((real, part)) => real.join(whole.strip_prefix(part).unwrap_or(Path::new(""))),
        None => whole,
    }
}
