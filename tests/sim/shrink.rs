//! What is the least of a schedule and its story that still goes wrong?

use std::collections::BTreeMap;

use oktawatch::model::Alert;

use super::mistake::Mistake;
use super::schedule::{Step, calm, drawn};
use super::story::Story;
use super::verdict::{Expected, timeless};
use super::world::World;

/// How often what happened to the processes.
pub type Notes = BTreeMap<&'static str, u64>;

/// Runs a schedule; says what is wrong. A panic is wrong as well.
pub fn run(
    story: &Story,
    expected: &Expected,
    steps: &[Step],
    mistake: Option<Mistake>,
) -> Result<Notes, String> {
    let run = || run_whole(story, expected, steps, mistake);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        Err(said.unwrap_or_else(|| String::from("a panic")))
    })
}

fn run_whole(
    story: &Story,
    expected: &Expected,
    steps: &[Step],
    mistake: Option<Mistake>,
) -> Result<Notes, String> {
    let mut world = World::new(story, mistake);
    let alerts = world.run(steps)?;
    expected.judge(&alerts)?;
    world.audit()?;
    Ok(world.notes())
}

/// Runs the schedule of a seed.
pub fn run_seed(seed: u64, mistake: Option<Mistake>) -> Result<Notes, String> {
    let story = Story::drawn(seed);
    run(&story, &Expected::of(&story), &drawn(seed, &story), mistake)
}

/// Runs a seed's story without any fault, in the order of time, in one process: then the alerts are the same to
/// the last word. Says what was seen and what is wanted.
pub fn run_calmly(seed: u64) -> (String, String) {
    let story = Story::drawn(seed).calm();
    let alerts = World::new(&story, None).run(&calm(seed)).unwrap();
    (timeless(alerts.iter().map(|alert| Alert::clone(alert))), timeless(story.plainly()))
}

/// What remains of a seed that fails, as lines, with what is wrong with it.
pub fn shrunk(seed: u64, mistake: Option<Mistake>) -> String {
    let mut story = Story::drawn(seed);
    let mut steps = drawn(seed, &story);
    let Err(mut why) = run(&story, &Expected::of(&story), &steps, mistake) else {
        return format!("seed {seed} is fine");
    };
    loop {
        let before = (steps.len(), story.deliveries.len());
        steps = fewer_steps(&story, steps, mistake, &mut why);
        fewer_events(&mut story, &steps, mistake, &mut why);
        if before == (steps.len(), story.deliveries.len()) {
            break;
        }
    }
    let lines: Vec<String> = steps.iter().map(|step| format!("  {step}")).collect();
    format!("seed {seed}: {why}\n{story:?}\n{}", lines.join("\n"))
}

/// Leaves out runs of steps, longer ones first, for as long as it still fails.
fn fewer_steps(story: &Story, mut steps: Vec<Step>, mistake: Option<Mistake>, why: &mut String) -> Vec<Step> {
    let expected = Expected::of(story);
    let mut many = (steps.len() / 2).max(1);
    loop {
        let mut place = 0;
        while place < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(place..(place + many).min(steps.len()));
            match run(story, &expected, &fewer, mistake) {
                Err(error) => (steps, *why) = (fewer, error),
                Ok(_) => place += many,
            }
        }
        if many == 1 {
            return steps;
        }
        many /= 2;
    }
}

/// Leaves out events one by one.
fn fewer_events(story: &mut Story, steps: &[Step], mistake: Option<Mistake>, why: &mut String) {
    let mut place = 0;
    while place < story.deliveries.len() && story.deliveries.len() > 1 {
        let mut fewer = story.clone();
        fewer.deliveries.remove(place);
        match run(&fewer, &Expected::of(&fewer), steps, mistake) {
            Err(error) => (*story, *why) = (fewer, error),
            Ok(_) => place += 1,
        }
    }
}
