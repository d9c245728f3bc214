//! The JSON Schema of scenario files, for editors that complete and check while one types.

use super::amendment::{CONDITION_KEYS, KEYS};
use super::parameters::{During, Parameter, ROSTER_SECTIONS, all_parameters};
use super::setting::{columns_of, sections};
use super::value::{DOMAINS, Kind, Value};
use crate::tables;
use serde_json::{Map, Value as Json, json};

const MONTH: &str = "^[1-9][0-9]{3}-(0[1-9]|1[0-2])$";
const ID: &str = "[a-z0-9][a-z0-9_-]*";
const TEXT: &str = "^[^=+@\\-\\t\\r\\n＝＋－＠]";

/// The JSON Schema of scenario files, draft 2020-12. `scenarios/schema.json` is its text.
pub fn json_schema() -> String {
    let mut properties = Map::new();
    properties
        .insert("title".into(), described(json!({"type": "string", "pattern": TEXT}), "Title, for people"));
    properties.insert(
        "extends".into(),
        described(
            json!({"type": "string", "minLength": 1}),
            "Scenario file to start from, relative to this one; later values win",
        ),
    );
    properties.insert("about".into(), described(json!({"type": "string"}), "What it represents, for people"));
    for section in sections() {
        properties.insert(section.into(), section_schema(section, |_| true));
    }
    properties.insert("amendment".into(), json!({"type": "array", "items": amendment_schema()}));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of mandate",
        "type": "object",
        "required": ["title"],
        "additionalProperties": false,
        "properties": properties,
    });
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema can be written");
    text.push('\n');
    text
}

fn described(mut schema: Json, description: &str) -> Json {
    schema["description"] = description.into();
    schema
}

fn object(properties: Map<String, Json>) -> Json {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// A section's keys, of those parameters that `keep` says.
fn section_schema(section: &str, keep: impl Fn(&Parameter) -> bool + Copy) -> Json {
    if !ROSTER_SECTIONS.contains(&section) {
        let of_section = all_parameters().filter(|parameter| parameter.section == section && keep(parameter));
        return object(of_section.map(entry).collect());
    }
    let mut row: Map<String, Json> = columns_of(section).iter().filter(|p| keep(p)).map(entry).collect();
    let mut schema = object(row.clone());
    if section == "agencies" {
        row.insert(
            "stakes".into(),
            json!({
                "type": "object",
                "description": "Stakes by holder: a platform's id or outside:NAME",
                "additionalProperties": stake(),
            }),
        );
    }
    // A key that is no column is a row's id.
    schema["additionalProperties"] = object(row);
    described(schema, "Columns for all rows of the roster, and tables of columns by a row's id")
}

fn stake() -> Json {
    json!({"type": "number", "minimum": 0, "maximum": 1})
}

fn entry(parameter: &Parameter) -> (String, Json) {
    (parameter.name.to_string(), parameter_schema(parameter))
}

fn parameter_schema(parameter: &Parameter) -> Json {
    let mut schema = kind_schema(&parameter.kind);
    let Parameter { meaning, unit, source, .. } = parameter;
    schema["description"] = format!("{meaning}. Unit: {unit}. Source: {source}").into();
    if *source != "roster"
        && let Some(default) = (parameter.default)()
    {
        schema["default"] = to_json(&default);
    }
    schema
}

fn kind_schema(kind: &Kind) -> Json {
    match kind {
        Kind::Number { low, high } => json!({"type": "number", "minimum": low, "maximum": high}),
        Kind::Whole { low, high } => json!({"type": "integer", "minimum": low, "maximum": high}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Month => json!({"type": "string", "pattern": MONTH}),
        Kind::MonthOrNever => json!({"anyOf": [{"const": "never"}, {"type": "string", "pattern": MONTH}]}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::DeliverTo => json!({"anyOf": [
            {"enum": ["all", "any"]},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": true},
        ]}),
        Kind::Domains => json!({"type": "array", "items": {"enum": DOMAINS}, "uniqueItems": true}),
        Kind::Shape => json!({"type": "string", "pattern": "^(uniform|beta:[0-9.]+:[0-9.]+)$"}),
        Kind::Text => json!({"type": "string", "pattern": TEXT}),
        Kind::Path => json!({"type": "string", "minLength": 1}),
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => json!(flag),
        Value::Whole(number) => json!(number),
        Value::Number(number) => json!(number),
        Value::Text(text) | Value::Other(text) => json!(text),
        Value::List(items) => items.iter().map(to_json).collect(),
    }
}

fn amendment_schema() -> Json {
    let [note, from, when, set] = KEYS;
    let month = || json!({"type": "string", "pattern": MONTH});
    json!({
        "type": "object",
        "description": "A change of parameters during a run, which no agent foresees",
        "required": [set],
        "oneOf": [{"required": [from]}, {"required": [when]}],
        "additionalProperties": false,
        "properties": {
            note: {"type": "string", "description": "What it represents, for people"},
            from: described(month(), "Month from which it is in force, not before the calendar's start"),
            when: condition_schema(),
            set: changes_schema(),
        },
    })
}

fn condition_schema() -> Json {
    let [indicator, below, above, for_months, not_before] = CONDITION_KEYS;
    json!({
        "type": "object",
        "description": "Condition on what can be observed; the change is in force from the month after",
        "required": [indicator],
        "anyOf": [{"required": [below]}, {"required": [above]}],
        "additionalProperties": false,
        "properties": {
            indicator: {
                "enum": tables::indicators().collect::<Vec<_>>(),
                "description": "A column of months.csv",
            },
            below: {"type": "number", "description": "Met below this value"},
            above: {"type": "number", "description": "Met above this value"},
            for_months: {
                "type": "integer", "minimum": 1, "maximum": 1200, "default": 1,
                "description": "Months in a row for which it must be met",
            },
            not_before: {
                "type": "string", "pattern": MONTH,
                "description": "First month at whose end the condition is read",
            },
        },
    })
}

/// What amendments may set: quoted paths, or the same as nested tables.
fn changes_schema() -> Json {
    let amendable = |parameter: &Parameter| parameter.during == During::Amendable;
    let mut properties = Map::new();
    let mut patterns = Map::new();
    for parameter in all_parameters().filter(|parameter| amendable(parameter)) {
        let Parameter { section, name, .. } = parameter;
        properties.insert(format!("{section}.{name}"), parameter_schema(parameter));
        if ROSTER_SECTIONS.contains(section) {
            patterns.insert(format!("^{section}\\.{ID}\\.{name}$"), parameter_schema(parameter));
        }
    }
    for section in sections() {
        if all_parameters().any(|parameter| parameter.section == section && amendable(parameter)) {
            properties.insert(section.into(), section_schema(section, amendable));
        }
    }
    patterns.insert(format!("^agencies\\.{ID}\\.stakes\\..+$"), stake());
    json!({
        "type": "object",
        "description": "Paths of parameters and their new values",
        "minProperties": 1,
        "additionalProperties": false,
        "properties": properties,
        "patternProperties": patterns,
    })
}
