//! The page's data. Names that many rows share are written once and meant by their place; lists of numbers as differences.

use super::data::{KINDS, Overview, Unseen};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Component entries (of artifacts, not of functions) that a page carries; over it, it does not say who ships what. 2,000,000:
/// some 8 MB of the page, 25,000 artifacts of 80 components.
const ENTRIES: usize = 2_000_000;

/// Texts by their place.
#[derive(Default)]
struct Pool {
    texts: Vec<Value>,
    places: HashMap<String, usize>,
}

impl Pool {
    fn at(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.places.insert(text.to_owned(), self.texts.len());
        self.texts.push(Value::from(text));
        self.texts.len() - 1
    }

    fn maybe(&mut self, text: Option<&str>) -> i64 {
        text.map_or(-1, |text| i64::try_from(self.at(text)).unwrap_or(-1))
    }
}

/// As the page's script reads it, and `/data.json` serves it.
pub(super) fn of(overview: &Overview) -> Value {
    let mut pool = Pool::default();
    let components: HashMap<i64, usize> = overview
        .components
        .keys()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    let entries: usize = overview.contents.values().map(Vec::len).sum();
    let artifacts: HashMap<i64, usize> = overview
        .contents_and_gaps()
        .enumerate()
        .map(|(at, id)| (id, at))
        .collect();
    let nights = overview.nights.iter().map(|n| json!([n.date, n.open, n.new, n.fixed]));
    let functions = overview.functions.iter().map(|shown| {
        let function = &shown.row.function;
        let artifact = shown.row.artifact.and_then(|id| artifacts.get(&id));
        json!([
            function.name,
            pool.at(&shown.row.source),
            pool.maybe(function.runtime.as_deref()),
            pool.maybe(function.owner.as_deref()),
            artifact.map_or(-1, |at| i64::try_from(*at).unwrap_or(-1)),
            function
                .last_modified
                .as_deref()
                .and_then(|date| date.get(..10))
                .unwrap_or_default(),
            shown.open,
            shown.flaws,
            u8::from(shown.stale),
            pool.maybe(shown.row.failed.as_deref()),
            function
                .tags
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>(),
        ])
    });
    let functions: Vec<Value> = functions.collect();
    let shipped = overview.components.values().map(|shipped| {
        json!([
            pool.at(&shipped.row.ecosystem),
            shipped.row.name,
            shipped.row.version.as_deref().unwrap_or_default(),
            shipped.functions,
            shipped.flaws
        ])
    });
    let shipped: Vec<Value> = shipped.collect();
    let contents = overview.contents_and_gaps().map(|id| {
        let of = overview.contents.get(&id).map_or(&[][..], |list| list);
        let places = of.iter().filter_map(|component| components.get(component).copied());
        let list = if entries > ENTRIES {
            Vec::new()
        } else {
            differences(places)
        };
        let gaps: Vec<Value> = overview
            .gaps
            .get(&id)
            .into_iter()
            .flatten()
            .map(|gap| self::gap(gap, &mut pool))
            .collect();
        json!([of.len(), list, gaps])
    });
    let contents: Vec<Value> = contents.collect();
    let flaws = overview.flaws.iter().map(|flaw| {
        let component = components
            .get(&flaw.coordinate)
            .map_or(-1, |at| i64::try_from(*at).unwrap_or(-1));
        json!([
            component,
            pool.at(&flaw.rule),
            flaw.advisory,
            flaw.aliases,
            flaw.fixed_in,
            flaw.message,
            flaw.exploited
        ])
    });
    let flaws: Vec<Value> = flaws.collect();
    json!({
        "schema": "plimsoll/inventory-page/1",
        "kinds": KINDS,
        "synced": overview.synced,
        "audited": overview.audited,
        "who": entries <= ENTRIES,
        "nights": nights.collect::<Vec<_>>(),
        "functions": functions,
        "components": shipped,
        "artifacts": contents,
        "flaws": flaws,
        "severities": overview.kinds,
        "texts": pool.texts,
    })
}

fn gap(gap: &Unseen, pool: &mut Pool) -> Value {
    json!([
        u8::from(gap.kind == "blind"),
        pool.at(&gap.location),
        pool.at(&gap.reason)
    ])
}

fn differences(places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sorted: Vec<usize> = places.collect();
    sorted.sort_unstable();
    let mut last = 0;
    for place in &mut sorted {
        let here = *place;
        *place = here - last;
        last = here;
    }
    sorted
}

/// JSON that can stand between script tags.
pub(super) fn embedded(data: &Value) -> String {
    // Only strings can hold these characters, and there the escape means the same.
    data.to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}
