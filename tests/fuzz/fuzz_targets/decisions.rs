//! Any bytes as the table of decisions that an earlier run has left.
#![no_main]

mod shipped;

use libfuzzer_sys::fuzz_target;
use mandate::explain::{Query, read};

/// A review of two choices, with decimal points and with commas.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut points =
        String::from("scenario,replicate,month,agent,choice,option,term,value,chosen,reference_cny\n");
    for (option, chosen) in [("approve", "true"), ("refuse", "false")] {
        for (term, value) in [("profit", "0.5"), ("fees", "-0.25")] {
            points += &format!("a,1,2021-03,rural,lending,{option},{term},{value},{chosen},1000\n");
        }
    }
    let commas = points.replace(',', ";").replace("0.", "0,");
    [("points", points), ("commas", commas)].map(|(name, text)| (name.into(), text.into_bytes())).into()
}

fuzz_target!(init: shipped::sow(seeds()), |bytes: &[u8]| {
    let folder = &*shipped::HERE;
    std::fs::write(folder.join("decisions.csv"), bytes).expect("a file");
    let query = Query { agent: "rural".into(), ..Query::default() };
    if let Ok(review) = read(folder, &query) {
        for choice in &review.choices {
            for term in choice.terms() {
                let _ = choice.tip(term);
            }
        }
    }
});
