//! The manifest: what was run and what was written, the same bytes for the same run.

use super::csv::{Written, hexadecimal};
use serde::Serialize;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// What was run.
pub struct Inputs<'a> {
    /// Subcommand.
    pub command: &'a str,
    /// Seed.
    pub seed: u64,
    /// Replicates of each scenario.
    pub replicates: u32,
    /// Tables asked for.
    pub tables: Vec<&'static str>,
    /// Dialect of the CSV files.
    pub csv_dialect: &'static str,
    /// Whether each bank was reported, not each class.
    pub per_bank: bool,
    /// The scenarios.
    pub scenarios: Vec<ScenarioInputs>,
}

/// A scenario that was run.
pub struct ScenarioInputs {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Simulated users.
    pub sample: u64,
    /// Seeds of its replicates, in order.
    pub replicate_seeds: Vec<u64>,
    /// The resolved scenario.
    pub resolved: Table,
}

impl Inputs<'_> {
    /// A short name for the results of these inputs: twelve digits of the SHA-256 of all that they
    /// follow from. How they are written down does not count.
    pub fn run_id(&self) -> String {
        let identity = Identity {
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            seed: whole(self.seed),
            replicates: self.replicates,
            scenario: self.scenarios.iter().map(scenario_entry).collect(),
        };
        let text = toml::to_string(&identity).expect("inputs have nothing that TOML can't write");
        hexadecimal(&Sha256::digest(text.as_bytes())[..6])
    }
}

/// What results follow from.
#[derive(Serialize)]
struct Identity<'a> {
    version: &'static str,
    command: &'a str,
    seed: Value,
    replicates: u32,
    scenario: Vec<ScenarioEntry<'a>>,
}

#[derive(Serialize)]
struct Manifest<'a> {
    program: &'static str,
    version: &'static str,
    run_id: String,
    command: &'a str,
    seed: Value,
    replicates: u32,
    tables: &'a [&'static str],
    csv_dialect: &'static str,
    per_bank: bool,
    table: Vec<TableEntry<'a>>,
    scenario: Vec<ScenarioEntry<'a>>,
}

#[derive(Serialize)]
struct TableEntry<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    sha256: &'a str,
}

#[derive(Serialize)]
struct ScenarioEntry<'a> {
    name: &'a str,
    title: &'a str,
    sample: Value,
    replicate_seeds: Vec<Value>,
    resolved: &'a Table,
}

/// The text of the manifest.
pub fn manifest(inputs: &Inputs<'_>, written: &[Written]) -> String {
    let manifest = Manifest {
        program: "mandate",
        version: env!("CARGO_PKG_VERSION"),
        run_id: inputs.run_id(),
        command: inputs.command,
        seed: whole(inputs.seed),
        replicates: inputs.replicates,
        tables: &inputs.tables,
        csv_dialect: inputs.csv_dialect,
        per_bank: inputs.per_bank,
        table: written.iter().map(table_entry).collect(),
        scenario: inputs.scenarios.iter().map(scenario_entry).collect(),
    };
    toml::to_string(&manifest).expect("a manifest has nothing that TOML can't write")
}

fn table_entry(written: &Written) -> TableEntry<'_> {
    TableEntry { file: &written.file, rows: written.rows, sha256: &written.sha256 }
}

fn scenario_entry(inputs: &ScenarioInputs) -> ScenarioEntry<'_> {
    ScenarioEntry {
        name: &inputs.name,
        title: &inputs.title,
        sample: whole(inputs.sample),
        replicate_seeds: inputs.replicate_seeds.iter().copied().map(whole).collect(),
        resolved: &inputs.resolved,
    }
}

/// TOML's whole numbers have a sign; what is beyond them is written as text.
fn whole(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::String(number.to_string()), Value::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back() {
        let resolved: Table = "title = \"A\"\n[fees]\nagency_query = 3.0\n".parse().unwrap();
        let scenario = ScenarioInputs {
            name: "a".into(),
            title: "A \"quoted\" title".into(),
            sample: 1000,
            replicate_seeds: vec![7, u64::MAX],
            resolved,
        };
        let inputs = Inputs {
            command: "run",
            seed: 1,
            replicates: 2,
            tables: vec!["months"],
            csv_dialect: "standard",
            per_bank: false,
            scenarios: vec![scenario],
        };
        let written = [Written { file: "months.csv".into(), rows: Some(48), sha256: "ab".into() }];
        let text = manifest(&inputs, &written);
        let read: Table = text.parse().unwrap();
        assert_eq!(read["table"][0]["rows"], Value::Integer(48));
        assert_eq!(read["scenario"][0]["title"].as_str(), Some("A \"quoted\" title"));
        assert_eq!(read["scenario"][0]["resolved"]["fees"]["agency_query"].as_float(), Some(3.0));
        assert_eq!(read["scenario"][0]["replicate_seeds"][1].as_str(), Some("18446744073709551615"));
        assert_eq!(read["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(text, manifest(&inputs, &written));
    }
}
