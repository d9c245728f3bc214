//! The scenarios that ship, how files win over each other, and what is made from scenarios.

use mandate::scenario::parameters::Place;
use mandate::scenario::value::Value;
use mandate::scenario::{Scenario, Statistic, listing, load, template};
use mandate::sweep::file::is_sweep;
use mandate::units::{Month, RuleMonth};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name)
}

fn loaded(file: &Path, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    load(file, &sets, None).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A scenario that extends `december-deadline`, in a folder of its own.
fn derived(folder: &TempDir, name: &str, body: &str) -> PathBuf {
    let file = folder.path().join(name);
    let base = shipped("december-deadline.toml");
    let extends = Value::Text(base.to_str().unwrap().into());
    fs::write(&file, format!("title = \"X\"\nextends = {extends}\n{body}")).unwrap();
    file
}

#[test]
fn every_shipped_scenario_loads_and_says_where_it_comes_from() {
    let mut count = 0;
    for entry in fs::read_dir(shipped("")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "toml") || is_sweep(&file) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        count += 1;
        assert!(text.starts_with("#:schema schema.json\n# "), "{}: header", file.display());
        for part in ["What it represents", "Where it comes from", "assumed"] {
            assert!(text.contains(part), "{}: {part}", file.display());
        }
        let scenario = loaded(&file, &[]);
        assert!(!scenario.about.is_empty(), "{}", file.display());
        assert!(scenario.warnings.is_empty(), "{:?}", scenario.warnings);
    }
    assert!(count >= 3);
}

#[test]
fn the_baseline_is_the_order_as_reported() {
    let scenario = loaded(&shipped("december-deadline.toml"), &[]);
    let parameters = &scenario.parameters;
    assert_eq!(parameters.platforms.len(), 14);
    assert_eq!(parameters.banks.iter().map(|bank| bank.row.count).sum::<u32>(), 3446);
    assert_eq!(parameters.rules.direct_sale_ban, RuleMonth::From(Month::new(2021, 7)));
    assert_eq!(parameters.rules.order, RuleMonth::From(Month::new(2022, 2)));
    assert_eq!(parameters.rules.deadline, RuleMonth::From(Month::new(2022, 12)));
    let jd = Place::of("agencies.pudao.stakes.jd").unwrap();
    assert_eq!(parameters.get(&jd), Some(Value::Number(0.25)));
    for stakes in &parameters.stakes {
        assert!((stakes.iter().map(|held| held.stake).sum::<f64>() - 1.0).abs() < 1e-9);
    }
    assert_eq!(scenario.targets.len(), 5);
    assert_eq!(scenario.targets[2].statistic, Statistic::GrowthOfYear);
    assert_eq!(scenario.replicate_seeds.len(), 1000);
    assert!(scenario.replicate_seeds.iter().all(|seed| *seed < 1 << 53), "spreadsheets show them exactly");
}

#[test]
fn regimes_that_other_rosters_go_under_name_no_ids() {
    for name in ["open-market.toml", "direct-ban.toml", "december-deadline.toml"] {
        let text = fs::read_to_string(shipped(name)).unwrap();
        for section in ["[platforms", "[banks", "[agencies"] {
            assert!(!text.contains(section), "{name}: {section}");
        }
    }
}

#[test]
fn later_files_win_and_options_win_over_files() {
    let folder = TempDir::new().unwrap();
    derived(&folder, "a.toml", "[fees]\nagency_query = 1\ndirect_query = 2\n");
    let b = folder.path().join("b.toml");
    fs::write(&b, "title = \"B\"\nextends = \"a.toml\"\n[fees]\nagency_query = 3\n").unwrap();
    let fees = loaded(&b, &[]).parameters.fees;
    assert_eq!((fees.agency_query, fees.direct_query), (3.0, 2.0));
    let fees = loaded(&b, &["fees.agency_query=4", "fees.agency_query=5_0"]).parameters.fees;
    assert_eq!(fees.agency_query, 50.0);
    assert_eq!(loaded(&b, &[]).title, "B");
}

#[test]
fn one_row_wins_over_all_rows_wherever_it_stands() {
    let folder = TempDir::new().unwrap();
    let waits = |scenario: &Scenario, id: &str| {
        let entry = scenario.parameters.platforms.iter().find(|entry| entry.id == id).unwrap();
        entry.row.waits_for
    };
    let a = derived(&folder, "a.toml", "[platforms.ant]\nwaits_for = 0.3\n");
    let b = folder.path().join("b.toml");
    fs::write(&b, "title = \"B\"\nextends = \"a.toml\"\n[platforms]\nwaits_for = 0\n").unwrap();
    let scenario = loaded(&b, &[]);
    assert_eq!((waits(&scenario, "ant"), waits(&scenario, "jd")), (0.3, 0.0));
    let scenario = loaded(&a, &["platforms.waits_for=0.9"]);
    assert_eq!((waits(&scenario, "ant"), waits(&scenario, "jd")), (0.3, 0.9));
    let scenario = loaded(&b, &["platforms.ant.waits_for=0.5"]);
    assert_eq!(waits(&scenario, "ant"), 0.5);
}

#[test]
fn platforms_have_rules_and_agencies_shareholders_of_their_own() {
    let folder = TempDir::new().unwrap();
    let file = derived(
        &folder,
        "a.toml",
        "[platforms.ant]\ndirect_sale = \"never\"\ndeliver_to = [\"pudao\"]\ncommission = 0.02\ncost_base = 0.5\n\
         [agencies.pudao]\nfee_query = 4\n[agencies.pudao.stakes]\njd = 0.0\n\"outside:A. B.\" = 0.25\n",
    );
    let scenario = loaded(&file, &["agencies.pudao.stakes.outside:A. B.=0.1"]);
    let at = |path: &str| scenario.parameters.get(&Place::of(path).unwrap()).map(|value| value.to_string());
    assert_eq!(at("platforms.ant.deliver_to").unwrap(), "[\"pudao\"]");
    assert_eq!(at("platforms.jd.deliver_to"), None);
    assert_eq!(at("agencies.pudao.fee_query").unwrap(), "4.0");
    assert_eq!(at("agencies.baihang.fee_query"), None);
    assert_eq!(at("agencies.pudao.stakes.jd").unwrap(), "0.0");
    assert_eq!(at("agencies.pudao.stakes.outside:A. B.").unwrap(), "0.1");
}

#[test]
fn amendments_of_a_base_come_first() {
    let folder = TempDir::new().unwrap();
    let amendment = |note: &str| {
        format!(
            "[[amendment]]\nnote = \"{note}\"\nfrom = \"2022-01\"\n\
             set = {{ \"platforms.ant.waits_for\" = 0.1, \"platforms.waits_for\" = 0, rules.deadline = \"never\" }}\n"
        )
    };
    derived(&folder, "a.toml", &amendment("base"));
    let b = folder.path().join("b.toml");
    fs::write(&b, format!("title = \"B\"\nextends = \"a.toml\"\n{}", amendment("own"))).unwrap();
    let amendments = loaded(&b, &[]).amendments;
    assert_eq!(amendments.iter().map(|a| a.note.as_str()).collect::<Vec<_>>(), ["base", "own"]);
    let paths: Vec<&str> = amendments[0].changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["platforms.waits_for", "platforms.ant.waits_for", "rules.deadline"]);
}

#[test]
fn the_json_schema_is_current() {
    let written = fs::read_to_string(shipped("schema.json")).unwrap_or_default();
    assert!(
        written == listing::json_schema(),
        "refresh it: cargo run --release -- parameters --format json-schema > scenarios/schema.json"
    );
}

#[test]
fn a_new_scenario_loads_and_so_does_each_line_uncommented() {
    let folder = TempDir::new().unwrap();
    let destination = folder.path().join("deeper").join("mine.toml");
    fs::create_dir(folder.path().join("deeper")).unwrap();
    let base = shipped("december-deadline.toml");
    let text = template::new("mine", &base, &destination).unwrap();
    fs::write(&destination, &text).unwrap();
    let plain = loaded(&destination, &[]);
    assert_eq!(plain.parameters.rules, loaded(&base, &[]).parameters.rules);

    let is_setting = |line: &str| {
        let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "));
        key.is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
    };
    let settings: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| is_setting(line)).map(|(i, _)| i).collect();
    assert!(settings.len() > 60, "{}", settings.len());
    for setting in settings {
        let lines = text.lines().enumerate();
        let changed: Vec<&str> =
            lines.map(|(i, line)| if i == setting { &line[2..] } else { line }).collect();
        fs::write(&destination, changed.join("\n")).unwrap();
        let scenario = loaded(&destination, &[]);
        let rosters_aside = |scenario: &Scenario| {
            let mut parameters = scenario.parameters.clone();
            parameters.rosters = Default::default();
            parameters
        };
        assert_eq!(rosters_aside(&scenario), rosters_aside(&plain), "{}", changed[setting]);
        assert_eq!(scenario.amendments.len(), usize::from(changed[setting].starts_with("amendment")));
    }
    assert!(template::new("=mine", &base, &destination).is_err());
    assert!(template::new("mine", &shipped("nowhere.toml"), &destination).is_err());
}

#[test]
fn a_resolved_scenario_holds_every_value_and_loads_again() {
    let folder = TempDir::new().unwrap();
    let file = derived(
        &folder,
        "a.toml",
        "[[amendment]]\nnote = \"n\"\nwhen = { indicator = \"audits\", above = 1, for_months = 2, not_before = \"2022-01\" }\n\
         set = { \"fees.agency_query\" = 3 }\n\
         [[amendment]]\nwhen = { indicator = \"audits\", below = 2 }\n\
         set = { \"fees.agency_query\" = 5, \"fees.direct_query\" = 4 }\n",
    );
    let scenario = loaded(&file, &[]);
    assert_eq!(
        scenario.amendments.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "when audits above 1 for 2 months not before 2022-01: fees.agency_query = 3",
            "when audits below 2: fees.agency_query = 5, fees.direct_query = 4",
        ]
    );
    let text = scenario.resolved();
    assert_eq!(text, loaded(&file, &[]).resolved());
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["agencies"]["pudao"]["stakes"]["jd"].as_float(), Some(0.25));
    assert_eq!(table["credit"]["tries"].as_integer(), Some(2));

    // The rosters' paths are as their own file writes them: here they go to the folder of that file.
    let rosters = text.replace("\"../seeds/", &format!("\"{}/seeds/", env!("CARGO_MANIFEST_DIR")));
    let again = folder.path().join("again.toml");
    fs::write(&again, rosters).unwrap();
    let again = loaded(&again, &[]);
    assert_eq!(again.amendments, scenario.amendments);
    assert_eq!(again.parameters.platforms, scenario.parameters.platforms);
    assert_eq!(again.parameters.stakes, scenario.parameters.stakes);
}

#[test]
fn differences_are_told_by_path() {
    let folder = TempDir::new().unwrap();
    let base = loaded(&shipped("december-deadline.toml"), &[]);
    let banks = loaded(&shipped("december-deadline.toml"), &["banks.waits_for=0.5", "fees.agency_query=3"]);
    let one = "[platforms.ant]\ndirect_sale = \"never\"\ndeliver_to = [\"pudao\"]\n[[amendment]]\nfrom = \"2022-06\"\n\
               set = { \"supervision.audits_per_month\" = 8 }\n";
    let ant = loaded(&derived(&folder, "a.toml", one), &[]);
    let differing = Scenario::differing(&[&base, &banks, &ant]);
    let expected = [
        ("fees.agency_query", "CNY per query", [Some("24"), Some("3"), Some("24")]),
        ("platforms.ant.direct_sale", "choice", [Some("as_ruled"), Some("as_ruled"), Some("never")]),
        ("platforms.ant.deliver_to", "agencies", [None, None, Some("pudao")]),
        ("banks.waits_for", "share of banks", [Some("0.8"), Some("0.5"), Some("0.8")]),
        ("amendment.1", "text", [None, None, Some("from 2022-06: supervision.audits_per_month = 8")]),
    ];
    let expected = expected.map(|(path, unit, values)| {
        (path.to_string(), unit.to_string(), values.map(|value| value.map(str::to_string)).to_vec())
    });
    assert_eq!(differing, expected);
    assert!(Scenario::differing(&[&base, &base]).is_empty());
}
