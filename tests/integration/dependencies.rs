//! What the program is built from: licences that may be passed on, one registry, no later Rust than ours.

use crate::common::repository;
use serde_json::Value;
use std::process::Command;
use std::sync::LazyLock;

/// The licences that `tests/deny.toml` allows.
static ALLOWED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository("tests/deny.toml")).expect("the file is there");
    let table: toml::Table = text.parse().expect("it is TOML");
    let allowed = table["licenses"]["allow"].as_array().expect("it lists licences");
    allowed.iter().map(|licence| licence.as_str().expect("licences are text").to_string()).collect()
});

/// Whether an SPDX expression can be met by the licences allowed.
fn met(expression: &str) -> bool {
    // `OR` binds least, brackets most; `/` is how some write `OR`.
    let parts = |text: &str, word: &str| -> Vec<String> {
        let (mut parts, mut depth) = (vec![String::new()], 0i32);
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 && rest.starts_with(word) {
                parts.push(String::new());
                rest = &rest[word.len()..];
            } else {
                parts.last_mut().unwrap().push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        parts
    };
    let text = expression.trim().replace('/', " OR ");
    let either = parts(&text, " OR ");
    if either.len() > 1 {
        return either.iter().any(|part| met(part));
    }
    let both = parts(&text, " AND ");
    if both.len() > 1 {
        return both.iter().all(|part| met(part));
    }
    match text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => met(inner),
        None => ALLOWED.iter().any(|allowed| allowed == text.trim()),
    }
}

fn version(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = text.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

/// All packages of the build for this machine, as `cargo metadata` tells them, without the network.
fn packages() -> Vec<Value> {
    let rustc = Command::new("rustc").arg("-vV").output().expect("there is a compiler");
    let told = String::from_utf8(rustc.stdout).unwrap();
    let host =
        told.lines().find_map(|line| line.strip_prefix("host: ")).expect("it says for what it compiles");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("there is cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn expressions_of_licences() {
    for met_by in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(MIT OR GPL-2.0) AND Unicode-3.0"] {
        assert!(met(met_by), "{met_by}");
    }
    for not_met in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND MPL-2.0", "MIT WITH x"] {
        assert!(!met(not_met), "{not_met}");
    }
}

#[test]
fn dependencies_may_be_passed_on_and_need_no_later_rust() {
    let packages = packages();
    assert!(packages.len() > 50, "{} packages", packages.len());
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let mut wrong = Vec::new();
    for package in &packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let name = format!("{} {}", text("name"), text("version"));
        if !met(text("license")) {
            wrong.push(format!("{name}: the licence \"{}\" is not among those allowed", text("license")));
        }
        if text("name") != env!("CARGO_PKG_NAME")
            && !text("source").starts_with("registry+https://github.com/rust-lang/crates.io-index")
        {
            wrong.push(format!("{name}: it comes from \"{}\", not from crates.io", text("source")));
        }
        if let Some(needed) = package["rust_version"].as_str().filter(|needed| version(needed) > ours) {
            wrong.push(format!(
                "{name}: needs Rust {needed}, later than the {} of Cargo.toml",
                env!("CARGO_PKG_RUST_VERSION")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} packages:\n{}", wrong.len(), packages.len(), wrong.join("\n"));
}
